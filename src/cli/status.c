/* `dora status`, and the same as `dora system status`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/json_value.h"
#include "cli/machines.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/system_check.h"
#include "control/paths.h"
#include "control/standing.h"

struct check {
    struct error error;               /* why no coordinator could be asked */
    json_t *status;                   /* the coordinator's; NULL: it isn't there */
    struct control_standing standing; /* of the daemon here, as it says; without an id: it says nothing */
    int dataflow;                     /* is it valid? -1: none was given */
    bool is_ok;
};

static const json_t *daemon_of(const struct check *check)
{
    return machine_here(check->status);
}

static void ask_coordinator(struct check *check)
{
    struct control_client *client = NULL;
    if (control_connect(&client, DORA_VERSION, &check->error) < 0)
        return;
    control_call(client, "status", NULL, SESSION_PATIENCE, NULL, NULL, &check->status, &check->error);
    control_client_close(client);
}

static void print_text(const struct check *check)
{
    printf("Coordinator: %s\n", check->status ? "Running" : "Not running");
    if (check->status)
        printf("Daemon: %s\n", daemon_of(check) ? "Running" : "Not running");
    else if (control_lock_holder(CONTROL_DAEMON_LOCK))
        puts("Daemon: Unknown (it runs, without a coordinator)");
    else
        puts("Daemon: Not running");
    if (check->status)
        printf("Active dataflows: %.0f\n", json_number(check->status, "running"));
    if (machines_are_several(check->status))
        machines_print(check->status);
    if (check->dataflow >= 0)
        printf("Dataflow: %s\n", check->dataflow ? "Valid" : "Invalid");
    if (check->is_ok)
        return;
    report_error("System check failed.");
    if (check->standing.stand == CONTROL_REFUSED)
        report_hint("the daemon here is not taken: %s%s%s", check->standing.message, *check->standing.hint ? "; " : "",
                    check->standing.hint);
    else if (!check->status && check->error.code != -ENOTCONN)
        report_hint("%s", check->error.message);
    else if (!check->status || !daemon_of(check))
        report_hint("`dora up` starts what is missing");
}

static void print_json(const struct check *check)
{
    const json_t *daemon = daemon_of(check);
    bool is_unknown = !check->status && control_lock_holder(CONTROL_DAEMON_LOCK);
    json_t *object = json_pack(
        "{s:{s:b, s:O?, s:O?, s:O?}, s:{s:o, s:O?, s:O?}, s:O?, s:o, s:b}", "coordinator", "running",
        check->status != NULL, "pid", json_object_get(check->status, "pid"), "version",
        json_object_get(check->status, "version"), "uptime", json_object_get(check->status, "uptime"), "daemon",
        "running", is_unknown ? json_null() : json_boolean(daemon != NULL), "pid", json_object_get(daemon, "pid"),
        "version", json_object_get(daemon, "version"), "active_dataflows", json_object_get(check->status, "running"),
        "dataflow", check->dataflow < 0 ? json_null() : json_boolean(check->dataflow), "ok", check->is_ok);
    if (object && machines_are_several(check->status))
        json_object_set(object, "machines", json_object_get(check->status, "daemons"));
    autofree char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (text)
        puts(text);
    json_decref(object);
}

int system_check(const struct options *options)
{
    struct check check = {.dataflow = -1};
    const char *path = options_value(options, "dataflow"), *format = options_value(options, "format");
    if (!session_is_here(options))
        return COMMAND_FAILED;
    control_standing_read(&check.standing);
    ask_coordinator(&check);
    if (path) {
        struct graph *graph = findings_load(path, &(struct graph_options){.check_sources = true});
        check.dataflow = graph != NULL;
        graph_free(graph);
    }
    check.is_ok = check.status && daemon_of(&check) && check.dataflow != 0;
    if (format && strcmp(format, "json") == 0)
        print_json(&check);
    else
        print_text(&check);
    json_decref(check.status);
    return check.is_ok ? COMMAND_OK : COMMAND_FAILED;
}

const struct option_spec system_check_options[] = {
    {.name = "dataflow", .value = "PATH", .help = "Check this descriptor, too"},
    {.name = "format", .letter = 'f', .value = "FORMAT", .choices = "table|json", .help = "How to print it"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_status = {
    .name = "status",
    .alias = "check",
    .summary = "Say whether coordinator and daemon run, and how many dataflows",
    .details = SYSTEM_CHECK_DETAILS,
    .options = system_check_options,
    .run = system_check,
};

const struct command command_system_status = {
    .name = "system status",
    .summary = "The same as `dora status`",
    .details = SYSTEM_CHECK_DETAILS,
    .options = system_check_options,
    .run = system_check,
};
