/* What is run on the machines of a cluster, and how. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/child.h"
#include "cli/cluster.h"
#include "cli/report.h"

void cluster_target(const struct cluster_machine *machine, struct buf *out)
{
    buf_printf(out, "%s%s%s", machine->user ? machine->user : "", machine->user ? "@" : "", machine->host);
}

static void quote(struct buf *out, const char *text)
{
    buf_puts(out, " '");
    for (; *text; text++)
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *text);
    buf_putc(out, '\'');
}

static void option(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s", name);
    quote(out, value);
}

/* A connection that two machines made because the coordinator's told them of each other isn't made again when it breaks
 * while both keep theirs to the coordinator's: so the later of two connects by itself to the earlier, where the file
 * says at which address that one listens. */
static void connect_to_earlier(const struct cluster *cluster, const struct cluster_machine *machine, struct buf *out)
{
    for (const struct cluster_machine *other = cluster->machines + 1; other < machine; other++) {
        const char *listen = other->listen_count ? other->listen[0] : "", *host = strchr(listen, '/');
        if (host && strncmp(host, "/0.0.0.0:", 9) != 0 && strncmp(host, "/[::]:", 6) != 0)
            option(out, "--connect", listen);
    }
}

void cluster_up_arguments(const struct cluster *cluster, const struct cluster_machine *machine, const char *config,
                          struct buf *out)
{
    option(out, "--machine-id", machine->id);
    for (size_t i = 0; i < machine->label_count; i++) {
        autobuf struct buf label = {0};
        buf_printf(&label, "%s=%s", machine->labels[i].key, machine->labels[i].value);
        option(out, "--labels", label.data ? label.data : "");
        out->failed |= label.failed;
    }
    for (size_t i = 0; i < machine->listen_count; i++)
        option(out, "--listen", machine->listen[i]);
    if (!machine->is_here)
        option(out, "--connect", cluster->endpoint);
    if (!machine->is_here)
        connect_to_earlier(cluster, machine, out);
    if (config)
        buf_printf(out, " --zenoh-config %s", config);
    if (cluster->is_insecure)
        buf_puts(out, " --insecure");
}

int cluster_run(const struct cluster_machine *machine, const char *command, const struct buf *input, struct buf *output)
{
    autobuf struct buf target = {0};
    char port[16];
    if (machine->is_here)
        return child_run((const char *[]){"/bin/sh", "-c", command, NULL}, input, output);
    cluster_target(machine, &target);
    if (target.failed)
        return -ENOMEM;
    const char *argv[16] = {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"};
    size_t count = 5;
    snprintf(port, sizeof port, "%u", machine->port);
    if (machine->port) {
        argv[count++] = "-p";
        argv[count++] = port;
    }
    argv[count++] = target.data;
    argv[count++] = command;
    return child_run(argv, input, output);
}

void cluster_report(const struct cluster_machine *machine, int status, const struct buf *output)
{
    autobuf struct buf target = {0};
    cluster_target(machine, &target);
    const char *host = target.data ? target.data : machine->host;
    if (output->len)
        fwrite(output->data, 1, output->len, stderr);
    if (output->len && output->data[output->len - 1] != '\n')
        fputc('\n', stderr);
    if (status == -ENOENT) {
        report_error("there is no `ssh` on this machine");
        report_hint("install an ssh client (openssh-client)");
    } else if (status < 0) {
        report_error("machine `%s`: %s", machine->id, strerror(-status));
    } else if (status == 255 && !machine->is_here) {
        report_error("machine `%s` can't be reached by ssh (%s)", machine->id, host);
        report_hint("`ssh %s true` must work without a question: connect once by hand, and put your key there "
                    "(`ssh-copy-id %s`)",
                    host, host);
    } else if (status == 127) {
        report_error("machine `%s` has no `%s`", machine->id, machine->dora);
        report_hint("install dora there, or write its path as `dora:` of the machine");
    } else {
        report_error("machine `%s`: dora exited with %d there, as told above", machine->id, status);
    }
}
