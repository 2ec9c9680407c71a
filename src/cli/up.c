/* `dora up`: a coordinator and a daemon in the background. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/background.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/machine_options.h"
#include "cli/machines.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/values.h"
#include "control/paths.h"
#include "control/standing.h"

/* How long either may take to answer; and for another one, that may have been faster than ours, to show. */
static const int64_t patience_ns = 30 * CLOCK_SECOND, yield_ns = CLOCK_SECOND / 2;
/* How long a coordinator of another machine may take to come in sight. */
static const int64_t sight_ns = 10 * CLOCK_SECOND;
enum { RETRY_MS = 3, ELSEWHERE_MS = 30 };

struct waiting {
    struct background background;
    int64_t deadline;
    bool has_ended;
};

static struct waiting wait_begin(void)
{
    return (struct waiting){.deadline = clock_after(clock_now(), patience_ns)};
}

static const char *lock_of(const char *role)
{
    return strcmp(role, "daemon") == 0 ? CONTROL_DAEMON_LOCK : CONTROL_COORDINATOR_LOCK;
}

/* Waits a moment for the process to answer. False: it is no use any more, which is reported. */
static bool wait_on(struct waiting *waiting, const char *role)
{
    if (!waiting->has_ended && background_has_ended(&waiting->background)) {
        /* Another one may have been faster; it then has the lock, or will in a moment. */
        waiting->has_ended = true;
        waiting->deadline = clock_after(clock_now(), control_lock_holder(lock_of(role)) ? patience_ns : yield_ns);
    }
    if (clock_now() < waiting->deadline) {
        poll(NULL, 0, RETRY_MS);
        return true;
    }
    progress_clear();
    if (waiting->has_ended) {
        report_error("the %s has ended at once", role);
        background_print_log(&waiting->background);
    } else {
        report_error("the %s doesn't answer", role);
    }
    if (waiting->background.pid)
        report_hint("see %s; `dora doctor` checks the environment", waiting->background.log);
    else
        report_hint("another process has its place; `dora down --force` ends it");
    return false;
}

static bool start(struct waiting *waiting, const char *role, const char *const *args)
{
    struct error error = ERROR_INIT;
    progress_show("starting the %s …", role);
    if (background_start(&waiting->background, role, args, &error) == 0)
        return true;
    progress_clear();
    report_error("%s", error.message);
    return false;
}

/* Two at once: the second one finds what the first one has started. */
static bool take_turn(int *lock)
{
    struct error error = ERROR_INIT;
    const int64_t deadline = clock_after(clock_now(), 2 * patience_ns);
    int rc;
    while ((rc = control_lock("up.lock", lock, &error)) == -EBUSY && clock_now() < deadline)
        poll(NULL, 0, RETRY_MS);
    if (rc < 0)
        report_error("%s", error.message);
    return rc == 0;
}

/* A coordinator on this machine. */
static struct control_client *reach_coordinator(struct waiting *waiting, const char *const *args)
{
    struct control_client *client = NULL;
    struct error error = ERROR_INIT;
    while (session_is_absent(control_connect(&client, DORA_VERSION, &error))) {
        bool is_missing = !waiting->background.pid && control_lock_holder(CONTROL_COORDINATOR_LOCK) == 0;
        if (is_missing && !start(waiting, "coordinator", args))
            return NULL;
        if (!wait_on(waiting, "coordinator"))
            return NULL;
    }
    /* Anything else than its absence is for session_open to tell. */
    return client ? client : session_open(NULL);
}

/* Until the daemon of this machine is registered or refused, or, where that takes long because the coordinator is
 * elsewhere, is at least there. False: it isn't, which is reported. */
static bool reach_daemon(struct waiting *waiting, const char *const *args, struct control_standing *standing)
{
    const int64_t deadline = clock_after(clock_now(), sight_ns);
    for (;;) {
        int rc = control_standing_read(standing);
        bool is_late = clock_now() >= deadline && standing->is_elsewhere;
        if (rc == 0 && (standing->stand != CONTROL_WAITING || is_late))
            return true;
        if (!waiting->background.pid && control_lock_holder(CONTROL_DAEMON_LOCK) == 0 &&
            !start(waiting, "daemon", args))
            return false;
        if (rc == 0 && standing->is_elsewhere)
            progress_show("waiting for the coordinator …");
        if (!wait_on(waiting, "daemon"))
            return false;
    }
}

/* The status of the coordinator that knows the daemon here; NULL: it doesn't say. A connection to another machine that
 * is just being made may break, and this is tried again. */
static json_t *ask_status(const struct control_standing *standing)
{
    const int64_t deadline = clock_after(clock_now(), sight_ns);
    json_t *status = NULL;
    while (!status) {
        struct control_client *client = NULL;
        struct error error = ERROR_INIT;
        if (control_connect(&client, DORA_VERSION, &error) == 0)
            control_call(client, "status", NULL, SESSION_PATIENCE, NULL, NULL, &status, &error);
        control_client_close(client);
        if (machine_known(status, standing->id))
            return status;
        json_decref(take_ptr(status));
        if (clock_now() >= deadline)
            break;
        poll(NULL, 0, ELSEWHERE_MS);
    }
    return NULL;
}

static bool is_ours(const struct waiting *waiting)
{
    return waiting->background.pid && !waiting->has_ended;
}

/* What runs now. `status` NULL: no coordinator is in sight. */
static void print(const json_t *status, const struct control_standing *standing, bool coordinator_started,
                  bool daemon_started)
{
    char socket[PATH_MAX] = "", state[PATH_MAX] = "";
    const json_t *daemon = machine_known(status, standing->id), *other = machine_of_coordinator(status);
    control_runtime_file(socket, CONTROL_SOCKET, NULL);
    control_state_folder(state, NULL);
    if (!standing->is_elsewhere)
        printf("coordinator %s: process %.0f, socket %s\n", coordinator_started ? "started" : "already running",
               json_number(status, "pid"), socket);
    else if (status)
        printf("coordinator reached: on machine %s\n", other ? json_text(other, "machine") : "?");
    else
        puts("coordinator: none is in sight yet");
    printf("daemon %s: process %.0f\n", daemon_started ? "started" : "already running",
           daemon ? json_number(daemon, "pid") : (double)control_lock_holder(CONTROL_DAEMON_LOCK));
    printf("state and logs: %s\n", state);
    if (!status) {
        fprintf(stderr, "warning: %s\n", *standing->message ? standing->message : "no coordinator is in sight");
        report_hint("the daemon goes on looking for it; `dora up --listen …` on its machine starts it, `dora status` "
                    "here says whether it is reached");
    }
}

/* What this command has started ends again; what ran before goes on. */
static void report_refusal(const struct control_standing *standing, struct waiting *coordinator, struct waiting *daemon)
{
    bool was_started = is_ours(daemon);
    report_error("this machine can't take part: %s", standing->message);
    if (*standing->hint)
        report_hint("%s", standing->hint);
    progress_show("ending what was started …");
    background_end(&daemon->background, patience_ns);
    background_end(&coordinator->background, patience_ns);
    progress_clear();
    if (!was_started)
        report_hint("the daemon here was running already, and goes on trying; `dora down` ends it");
}

static int bring_up(const struct options *options, const struct machine_options *machine)
{
    autoclose int lock = -1;
    const char *lost_after = options_value(options, "lost-after");
    const char *coordinator_args[] = {lost_after ? "--lost-after" : NULL, lost_after, NULL};
    autofree const char **daemon_args = machine_options_args(machine);
    if (!daemon_args || !take_turn(&lock))
        return COMMAND_FAILED;
    struct waiting coordinator = wait_begin(), daemon = wait_begin();
    struct control_standing standing = {0};
    if (!machine->is_joining || machine->gateway.has_coordinator) {
        struct control_client *client = reach_coordinator(&coordinator, coordinator_args);
        control_client_close(client);
        if (!client)
            return COMMAND_FAILED;
        daemon.deadline = wait_begin().deadline;
    }
    bool is_there = reach_daemon(&daemon, daemon_args, &standing);
    progress_clear();
    if (!is_there)
        return COMMAND_FAILED;
    if (machine->is_joining && !machine->gateway.has_coordinator && !standing.is_elsewhere) {
        report_error("a coordinator of its own is running on this machine");
        report_hint("`dora down` ends it; with --coordinator it stays, and this machine connects all the same");
        return COMMAND_FAILED;
    }
    if (standing.stand == CONTROL_REFUSED) {
        report_refusal(&standing, &coordinator, &daemon);
        return COMMAND_FAILED;
    }
    json_t *status = standing.stand == CONTROL_REGISTERED ? ask_status(&standing) : NULL;
    if (!status && standing.stand == CONTROL_REGISTERED) {
        report_error("the coordinator has taken this machine, and doesn't answer any more");
        report_hint("`dora status` shows how it goes on");
        return COMMAND_FAILED;
    }
    print(status, &standing, is_ours(&coordinator), is_ours(&daemon));
    if (!is_ours(&daemon) && machine->is_joining)
        report_hint("the daemon was running already, with the options it was given then; `dora down` ends it");
    json_decref(status);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    struct machine_options machine = {0};
    struct error error = ERROR_INIT;
    int64_t lost_after_ns;
    const char *lost_after = options_value(options, "lost-after");
    if (options_has(options, "auth"))
        fprintf(stderr, "warning: `--auth` is not needed: only your own processes can connect\n");
    if (options_has(options, "recreate-store"))
        fprintf(stderr, "warning: `--recreate-store` is not needed: the state of older versions is taken over\n");
    if (lost_after && value_duration(lost_after, &lost_after_ns, &error) < 0) {
        report_error("`--lost-after`: %s", error.message);
        return COMMAND_USAGE;
    }
    int status = machine_options_read(options, &machine) ? bring_up(options, &machine) : COMMAND_USAGE;
    machine_options_free(&machine);
    return status;
}

static const struct option_spec options[] = {
    MACHINE_OPTIONS,
    {.name = "lost-after",
     .value = "DURATION",
     .help = "The coordinator takes another machine for lost that is out of reach for so long [default: 15s]"},
    {.name = "auth", .help = "Not needed", .hidden = true},
    {.name = "recreate-store", .help = "Not needed", .hidden = true},
    {.name = "config", .value = "PATH", .help = "Not acted on", .hidden = true},
    {0},
};

const struct command command_up = {
    .name = "up",
    .summary = "Start the coordinator and the daemon in the background",
    .details =
        "What runs already stays as it is. Both live on until `dora down`, or until you log out where the system "
        "ends\nwhat is left then; a service manager can run them instead, as `dora coordinator` and `dora "
        "daemon`.\n\n" MACHINE_HELP "With --connect, no coordinator is started here: the one of the other machine is "
        "used, and every command works\n"
        "here as it does there. Where none is in sight within 10 s, the daemon goes on looking for it.\n\n"
        "Exits with 0 when both answer, or the daemon looks for its coordinator; else with 1, and what was started "
        "ends\nagain: where another machine has this one's name, say.",
    .example = "dora up\n"
               "dora up --machine-id base --listen tls/0.0.0.0:7447 --zenoh-config base.json5\n"
               "dora up --machine-id robot --connect tls/base:7447 --zenoh-config robot.json5",
    .options = options,
    .run = run,
};
