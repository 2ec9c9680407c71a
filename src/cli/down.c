/* `dora down`: ends the coordinator and the daemon. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"
#include "control/paths.h"
#include "control/standing.h"

/* For dataflows that are stopped first and the daemon; then for the processes to be gone. */
static const int64_t default_patience = 30 * CLOCK_SECOND, end_patience = 20 * CLOCK_SECOND;
enum { RETRY_MS = 3 };

static const char *const locks[] = {CONTROL_COORDINATOR_LOCK, CONTROL_DAEMON_LOCK};
static const char *const roles[] = {"coordinator", "daemon"};

/* The first that still runs, -1 for none. */
static int find_running(pid_t *pid)
{
    for (int i = 0; i < 2; i++)
        if ((*pid = control_lock_holder(locks[i])) != 0)
            return i;
    return -1;
}

/* `ended`: what does, for people. */
static int wait_until_gone(const char *ended)
{
    const int64_t deadline = clock_after(clock_now(), end_patience);
    pid_t pid = 0;
    int role;
    while ((role = find_running(&pid)) >= 0 && clock_now() < deadline)
        poll(NULL, 0, RETRY_MS);
    progress_clear();
    if (role < 0) {
        printf("%s stopped\n", ended);
        return COMMAND_OK;
    }
    report_error("the %s doesn't end", roles[role]);
    if (pid > 0)
        report_hint("`kill -KILL %d` ends it, and its nodes with it", (int)pid);
    return COMMAND_FAILED;
}

/* No coordinator answers: what does run is told by its lock. */
static int end_what_is_left(bool force)
{
    pid_t pid = 0;
    int role = find_running(&pid);
    if (role < 0) {
        puts("nothing is running");
        return COMMAND_OK;
    }
    if (!force) {
        report_error(role == 0 ? "the coordinator doesn't answer"
                               : "the daemon runs without its coordinator, maybe with dataflows");
        report_hint("`dora up` starts what is missing, `dora down --force` ends what runs, with its dataflows");
        return COMMAND_FAILED;
    }
    for (int i = 0; i < 2; i++)
        if ((pid = control_lock_holder(locks[i])) > 0)
            kill(pid, SIGTERM);
    return wait_until_gone("coordinator and daemon");
}

/* The daemon of this machine, whatever its coordinator knows. */
static int end_here(const struct control_standing *here, bool force)
{
    pid_t pid = control_lock_holder(CONTROL_DAEMON_LOCK);
    if (here->was_registered && !force)
        return end_what_is_left(force);
    if (pid > 0)
        kill(pid, SIGTERM);
    return wait_until_gone("daemon of this machine");
}

/* `here`: the coordinator is another machine's and stays, and this daemon ends; NULL: all do. */
static int shut_down(struct control_client *client, const struct control_standing *here, bool force, int64_t patience)
{
    struct error error = ERROR_INIT;
    if (here)
        progress_show("stopping the daemon of this machine …");
    else
        progress_show(force ? "stopping all dataflows, the daemon and the coordinator …"
                            : "stopping the daemon and the coordinator …");
    json_t *params = json_pack("{s:b, s:f}", "force", force, "patience", (double)patience / (double)CLOCK_SECOND);
    if (here)
        json_object_set_new(params, "daemon", json_string(here->id));
    /* The coordinator keeps the time; this is for one that doesn't. */
    int rc = control_call(client, "shutdown", params, clock_after(patience, end_patience), NULL, NULL, NULL, &error);
    /* It may be gone before its answer is here. */
    if (rc == 0 || rc == -ECONNRESET)
        return wait_until_gone(here ? "daemon of this machine" : "coordinator and daemon");
    if (rc == -ETIMEDOUT) {
        pid_t pid = control_lock_holder(CONTROL_COORDINATOR_LOCK);
        progress_clear();
        report_error("the coordinator doesn't answer");
        if (pid > 0)
            report_hint("`kill -KILL %d` ends it, then `dora down --force` the daemon", (int)pid);
        return COMMAND_FAILED;
    }
    if (rc == -ENOENT && here) /* that was another daemon's name */
        return end_here(here, force);
    session_report(client, rc, &error, true);
    if (rc == -EPERM && !control_client_hint(client))
        report_hint("`dora stop --all` stops them, or `dora down --force`");
    return COMMAND_FAILED;
}

static int run(const struct options *options)
{
    struct control_client *client = NULL;
    struct error error = ERROR_INIT;
    bool force = options_has(options, "force");
    int64_t patience = default_patience;
    if (!ask_duration(options, "timeout", &patience))
        return COMMAND_USAGE;
    if (!session_is_here(options))
        return COMMAND_FAILED;
    struct control_standing standing;
    bool is_elsewhere = control_standing_read(&standing) == 0 && standing.is_elsewhere;
    if (is_elsewhere && standing.stand != CONTROL_REGISTERED)
        return end_here(&standing, force);
    int rc = control_connect(&client, DORA_VERSION, &error);
    if (session_is_absent(rc) || (rc < 0 && rc != -EPERM && force))
        return end_what_is_left(force);
    if (rc < 0) {
        report_error("%s", error.message);
        if (rc == -EPROTONOSUPPORT)
            report_hint("`dora down --force` ends them all the same, with their dataflows");
        return COMMAND_FAILED;
    }
    int status = shut_down(client, is_elsewhere ? &standing : NULL, force, patience);
    control_client_close(client);
    return status;
}

static const struct option_spec options[] = {
    {.name = "force", .help = "Also while dataflows run: they are stopped first"},
    {.name = "timeout", .value = "DURATION", .help = "How long dataflows and daemon may take to end (30s)"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_down = {
    .name = "down",
    .alias = "destroy",
    .summary = "End the coordinator and the daemon",
    .details =
        "Refuses while dataflows run, unless --force is given. Where nothing runs, there is nothing to do. On the\n"
        "coordinator's machine it ends the daemons of all machines, on another one that one's daemon alone.\n"
        "A daemon that has not ended after --timeout is named, and goes on.\n\n"
        "Exits with 0 when neither runs any more, else with 1.",
    .options = options,
    .run = run,
};
