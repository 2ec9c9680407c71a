#include "cli/machine_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/report.h"
#include "cli/values.h"
#include "control/endpoint.h"
#include "coordinator/machine.h"

#ifdef DORA_ENGINE
const char *const machine_engine = DORA_ENGINE;
#else
const char *const machine_engine = NULL;
#endif

static bool no_memory(void)
{
    report_error("out of memory");
    return false;
}

static bool append(char ***list, const char *text)
{
    size_t count = 0;
    while (*list && (*list)[count])
        count++;
    char **grown = realloc(*list, (count + 2) * sizeof *grown), *copy = strdup(text);
    if (grown)
        *list = grown;
    if (!grown || !copy) {
        free(copy);
        return no_memory();
    }
    grown[count] = copy;
    grown[count + 1] = NULL;
    return true;
}

static bool read_labels(const struct options *options, struct machine_options *machine)
{
    struct pairs pairs = {0};
    struct error error = ERROR_INIT;
    const char *text;
    bool ok = true;
    for (size_t i = 0; ok && (text = options_value_at(options, "labels", i)); i++)
        if (pairs_add(&pairs, text, ',', &error) < 0) {
            report_error("`--labels`: %s", error.message);
            ok = false;
        }
    for (size_t i = 0; ok && i < pairs.count; i++) {
        autofree char *label = NULL;
        ok = asprintf(&label, "%s=%s", pairs.items[i].key, pairs.items[i].value) >= 0 ? append(&machine->labels, label)
                                                                                      : (label = NULL, no_memory());
    }
    pairs_free(&pairs);
    return ok;
}

/* One endpoint, or an address that is completed to one. */
static bool add_endpoint(char ***list, const char *option, const char *text, bool is_address, bool is_insecure)
{
    char endpoint[ENDPOINT_MOST];
    struct error error = ERROR_INIT;
    int rc = 0;
    if (is_address)
        rc = endpoint_complete(text, endpoint, &error);
    if (rc == 0)
        rc = endpoint_check(is_address ? endpoint : text, is_insecure, &error);
    if (rc == 0)
        return append(list, is_address ? endpoint : text);
    report_error("`--%s`: %s", option, error.message);
    if (rc == -EPERM)
        report_hint("use tls/… with certificates (`dora cluster certs` makes them, --zenoh-config takes them), or add "
                    "--insecure on a network that you trust");
    return false;
}

/* `a,b`: dora-rs's way. */
static bool add_several(char ***list, const char *option, const char *text, bool is_insecure)
{
    autofree char *copy = strdup(text);
    if (!copy)
        return no_memory();
    for (char *rest = copy, *one; (one = strsep(&rest, ","));)
        if (*one && !add_endpoint(list, option, one, true, is_insecure))
            return false;
    return true;
}

static bool read_endpoints(const struct options *options, struct machine_options *machine)
{
    bool is_insecure = options_has(options, "insecure");
    const char *text;
    for (size_t i = 0; (text = options_value_at(options, "listen", i)); i++)
        if (!add_endpoint(&machine->listen, "listen", text, false, is_insecure))
            return false;
    for (size_t i = 0; (text = options_value_at(options, "connect", i)); i++)
        if (!add_endpoint(&machine->connect, "connect", text, false, is_insecure))
            return false;
    if ((text = options_value(options, "zenoh-listen")) &&
        !add_endpoint(&machine->listen, "zenoh-listen", text, true, is_insecure))
        return false;
    text = options_value(options, "zenoh-connect");
    return !text || add_several(&machine->connect, "zenoh-connect", text, is_insecure);
}

/* In the background the process has another folder. */
static bool read_config(const struct options *options, struct machine_options *machine)
{
    const char *path = options_value(options, "zenoh-config");
    path = path ? path : options_value(options, "zenoh-config-overlay");
    if (!path)
        return true;
    machine->config = realpath(path, NULL);
    if (machine->config && access(machine->config, R_OK) == 0)
        return true;
    report_error("can't read the zenoh configuration %s: %s", path, strerror(errno));
    return false;
}

static bool check(const struct machine_options *machine)
{
    if (machine->name && !machine_name_is_valid(machine->name)) {
        report_error("`--machine-id`: only letters, digits, `_`, `.` and `-` can stand in a machine's name");
        return false;
    }
    /* A gateway that is named has an engine of its own. */
    if (!machine->is_joining || machine_engine || getenv("DORA_GATEWAY"))
        return true;
    report_error("this dora was built without zenoh, and can't reach other machines");
    report_hint("build it where cargo is installed (cmake says \"Between machines: zenoh …\"), or leave out --listen, "
                "--connect and --zenoh-config");
    return false;
}

bool machine_options_read(const struct options *options, struct machine_options *machine)
{
    static const char *const none[] = {NULL};
    const char *name = options_value(options, "machine-id");
    *machine = (struct machine_options){0};
    if (name && !(machine->name = strdup(name)))
        return no_memory();
    if (options_has(options, "zenoh-peer"))
        fprintf(stderr,
                "warning: `--zenoh-peer` is not acted on: give one machine --listen and the others --connect\n");
    if (!read_labels(options, machine) || !read_endpoints(options, machine) || !read_config(options, machine))
        return false;
    machine->is_joining = machine->listen || machine->connect || machine->config;
    machine->gateway = (struct agent_gateway){
        .listen = machine->listen ? (const char *const *)machine->listen : none,
        .connect = machine->connect ? (const char *const *)machine->connect : none,
        .config = machine->config,
        .is_insecure = options_has(options, "insecure"),
        .has_coordinator = !machine->connect || options_has(options, "coordinator"),
    };
    return check(machine);
}

static size_t count_of(char **list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static void put(const char **args, size_t *count, const char *option, const char *value)
{
    args[(*count)++] = option;
    if (value)
        args[(*count)++] = value;
}

const char **machine_options_args(const struct machine_options *machine)
{
    size_t count = 0, lists = count_of(machine->labels) + count_of(machine->listen) + count_of(machine->connect);
    const char **args = calloc(2 * lists + 8, sizeof *args);
    if (!args) {
        no_memory();
        return NULL;
    }
    if (machine->name)
        put(args, &count, "--machine-id", machine->name);
    for (size_t i = 0; i < count_of(machine->labels); i++)
        put(args, &count, "--labels", machine->labels[i]);
    for (size_t i = 0; i < count_of(machine->listen); i++)
        put(args, &count, "--listen", machine->listen[i]);
    for (size_t i = 0; i < count_of(machine->connect); i++)
        put(args, &count, "--connect", machine->connect[i]);
    if (machine->config)
        put(args, &count, "--zenoh-config", machine->config);
    if (machine->gateway.is_insecure)
        put(args, &count, "--insecure", NULL);
    if (machine->connect && machine->gateway.has_coordinator)
        put(args, &count, "--coordinator", NULL);
    return args;
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

void machine_options_free(struct machine_options *machine)
{
    free(machine->name);
    free(machine->config);
    free_list(machine->labels);
    free_list(machine->listen);
    free_list(machine->connect);
}
