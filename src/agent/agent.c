/* The agent's connection: made again and again, and what is asked over it. */
#include "agent/parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"
#include "base/cleanup.h"
#include "base/uuid.h"

static const int64_t retry_least = 100 * CLOCK_MILLI, retry_most = CLOCK_SECOND;
static const int64_t farewell_patience = CLOCK_SECOND;

void agent_notice(const struct agent *agent, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (agent->options.notice)
        agent->options.notice(agent->options.context, text);
}

void agent_refuse(struct control_request *request, const struct error *error)
{
    /* What has no word of its own in the protocol failed. */
    int code = error->code == -ENOENT || error->code == -EEXIST || error->code == -EINVAL || error->code == -EPERM
                   ? error->code
                   : -EIO;
    control_refusef(request, control_errno_code(code), NULL, "%s", error->message);
}

struct run *agent_find(struct agent *agent, const char *uuid)
{
    for (struct run *run = agent->runs; run; run = run->next)
        if (strcmp(run->uuid, uuid) == 0 && run->dataflow)
            return run;
    return NULL;
}

struct run *agent_run(struct agent *agent, struct control_request *request, json_t *params)
{
    const char *uuid = json_get_text(params, "dataflow");
    struct run *run = uuid ? agent_find(agent, uuid) : NULL;
    if (run)
        return run;
    control_refusef(request, "not-found", NULL, "the daemon runs no dataflow %s", uuid ? uuid : "without a UUID");
    return NULL;
}

/* ---- Methods ---- */

static void on_request(void *context, struct control_request *request, const char *method, json_t *params)
{
    static const struct {
        const char *name;
        agent_method *call;
    } methods[] = {
        {"node.list", node_list},
        {"node.info", node_info},
        {"node.restart", node_restart},
        {"node.stop", node_stop},
        {"node.add", node_add},
        {"node.remove", node_remove},
        {"node.replace", node_replace},
        {"node.connect", node_connect},
        {"node.disconnect", node_disconnect},
        {"node.param", node_param},
        {"node.move", node_move},
        {"topic.list", topic_list},
        {"topic.watch", topic_watch},
        {"trace.read", agent_trace},
        {"topic.publish", topic_publish},
        {"dataflow.descriptor", run_descriptor},
        {"node.lost", run_node_lost},
        {"node.found", run_node_found},
        {"part.ended", run_part_ended},
    };
    struct agent *agent = context;
    if (strcmp(method, "dataflow.start") == 0) {
        run_start(agent, request, params);
    } else if (strcmp(method, "dataflow.stop") == 0) {
        run_stop(agent, request, params);
    } else if (strcmp(method, "metrics") == 0) {
        agent_metrics(agent, request, params);
    } else if (strcmp(method, "machine.command") == 0 || strcmp(method, "machine.output") == 0 ||
               strcmp(method, "machine.end") == 0) {
        agent_remote(agent, request, method, params);
    } else if (strcmp(method, "file.offer") == 0) {
        file_offer(agent, request, params);
    } else if (strcmp(method, "file.put") == 0) {
        file_put(agent, request, params);
    } else if (strcmp(method, "file.clean") == 0) {
        file_clean(agent, request, params);
    } else if (strcmp(method, "shutdown") == 0) {
        control_answer(request, json_object());
        agent_stop(agent, json_is_true(json_object_get(params, "force")) ? 0 : node_grace(params));
    } else {
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
            if (strcmp(methods[i].name, method) == 0) {
                struct run *run = agent_run(agent, request, params);
                if (run)
                    methods[i].call(run, request, params);
                return;
            }
        control_refusef(request, "invalid", NULL, "a daemon has no method `%s`", method);
    }
}

/* ---- Registering ---- */

static void lose(struct agent *agent)
{
    agent->coordinator = NULL;
    agent->is_registered = false;
    for (struct run *run = agent->runs; run; run = run->next) {
        run->is_telling = false;
        run->is_dirty = true;
        agent_trace_end(run);
    }
    remote_forget_all(agent);
    alarm_set(agent->retry, agent->retry_ns);
    agent_check(agent);
}

/* The gateway's refusal comes before all else: without it, who is registered may be another machine of this name. */
static void stand(struct agent *agent, struct control_standing now)
{
    const char *refusal = agent->gateway ? gateway_refusal(agent->gateway) : NULL;
    if (refusal) {
        now.stand = CONTROL_REFUSED;
        snprintf(now.message, sizeof now.message, "%s", refusal);
        now.hint[0] = '\0';
    }
    if (memcmp(&now, &agent->standing, sizeof now) == 0)
        return;
    agent->standing = now;
    if (agent->options.stands)
        agent->options.stands(agent->options.context, &now);
}

void agent_stand(struct agent *agent)
{
    struct control_standing now = agent->standing;
    bool is_clear = now.is_elsewhere || !agent->gateway || gateway_is_clear(agent->gateway);
    now.stand = agent->is_registered && is_clear ? CONTROL_REGISTERED : CONTROL_WAITING;
    now.was_registered |= agent->is_registered;
    now.message[0] = now.hint[0] = '\0';
    stand(agent, now);
}

/* The coordinator doesn't take it, or can't be spoken to: an error of this code ("": none). */
static void stand_without(struct agent *agent, const char *code, const char *why, const char *hint)
{
    struct control_standing now = agent->standing;
    bool is_refused = *code && strcmp(code, "no-daemon") != 0 && strcmp(code, "lost") != 0;
    now.stand = is_refused ? CONTROL_REFUSED : CONTROL_WAITING;
    snprintf(now.message, sizeof now.message, "%s", why);
    snprintf(now.hint, sizeof now.hint, "%s", hint ? hint : "");
    stand(agent, now);
}

/* Once, and not at every attempt. */
static void complain(struct agent *agent, const char *why)
{
    if (!agent->has_complained)
        agent_notice(agent, "the coordinator does not take this daemon: %s", why);
    agent->has_complained = true;
    agent->retry_ns = retry_most;
}

static void on_registered(void *context, json_t *result, const struct control_fault *fault)
{
    struct agent *agent = context;
    if (!result) {
        if (strcmp(fault->code, "lost") != 0 && agent->coordinator) {
            complain(agent, fault->message);
            control_close(take_ptr(agent->coordinator));
            lose(agent);
            stand_without(agent, fault->code, fault->message, fault->hint);
        }
        return;
    }
    agent->is_registered = true;
    agent->has_complained = false;
    agent->retry_ns = retry_least;
    if (!agent->was_registered && agent->options.ready)
        agent->options.ready(agent->options.context);
    else if (agent->was_registered)
        agent_notice(agent, "the daemon is connected to the coordinator again");
    agent->was_registered = true;
    agent_stand(agent);
    struct run *next;
    for (struct run *run = agent->runs; run; run = next) {
        next = run->next;
        run->is_telling = false;
        run_part_ask(run);
        run_told(run);
    }
    agent_check(agent);
}

static json_t *labels_of(const struct agent *agent)
{
    json_t *labels = json_object();
    for (const char *const *label = agent->options.labels; label && *label; label++) {
        size_t len = strcspn(*label, "=");
        autofree char *key = strndup(*label, len);
        if (key && (*label)[len])
            json_object_set_new(labels, key, json_string(*label + len + 1));
    }
    return labels;
}

static void on_ready(void *context, struct control_connection *connection)
{
    struct agent *agent = context;
    json_t *dataflows = json_array();
    for (struct run *run = agent->runs; run; run = run->next) {
        json_array_append_new(dataflows, run_describe(run));
        run->is_dirty = false;
        run->is_telling = true;
    }
    control_send(connection, "daemon.register",
                 json_pack("{s:s, s:i, s:s, s:o, s:o}", "id", agent->standing.id, "pid", (int)getpid(), "machine",
                           agent->options.machine, "labels", labels_of(agent), "dataflows", dataflows),
                 &(struct control_calls){.done = on_registered}, agent);
}

static void on_closed(void *context, struct control_connection *connection, const char *why)
{
    struct agent *agent = context;
    if (agent->is_registered)
        agent_notice(agent, "the coordinator is gone%s%s; dataflows go on", why ? ": " : "", why ? why : "");
    else if (why)
        complain(agent, why);
    for (struct run *run = agent->runs; run; run = run->next)
        run_moves_undo(run);
    lose(agent);
    if (why)
        stand_without(agent, control_end_code(connection), why, NULL);
    else
        agent_stand(agent);
}

static const struct control_owner owner = {
    .role = "daemon", .version = DORA_VERSION, .ready = on_ready, .request = on_request, .closed = on_closed};

static void connect_again(void *context)
{
    struct agent *agent = context;
    if (agent->is_ending) {
        /* The coordinator has had time enough to hear how it ended. */
        control_close(take_ptr(agent->coordinator));
        agent_check(agent);
        return;
    }
    if (control_dial(&agent->coordinator, agent->loop, agent->options.socket, &owner, agent, NULL) == 0)
        return;
    agent->coordinator = NULL;
    alarm_set(agent->retry, agent->retry_ns);
    agent->retry_ns = agent->retry_ns * 2 < retry_most ? agent->retry_ns * 2 : retry_most;
}

/* ---- Its life ---- */

int agent_open(struct agent **out, uv_loop_t *loop, const struct agent_options *options, struct error *error)
{
    struct agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        return error_set(error, -ENOMEM, "no memory for the daemon");
    agent->loop = loop;
    agent->options = *options;
    agent->retry_ns = retry_least;
    char uuid[UUID_TEXT];
    uuid_make(uuid);
    snprintf(agent->standing.id, sizeof agent->standing.id, "%.255s-%s", options->machine, uuid);
    agent->standing.is_elsewhere = options->gateway && !options->gateway->has_coordinator;
    if (options->stands)
        options->stands(options->context, &agent->standing);
    int rc = alarm_open(&agent->retry, loop, connect_again, agent, error);
    if (rc == 0)
        rc = daemon_open(&agent->daemon, loop, &options->daemon, error);
    if (rc == 0 && options->gateway)
        rc = gateway_open(agent, error);
    if (rc < 0) {
        agent_close(agent);
        return rc;
    }
    files_forget_unfinished();
    alarm_set(agent->retry, 0);
    *out = agent;
    return 0;
}

void agent_stop(struct agent *agent, int64_t grace_ns)
{
    agent->is_ending = true;
    remote_forget_all(agent);
    for (struct run *run = agent->runs; run; run = run->next) {
        if (run->dataflow && grace_ns <= 0)
            dataflow_kill(run->dataflow);
        else if (run->dataflow)
            dataflow_stop(run->dataflow, grace_ns);
    }
    agent_check(agent);
}

void agent_check(struct agent *agent)
{
    if (!agent->is_ending || agent->has_ended)
        return;
    for (const struct run *run = agent->runs; run; run = run->next)
        if (run->dataflow)
            return;
    if (agent->coordinator && agent->is_registered && agent->runs) {
        alarm_set(agent->retry, farewell_patience);
        return;
    }
    control_close(take_ptr(agent->coordinator)); /* which the gateway may carry */
    if (!gateway_end(agent))
        return;
    agent->has_ended = true;
    if (agent->options.ended)
        agent->options.ended(agent->options.context);
}

void agent_close(struct agent *agent)
{
    if (!agent)
        return;
    agent->is_ending = agent->has_ended = true;
    control_close(take_ptr(agent->coordinator));
    for (struct run *run = agent->runs; run; run = run->next)
        if (run->start)
            control_refusef(take_ptr(run->start), "failed", NULL, "the daemon has ended");
    gateway_close(take_ptr(agent->gateway));
    remote_close_all(agent);
    daemon_close(agent->daemon); /* before the graphs that its dataflows read */
    while (agent->runs)
        run_free(agent->runs);
    files_arriving_drop(agent);
    alarm_close(agent->retry);
    free(agent);
}
