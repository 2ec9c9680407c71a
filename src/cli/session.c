#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/report.h"

bool session_is_absent(int code)
{
    return code == -ENOTCONN || code == -ECONNRESET || code == -EPIPE;
}

bool session_is_here(const struct options *options)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "::1", "0.0.0.0"};
    const char *address = options_value(options, "coordinator-addr");
    for (size_t i = 0; address && i < sizeof here / sizeof *here; i++)
        if (strcmp(address, here[i]) == 0)
            return true;
    if (!address)
        return true;
    report_error("the coordinator of another machine (%s) can't be reached by its address", address);
    report_hint("`dora up --connect` there makes every command work here, without `--coordinator-addr` and "
                "DORA_COORDINATOR_ADDR; or run the command there");
    return false;
}

struct control_client *session_open(const struct options *options)
{
    if (options && !session_is_here(options))
        return NULL;
    struct control_client *client = NULL;
    struct error error = ERROR_INIT;
    int rc = control_connect(&client, DORA_VERSION, &error);
    if (rc == 0)
        return client;
    progress_clear();
    report_error("%s", error.message);
    if (rc == -EPROTONOSUPPORT)
        report_hint("stop the other version with its own `dora down`, then `dora up`");
    return NULL;
}

static void report_failure(int code, const char *message, const char *hint, bool has_name)
{
    progress_clear();
    if (code == -ENOTUNIQ && !has_name) {
        report_error("Multiple dataflows running. Specify a UUID or name.");
        report_hint("`dora list` shows them");
        return;
    }
    report_error("%s", message);
    if (code == -EHOSTDOWN && !hint)
        hint = "`dora up` starts the daemon";
    if (code == -ECONNRESET && !hint)
        hint = "`dora up` starts it again if need be; `dora list` then shows what has become of your request";
    if (hint)
        report_hint("%s", hint);
}

/* Where the names are that a request of this kind can take. */
static const char *hint_for_missing(const char *method)
{
    if (strncmp(method, "topic.", 6) == 0)
        return "`dora topic list` shows those there are";
    if (strncmp(method, "node.", 5) == 0)
        return "`dora node list` shows the nodes, `dora node info NODE` the inputs and outputs of one";
    return strncmp(method, "param.", 6) == 0 ? "`dora param list NODE` shows those there are" : NULL;
}

void session_report(const struct control_client *client, int code, const struct error *error, bool has_name)
{
    report_failure(code, error->message, control_client_hint(client), has_name);
}

void session_report_fault(const struct control_fault *fault, bool has_name)
{
    report_failure(control_code_errno(fault->code), fault->message, fault->hint, has_name);
}

static json_t *call(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                    void (*event)(void *context, json_t *event), void *context, char **machine)
{
    struct error error = ERROR_INIT;
    json_t *result = NULL;
    bool is_about_one = strncmp(method, "dataflow.", 9) == 0 || strncmp(method, "node.", 5) == 0 ||
                        strncmp(method, "topic.", 6) == 0 || strncmp(method, "param.", 6) == 0;
    bool has_name = !is_about_one || json_object_get(params, "dataflow");
    int rc = control_call(client, method, params, timeout_ns, event, context, &result, &error);
    if (rc == 0)
        return result;
    if (machine && control_client_machine(client) && !remote_is() &&
        (*machine = strdup(control_client_machine(client))))
        return NULL;
    const char *hint = control_client_hint(client);
    report_failure(rc, error.message, !hint && rc == -ENOENT ? hint_for_missing(method) : hint, has_name);
    return NULL;
}

json_t *session_call_events(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                            void (*event)(void *context, json_t *event), void *context)
{
    return call(client, method, params, timeout_ns, event, context, NULL);
}

json_t *session_call(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns)
{
    return call(client, method, params, timeout_ns, NULL, NULL, NULL);
}

json_t *session_call_here(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                          char **machine)
{
    *machine = NULL;
    return call(client, method, params, timeout_ns, NULL, NULL, machine);
}

const char *session_name_of(const json_t *dataflow)
{
    const char *name = json_string_value(json_object_get(dataflow, "name"));
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    return name ? name : uuid ? uuid : "?";
}

/* Asks which of several; NULL when the answer is none of them. */
static const char *pick(json_t *dataflows)
{
    size_t count = json_array_size(dataflows);
    fprintf(stderr, "Several dataflows are running:\n");
    for (size_t i = 0; i < count; i++) {
        json_t *dataflow = json_array_get(dataflows, i);
        const char *name = json_string_value(json_object_get(dataflow, "name"));
        fprintf(stderr, "  %zu  %s  %s\n", i + 1, json_string_value(json_object_get(dataflow, "uuid")),
                name ? name : "");
    }
    fprintf(stderr, "Which one? [1-%zu] ", count);
    char answer[16];
    unsigned long number = fgets(answer, sizeof answer, stdin) ? strtoul(answer, NULL, 10) : 0;
    if (number < 1 || number > count) {
        report_error("none was chosen");
        return NULL;
    }
    return json_string_value(json_object_get(json_array_get(dataflows, number - 1), "uuid"));
}

bool session_choose(struct control_client *client, const struct options *options, int operand, const char *option,
                    json_t *params)
{
    const char *name = operand >= 0 && operand < options->operand_count ? options->operands[operand] : NULL;
    if (!name && option)
        name = options_value(options, option);
    if (name && !*name) {
        report_error("the dataflow's name is empty");
        return false;
    }
    if (name)
        return json_object_set_new(params, "dataflow", json_string(name)) == 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return true;
    json_t *running = session_call(client, "dataflow.list", json_pack("{s:s, s:b}", "status", "running", "usage", 0),
                                   SESSION_PATIENCE);
    if (!running)
        return false;
    json_t *dataflows = json_object_get(running, "dataflows");
    bool ok = true;
    if (json_array_size(dataflows) > 1) {
        const char *uuid = pick(dataflows);
        ok = uuid && json_object_set_new(params, "dataflow", json_string(uuid)) == 0;
    }
    json_decref(running);
    return ok;
}
