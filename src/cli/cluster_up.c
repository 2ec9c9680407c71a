/* `dora cluster up`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/child.h"
#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/report.h"

/* Where a machine keeps its configuration, as its shell says it. */
#define CONFIG_FOLDER "\"${XDG_CONFIG_HOME:-$HOME/.config}\"/dora"

static bool read_config(const struct cluster *cluster, const struct cluster_machine *machine, struct buf *config)
{
    autobuf struct buf path = {0};
    char text[4096];
    ssize_t len;
    buf_printf(&path, "%s/%s.json5", cluster->certs, machine->id);
    autoclose int fd = path.failed ? -1 : open(path.data, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (len = read(fd, text, sizeof text)) > 0)
        buf_add(config, text, (size_t)len);
    if (fd >= 0 && !config->failed && config->len > 0)
        return true;
    report_error("there is no certificate for machine `%s`: %s", machine->id, path.data ? path.data : "");
    report_hint("`dora cluster certs %s --out %s` makes it", cluster->path, cluster->certs);
    return false;
}

/* The command for the machine's shell: the configuration comes on stdin. */
static void make_command(const struct cluster *cluster, const struct cluster_machine *machine, const char *self,
                         struct buf *command)
{
    autobuf struct buf config = {0};
    if (cluster->certs) {
        buf_printf(&config, CONFIG_FOLDER "/cluster-%s.json5", machine->id);
        buf_printf(command, "umask 077 && mkdir -p " CONFIG_FOLDER " && cat > %s && ", config.data ? config.data : "");
    }
    buf_printf(command, "exec %s up", self);
    cluster_up_arguments(cluster, machine, config.data, command);
    command->failed |= config.failed;
}

/* This very program, wherever it lies. */
static bool find_self(char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);
    if (len > 0)
        path[len] = '\0';
    return len > 0 && !strchr(path, '\'');
}

static bool bring_up(const struct cluster *cluster, const struct cluster_machine *machine)
{
    autobuf struct buf config = {0}, command = {0}, output = {0}, target = {0}, program = {0};
    char self[4096];
    cluster_target(machine, &target);
    if (machine->is_here && strcmp(machine->dora, "dora") == 0 && find_self(self, sizeof self))
        buf_printf(&program, "'%s'", self);
    else
        buf_puts(&program, machine->dora); /* as the shell there reads it: `~` is the home there */
    if (cluster->certs && !read_config(cluster, machine, &config))
        return false;
    make_command(cluster, machine, program.data ? program.data : "dora", &command);
    if (command.failed || target.failed || program.failed) {
        report_error("out of memory");
        return false;
    }
    if (machine->is_here)
        progress_show("%s: starting here …", machine->id);
    else
        progress_show("%s: starting on %s …", machine->id, target.data);
    int status = cluster_run(machine, command.data, &config, &output);
    progress_clear();
    if (status != 0) {
        cluster_report(machine, status, &output);
        return false;
    }
    bool was_running = output.data && strstr(output.data, "daemon already running");
    printf("%s: %s (%s)\n", machine->id, was_running ? "was running already" : "started",
           machine->is_here ? "this machine, with the coordinator" : target.data);
    fflush(stdout);
    return true;
}

static int run(const struct options *options)
{
    struct cluster cluster;
    bool is_loaded = cluster_load(&cluster, options->operands[0], false);
    size_t up = 0;
    for (size_t i = 0; is_loaded && i < cluster.machine_count; i++) {
        if (bring_up(&cluster, &cluster.machines[i]))
            up++;
        else if (i == 0)
            break; /* the others would look for it in vain */
    }
    bool is_up = is_loaded && up == cluster.machine_count;
    if (is_loaded && up > 0)
        printf("%zu of %zu machines are up\n", up, cluster.machine_count);
    cluster_free(&cluster);
    return is_up ? COMMAND_OK : COMMAND_FAILED;
}

const struct command command_cluster_up = {
    .name = "cluster up",
    .operands = "CLUSTER.yml",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Start the coordinator here, and a daemon on every machine of the file",
    .details =
        "Run it on the coordinator's machine. `dora up` is run here, and on each other machine by ssh, which must "
        "work\n"
        "without a password; with `certs`, each machine is given its certificate first. What runs already stays.\n\n"
        "The file:\n"
        "  coordinator: {addr: 10.0.0.1, port: 7447}   # what the other machines connect to\n"
        "  certs: certs                                # a folder from `dora cluster certs`; or `insecure: true`\n"
        "  machines:\n"
        "    - {id: base, host: 10.0.0.1}              # the coordinator's own machine\n"
        "    - id: robot\n"
        "      host: 10.0.0.2                          # for ssh, with `user` and `port` if need be\n"
        "      labels: {arm: left}                     # for `deploy.labels`\n"
        "      dora: /opt/dora/bin/dora                # if it isn't on PATH there\n"
        "      listen: tls/10.0.0.2:7447               # if not this; [] for a machine that nobody can reach\n\n"
        "Exits with 0 when all are up, else with 1.",
    .example = "dora cluster certs cluster.yml --out certs\n"
               "dora cluster up cluster.yml",
    .run = run,
};
