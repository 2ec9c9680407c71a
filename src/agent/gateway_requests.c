/* What the gateway asks of the daemon. */
#include <string.h>

#include "agent/parts.h"
#include "base/cleanup.h"
#include "daemon/part.h"

enum { QUEUE = 10 }; /* of a zenoh program's watcher */

static void machine(struct agent *agent, struct control_request *request, json_t *params)
{
    const char *name = json_get_text(params, "machine");
    json_t *is_alive = json_object_get(params, "alive");
    if (!name || !json_is_boolean(is_alive)) {
        control_refusef(request, "invalid", NULL, "`machine` and `alive` are needed");
        return;
    }
    agent_notice(agent, "machine %s is %s", name, json_is_true(is_alive) ? "in sight" : "out of sight");
    control_answer(request, json_object());
}

static void node(struct run *run, struct control_request *request, json_t *params)
{
    const char *topic = json_get_text(params, "topic"), *failed = json_get_text(params, "failed");
    struct error error = ERROR_INIT;
    if (!topic || (!failed && !json_is_true(json_object_get(params, "restarted"))))
        control_refusef(request, "invalid", NULL, "`topic`, and `failed` or `restarted`, are needed");
    else if (part_event(run->dataflow, topic, failed, &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_object());
}

static void join(struct run *run, struct control_request *request, json_t *params, bool is_feed)
{
    const char *port = json_get_text(params, is_feed ? "input" : "topic");
    char config[PROTO_CONFIG_TEXT_MOST];
    struct error error = ERROR_INIT;
    if (!port)
        control_refusef(request, "invalid", NULL, "`%s` is needed", is_feed ? "input" : "topic");
    else if ((is_feed ? watcher_feed(run->dataflow, port, config, &error)
                      : watcher_open(run->dataflow, &port, 1, QUEUE, config, &error)) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_pack("{s:s}", "config", config));
}

void gateway_request(void *context, struct control_request *request, const char *method, json_t *params)
{
    struct agent *agent = gateway_agent(context);
    if (strcmp(method, "machine") == 0) {
        machine(agent, request, params);
        return;
    }
    if (strcmp(method, "failed") == 0) {
        const char *message = json_get_text(params, "message");
        autofree char *why = strdup(message ? message : "it can't go on");
        control_answer(request, json_object());
        gateway_refuse(context, why ? why : "it can't go on");
        return;
    }
    if (strcmp(method, "looked") == 0) {
        control_answer(request, json_object());
        gateway_has_looked(context);
        return;
    }
    bool is_node = strcmp(method, "node") == 0, is_feed = strcmp(method, "feed") == 0;
    if (!is_node && !is_feed && strcmp(method, "watch") != 0) {
        control_refusef(request, "invalid", NULL, "a gateway can't ask for `%s`", method);
        return;
    }
    struct run *run = agent_run(agent, request, params);
    if (run && is_node)
        node(run, request, params);
    else if (run)
        join(run, request, params, is_feed);
}
