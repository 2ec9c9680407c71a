/* `dora cluster certs`: a certificate authority of one's own, and for each machine a zenoh configuration with its key
 * and certificate. openssl makes them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/child.h"
#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/values.h"

static const char days_usual[] = "3650";

/* Where things are made. What belongs to a machine alone lies in `work`, which is removed. */
struct workshop {
    const char *out;
    const char *days;
    char work[64];
};

/* Runs openssl; `output` (NULL: not wanted) gets what it prints. */
static bool openssl(const char *const *arguments, struct buf *wanted)
{
    const char *argv[40] = {"openssl"};
    autobuf struct buf output = {0};
    for (size_t i = 0; arguments[i] && i < 38; i++)
        argv[i + 1] = arguments[i];
    int status = child_run(argv, NULL, &output);
    if (status == 0) {
        if (wanted)
            buf_add(wanted, output.data ? output.data : "", output.len);
        return true;
    }
    if (status == -ENOENT) {
        report_error("there is no `openssl` on PATH, which makes the certificates");
        report_hint("apt install openssl");
        return false;
    }
    if (output.len)
        fwrite(output.data, 1, output.len, stderr);
    report_error("`openssl %s` failed", arguments[0]);
    return false;
}

static char *path_of(const char *folder, const char *name, const char *ending)
{
    char *path;
    if (asprintf(&path, "%s/%s%s", folder, name, ending) < 0)
        return NULL;
    return path;
}

static bool write_file(const char *path, const struct buf *text)
{
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (text->failed || fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len) {
        report_error("can't write %s: %s", path, text->failed ? "out of memory" : strerror(errno));
        return false;
    }
    return true;
}

/* ---- The authority ---- */

static bool write_settings(const char *path)
{
    autobuf struct buf text = {0};
    buf_puts(&text, "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = dora cluster\n"
                    "[authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n"
                    "subjectKeyIdentifier = hash\n");
    return write_file(path, &text);
}

static bool make_authority(const struct workshop *shop)
{
    autofree char *certificate = path_of(shop->out, "ca", ".pem"), *key = path_of(shop->out, "ca-key", ".pem"),
                  *settings = path_of(shop->work, "ca", ".cnf");
    if (!certificate || !key || !settings) {
        report_error("out of memory");
        return false;
    }
    if (access(certificate, R_OK) == 0 && access(key, R_OK) == 0) {
        printf("using the authority that is there: %s\n", certificate);
        return true;
    }
    if (!write_settings(settings) ||
        !openssl((const char *[]){"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                  "-sha256", "-days", shop->days, "-config", settings, "-extensions", "authority",
                                  "-keyout", key, "-out", certificate, NULL},
                 NULL))
        return false;
    printf("made an authority: %s; its key, %s, belongs on no machine of the cluster\n", certificate, key);
    return true;
}

/* ---- A machine ---- */

static void add_name(struct buf *text, unsigned *count, const char *host)
{
    struct in6_addr v6;
    struct in_addr v4;
    bool is_address = inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1;
    buf_printf(text, "%s.%u = %s\n", is_address ? "IP" : "DNS", ++*count, host);
}

/* Machines tell each other their addresses, and may connect by them. */
static void add_addresses(struct buf *text, unsigned *count, const char *host)
{
    struct addrinfo *found = NULL, wanted = {.ai_socktype = SOCK_STREAM};
    char address[NI_MAXHOST];
    struct in6_addr v6;
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 ||
        getaddrinfo(host, NULL, &wanted, &found) != 0)
        return;
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0 &&
            !endpoint_is_local_host(address) && !strchr(address, '%'))
            add_name(text, count, address);
    freeaddrinfo(found);
}

/* The names by which others connect to it. */
static bool write_machine_settings(const struct cluster *cluster, const struct cluster_machine *machine,
                                   const char *path)
{
    autobuf struct buf text = {0};
    unsigned count = 0;
    buf_printf(&text,
               "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = %s\n"
               "[machine]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
               "extendedKeyUsage = serverAuth, clientAuth\nsubjectAltName = @names\n[names]\n",
               machine->id);
    add_name(&text, &count, machine->id);
    if (strcmp(machine->host, machine->id) != 0)
        add_name(&text, &count, machine->host);
    add_addresses(&text, &count, machine->host);
    if (machine->is_here && strcmp(cluster->addr, machine->host) != 0)
        add_name(&text, &count, cluster->addr);
    for (size_t i = 0; i < machine->listen_count; i++) {
        const char *start = strchr(machine->listen[i], '/'), *end = start ? strrchr(start, ':') : NULL;
        bool is_bracketed = start && start[1] == '[';
        autofree char *host =
            end ? strndup(start + 1 + is_bracketed, (size_t)(end - start - 1 - 2 * is_bracketed)) : NULL;
        if (host && strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0 && strcmp(host, machine->host) != 0)
            add_name(&text, &count, host);
    }
    return write_file(path, &text);
}

static bool add_base64(struct buf *text, const char *key, const char *path)
{
    buf_printf(text, "        %s: \"", key);
    bool ok = openssl((const char *[]){"base64", "-A", "-in", path, NULL}, text);
    while (text->len && text->data[text->len - 1] == '\n')
        text->len--;
    buf_puts(text, "\",\n");
    return ok;
}

static bool write_config(const char *path, const char *ca, const char *key, const char *certificate, const char *id)
{
    autobuf struct buf text = {0};
    buf_printf(&text,
               "// zenoh's configuration for machine %s of a dora cluster: its own key and certificate, and the\n"
               "// authority that all others' must be signed by. Whoever has this file can pass for the machine.\n"
               "{\n  transport: {\n    link: {\n      tls: {\n        enable_mtls: true,\n"
               "        verify_name_on_connect: true,\n",
               id);
    return add_base64(&text, "root_ca_certificate_base64", ca) && add_base64(&text, "listen_private_key_base64", key) &&
           add_base64(&text, "listen_certificate_base64", certificate) &&
           add_base64(&text, "connect_private_key_base64", key) &&
           add_base64(&text, "connect_certificate_base64", certificate) &&
           (buf_puts(&text, "      },\n    },\n  },\n}\n"), write_file(path, &text));
}

static bool make_machine(const struct workshop *shop, const struct cluster *cluster,
                         const struct cluster_machine *machine)
{
    autofree char *config = path_of(shop->out, machine->id, ".json5"), *ca = path_of(shop->out, "ca", ".pem"),
                  *ca_key = path_of(shop->out, "ca-key", ".pem"), *settings = path_of(shop->work, machine->id, ".cnf"),
                  *key = path_of(shop->work, machine->id, ".key"), *request = path_of(shop->work, machine->id, ".csr"),
                  *certificate = path_of(shop->work, machine->id, ".pem");
    if (!config || !ca || !ca_key || !settings || !key || !request || !certificate) {
        report_error("out of memory");
        return false;
    }
    if (access(config, F_OK) == 0) {
        printf("%s: keeps %s\n", machine->id, config);
        return true;
    }
    if (!write_machine_settings(cluster, machine, settings) ||
        !openssl((const char *[]){"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                  "-sha256", "-config", settings, "-keyout", key, "-out", request, NULL},
                 NULL) ||
        !openssl((const char *[]){"x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
                                  "-sha256", "-days", shop->days, "-extfile", settings, "-extensions", "machine",
                                  "-out", certificate, NULL},
                 NULL) ||
        !write_config(config, ca, key, certificate, machine->id))
        return false;
    printf("%s: made %s\n", machine->id, config);
    return true;
}

/* ---- All ---- */

static void remove_work(const struct workshop *shop)
{
    autobuf struct buf output = {0};
    child_run((const char *[]){"rm", "-rf", shop->work, NULL}, NULL, &output);
}

static bool make_all(struct workshop *shop, const struct cluster *cluster)
{
    struct stat folder;
    if ((mkdir(shop->out, 0700) < 0 && errno != EEXIST) || stat(shop->out, &folder) < 0) {
        report_error("can't make the folder %s: %s", shop->out, strerror(errno));
        return false;
    }
    if (folder.st_mode & 077) {
        report_error("others can read what is in %s", shop->out);
        report_hint("chmod 700 %s", shop->out);
        return false;
    }
    strcpy(shop->work, "/tmp/dora-certs-XXXXXX");
    if (!mkdtemp(shop->work)) {
        report_error("can't make a folder in /tmp: %s", strerror(errno));
        return false;
    }
    bool ok = make_authority(shop);
    for (size_t i = 0; ok && i < cluster->machine_count; i++)
        ok = make_machine(shop, cluster, &cluster->machines[i]);
    remove_work(shop);
    return ok;
}

static bool are_days(const char *text)
{
    return strspn(text, "0123456789") == strlen(text) && strlen(text) < 6 && strtol(text, NULL, 10) > 0;
}

static int run(const struct options *options)
{
    struct cluster cluster;
    struct workshop shop = {.out = options_value(options, "out"), .days = options_value(options, "days")};
    shop.days = shop.days ? shop.days : days_usual;
    if (!are_days(shop.days)) {
        report_error("`--days` must be a number of days");
        return COMMAND_USAGE;
    }
    bool ok = cluster_load(&cluster, options->operands[0], true);
    if (ok && !shop.out)
        shop.out = cluster.certs;
    umask(077);
    ok = ok && make_all(&shop, &cluster);
    if (ok)
        printf("with `certs: FOLDER` in %s, `dora cluster up` gives each machine its own\n", cluster.path);
    cluster_free(&cluster);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {
    {.name = "out", .value = "DIR", .help = "The folder for them [default: `certs` of the file]"},
    {.name = "days", .value = "N", .help = "How long they are valid [default: 3650]"},
    {0},
};

const struct command command_cluster_certs = {
    .name = "cluster certs",
    .operands = "CLUSTER.yml",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Make certificates for the machines of a cluster",
    .details =
        "Makes, with openssl, an authority of your own (ca.pem, ca-key.pem) and for each machine MACHINE.json5: a "
        "zenoh\n"
        "configuration with its key and certificate in it, for --zenoh-config. Each side of a connection must show a\n"
        "certificate of this authority (mutual TLS), and who is connected to must have the name it is connected by:\n"
        "a machine's id, host (and its addresses) and `listen` are in its certificate. What is there already is kept, "
        "so that a machine\n"
        "can join later; remove its file for a new one.\n\n"
        "Keep the folder to yourself: ca-key.pem lets its owner into the cluster.",
    .example = "dora cluster certs cluster.yml --out certs",
    .options = options,
    .run = run,
};
