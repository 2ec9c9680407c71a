/* `dora daemon`: the daemon of this machine, in the foreground. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/machine_options.h"
#include "cli/report.h"
#include "cli/values.h"
#include "control/endpoint.h"
#include "control/notify.h"
#include "control/paths.h"
#include "coordinator/machine.h"
#include "agent/agent.h"
#include "daemon/descendants.h"
#include "daemon/keeper.h"

struct service {
    struct agent_options options;
    bool quiet, is_stopping;
    uv_loop_t loop;
    uv_poll_t control; /* the keeper's requests */
    int control_fd;
    pid_t keeper;
    struct agent *agent;
};

static void on_notice(void *context, const char *text)
{
    if (!((const struct service *)context)->quiet)
        fprintf(stderr, "[dora]: %s\n", text);
}

static void on_ready(void *context)
{
    control_notify("READY=1");
    on_notice(context, "the daemon is connected to the coordinator");
}

static void on_stand(void *context, const struct control_standing *standing)
{
    struct service *service = context;
    struct error error = ERROR_INIT;
    if (control_standing_write(standing, service->keeper, &error) < 0)
        on_notice(context, error.message);
}

static void on_ended(void *context)
{
    struct service *service = context;
    agent_close(take_ptr(service->agent));
    uv_close((uv_handle_t *)&service->control, NULL);
}

static void on_request(uv_poll_t *control, int status, int events)
{
    struct service *service = control->data;
    char request;
    (void)status;
    (void)events;
    ssize_t len = read(service->control_fd, &request, 1);
    if (len == 0) {
        /* The keeper is gone, and nobody waits for this process: nothing may outlive it. */
        descendants_kill(CLOCK_SECOND, NULL);
        _exit(COMMAND_FAILED);
    }
    if (len < 0 || !service->agent)
        return;
    if (!service->is_stopping)
        control_notify("STOPPING=1");
    service->is_stopping = true;
    agent_stop(service->agent, request == KEEPER_KILL ? 0 : DAEMON_STOP_GRACE);
}

/* In the keeper's child. */
static int serve(int control_fd, void *context)
{
    struct service *service = context;
    struct error error = ERROR_INIT;
    service->control_fd = control_fd;
    int rc = uv_loop_init(&service->loop);
    if (rc < 0) {
        report_error("can't make an event loop: %s", uv_strerror(rc));
        return COMMAND_FAILED;
    }
    rc = agent_open(&service->agent, &service->loop, &service->options, &error);
    if (rc < 0) {
        report_error("%s", error.message);
    } else {
        uv_poll_init(&service->loop, &service->control, control_fd);
        service->control.data = service;
        uv_poll_start(&service->control, UV_READABLE | UV_DISCONNECT, on_request);
        /* Else once the coordinator knows it; one on another machine may be out of reach for long. */
        if (service->options.gateway && !service->options.gateway->has_coordinator)
            control_notify("READY=1");
    }
    uv_run(&service->loop, UV_RUN_DEFAULT);
    uv_loop_close(&service->loop);
    return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static void warn_of_later(const struct options *options)
{
    static const char *const later[] = {"local-listen-port", "coordinator-port", "worker-threads", "rt"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (options_has(options, later[i]))
            fprintf(stderr, "warning: `--%s` is not acted on yet\n", later[i]);
}

static int run_machine(const struct options *options, const struct machine_options *machine)
{
    struct error error = ERROR_INIT;
    char host[256] = "localhost";
    bool value = false;
    gethostname(host, sizeof host - 1);
    const char *allowed = getenv("DORA_ALLOW_SHELL_NODES");
    if (machine->is_joining && !machine->name && !machine_name_is_valid(host)) {
        report_error("this machine's host name, `%s`, can't be its name among others", host);
        report_hint("give it one: `--machine-id NAME`");
        return COMMAND_FAILED;
    }
    struct service service = {.quiet = options_has(options, "quiet"), .keeper = getpid()};
    service.options = (struct agent_options){
        .daemon = {.exit_when_nodes_finish = -1},
        .machine = machine->name ? machine->name : host,
        .labels = (const char *const *)machine->labels,
        .gateway = machine->is_joining ? &machine->gateway : NULL,
        .notice = on_notice,
        .ready = on_ready,
        .stands = on_stand,
        .ended = on_ended,
        .context = &service,
    };
    service.options.daemon.allow_shell =
        options_has(options, "allow-shell-nodes") || (allowed && value_bool(allowed, &value, NULL) == 0 && value);
    autoclose int lock = -1;
    if (control_lock(CONTROL_DAEMON_LOCK, &lock, &error) < 0) {
        report_error("%s", error.message);
        if (error.code == -EBUSY)
            report_hint("one daemon a machine and user is enough; `dora status` shows what runs");
        return COMMAND_FAILED;
    }
    int status = keeper_run(serve, &service);
    control_standing_remove();
    return status;
}

static int run(const struct options *options)
{
    struct machine_options machine = {0};
    const char *address = options_value(options, "coordinator-addr");
    warn_of_later(options);
    if (address && !endpoint_is_local_host(address)) {
        report_error("the coordinator of another machine is reached by an endpoint, not by its address alone");
        report_hint("`dora daemon --machine-id NAME --connect tls/%s:%d`, and `--listen` there", address,
                    ENDPOINT_PORT);
        return COMMAND_USAGE;
    }
    int status = machine_options_read(options, &machine) ? run_machine(options, &machine) : COMMAND_USAGE;
    machine_options_free(&machine);
    return status;
}

static const struct option_spec options[] = {
    MACHINE_OPTIONS,
    {.name = "allow-shell-nodes", .help = "Let nodes with `path: shell` run (also by DORA_ALLOW_SHELL_NODES=true)"},
    {.name = "quiet", .help = "Print only errors"},
    {.name = "coordinator-addr", .letter = 'c', .value = "IP", .help = "This machine's: see --connect", .hidden = true},
    {.name = "coordinator-port", .value = "PORT", .help = "Not acted on yet"},
    {.name = "local-listen-port", .value = "PORT", .help = "Not acted on yet"},
    {.name = "rt", .help = "Not acted on yet"},
    {.name = "worker-threads", .value = "N", .help = "Not acted on yet", .hidden = true},
    {0},
};

const struct command command_daemon = {
    .name = "daemon",
    .summary = "Run the daemon of this machine in the foreground",
    .details =
        "The daemon starts the nodes, joins them with shared memory, and watches them. It does what the\n"
        "coordinator asks for, waits for one that is not there yet, and goes on with its dataflows when the\n"
        "coordinator is gone. `dora up` starts both in the background.\n\n" MACHINE_HELP
        "SIGTERM or Ctrl-C stops all dataflows, with 10 s for their nodes to end, and then the daemon; a second\n"
        "one kills them. Nothing is left behind, even if this process is killed.",
    .example =
        "dora daemon\n"
        "dora daemon --quiet --machine-id robot --labels arm=left --connect tls/base:7447 --zenoh-config robot.json5",
    .options = options,
    .run = run,
};
