/* The agent's side of a dataflow that runs on several machines: where its nodes are, when it may go, its edges. */
#include "agent/parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/edge.h"
#include "daemon/part.h"

/* Before an edge is asked for again that the gateway could not make. */
static const int64_t rest = CLOCK_SECOND;
/* The gateway is started again when it has not left an edge by then. */
static const int64_t leave_patience = 10 * CLOCK_SECOND;

struct found_wait {
    struct found_wait *next;
    struct control_request *request;
};

/* ---- Where the nodes run ---- */

void run_part_list_free(struct daemon_part *part)
{
    free((void *)part->machines);
    free((void *)part->ended);
}

/* The folder is where it is on the machine that the dataflow was started from; log files go below it. */
static int make_folder(const char *path, struct error *error)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part)
        return error_set(error, -EINVAL, "the dataflow's folder has too long a path");
    strcpy(part, path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at)
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return error_sys(error, -errno, "make %s, the dataflow's folder, on this machine", part);
        *at = end;
        if (!end)
            return 0;
    }
}

int run_part_read(struct run *run, json_t *params, struct daemon_part *part, struct error *error)
{
    json_t *placement = json_object_get(params, "placement"), *ended = json_object_get(params, "ended"), *id;
    const char *machine = json_get_text(params, "machine");
    const struct graph *graph = run->graph;
    size_t here = 0, i;
    *part = (struct daemon_part){0};
    if (!placement)
        return 0;
    if (!json_is_object(placement) || !machine || (ended && !json_is_array(ended)))
        return error_set(error, -EINVAL, "`placement` with a `machine`, and the list of those `ended`, are needed");
    if (strcmp(machine, run->agent->options.machine) != 0)
        return error_set(error, -EINVAL, "this is machine %s, not %s", run->agent->options.machine, machine);
    if (!run->agent->gateway)
        return error_set(error, -EPERM,
                         "this daemon takes no part in dataflows of several machines: it was started without --listen "
                         "and --connect");
    const char **machines = calloc(graph->node_count + 1, sizeof *machines);
    bool *is_ended = calloc(graph->node_count + 1, sizeof *is_ended);
    *part = (struct daemon_part){machine, machines, is_ended};
    if (!machines || !is_ended)
        return error_set(error, -ENOMEM, "no memory for the dataflow");
    for (i = 0; i < graph->node_count; i++) {
        machines[i] = json_get_text(placement, graph->nodes[i].host ? graph->nodes[i].host : graph->nodes[i].id);
        if (!machines[i])
            return error_set(error, -EINVAL, "`placement` says nothing of node `%s`", graph->nodes[i].id);
        here += strcmp(machines[i], machine) == 0;
    }
    /* One that joins later may begin empty, for a node that moves there. */
    if (here == 0 && !json_is_true(json_object_get(params, "again")))
        return error_set(error, -EINVAL, "no node of the dataflow is placed on this machine");
    json_array_foreach(ended, i, id)
    {
        const struct graph_node *node = json_is_string(id) ? graph_find(graph, json_string_value(id)) : NULL;
        if (!node)
            return error_set(error, -EINVAL, "`ended` names what is no node of the dataflow");
        is_ended[node - graph->nodes] = true;
    }
    run->is_part = true;
    return make_folder(run->directory, error);
}

/* ---- The barrier ---- */

/* What is under way to the coordinator or the gateway; who asked may be gone when the answer comes. */
struct asking {
    struct agent *agent;
    char uuid[DATAFLOW_ID_MOST];
    uint32_t edge, process; /* their serials */
};

static struct asking *begin(const struct run *run)
{
    struct asking *asking = calloc(1, sizeof *asking);
    if (asking) {
        asking->agent = run->agent;
        strcpy(asking->uuid, run->uuid);
    }
    return asking;
}

static void on_go(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asking *asking = context;
    struct run *run = agent_find(asking->agent, asking->uuid);
    if (!run)
        return;
    run->is_asking = false;
    if (result) {
        run->is_released = true;
        dataflow_release(run->dataflow);
    } else if (strcmp(fault->code, "lost") != 0 && run->dataflow->step == STOP_NONE) {
        dataflow_fail(run->dataflow, "%s", fault->message);
    }
}

void run_part_ask(struct run *run)
{
    if (!run->dataflow || !run->is_ready || run->is_released || run->is_asking || !run->agent->is_registered)
        return;
    struct asking *asking = begin(run);
    if (!asking || control_send(run->agent->coordinator, "dataflow.ready", json_pack("{s:s}", "dataflow", run->uuid),
                                &(struct control_calls){.done = on_go}, asking) < 0)
        free(asking); /* the connection is ending, and the next coordinator is asked */
    else
        run->is_asking = true;
}

void run_part_ready(void *context)
{
    struct run *run = context;
    run->is_ready = true;
    run_part_ask(run);
}

static void on_stopping(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault; /* it has ended, or is being stopped already */
}

void run_part_stop_all(void *context)
{
    struct run *run = context;
    /* Without a coordinator the others can't be told; they notice that this part has ended. */
    if (!run->agent->is_registered ||
        control_send(run->agent->coordinator, "dataflow.stop", json_pack("{s:s}", "dataflow", run->uuid),
                     &(struct control_calls){.done = on_stopping}, NULL) < 0)
        dataflow_stop(run->dataflow, DAEMON_STOP_GRACE);
}

void run_part_fail(struct run *run, const char *why)
{
    if (run->dataflow && run->is_part && !run->dataflow->has_started && run->dataflow->step == STOP_NONE &&
        !edge_all_up(run->dataflow))
        dataflow_fail(run->dataflow, "the gateway to other machines does not work: %s", why);
}

/* ---- Its edges ---- */

static void on_rested(void *context)
{
    struct run *run = context;
    run->is_resting = false;
    if (run->dataflow)
        run_part_edges(run);
}

static void say_of(struct run *run, const struct edge *edge, const char *why)
{
    if (!run->dataflow->has_started && run->dataflow->step == STOP_NONE)
        dataflow_fail(run->dataflow, "`%s` can't %s machine %s: %s", edge->topic,
                      edge->is_outgoing ? "be sent to" : "be had from", edge->machine, why);
    else if (run->dataflow->step == STOP_NONE)
        agent_notice(run->agent, "%s: `%s` can't %s machine %s: %s", run->name ? run->name : run->uuid, edge->topic,
                     edge->is_outgoing ? "be sent to" : "be had from", edge->machine, why);
}

/* Whether the coordinator can reach the machine that the edge can't: else it is cut off, and is waited for. What
 * happened once may have been the end of that. */
static void on_whether_it_answers(void *context, json_t *result, const struct control_fault *fault)
{
    enum { TIMES = 2 };
    autofree struct asking *asking = context;
    struct run *run = agent_find(asking->agent, asking->uuid);
    struct edge *edge = run ? edge_numbered(run->dataflow, asking->edge) : NULL;
    (void)fault;
    if (!edge)
        return;
    edge->out_of_reach = json_is_true(json_object_get(result, "answers")) ? edge->out_of_reach + 1 : 0;
    if (edge->out_of_reach != TIMES)
        return;
    char why[512];
    snprintf(why, sizeof why,
             "%s can't reach it, though the coordinator does; open a port on one of the two for the other (`--listen "
             "ENDPOINT`), or let both go through a router with regions (docs/machines.md)",
             run->agent->options.machine);
    say_of(run, edge, why);
    char move[640];
    snprintf(move, sizeof move, "nothing was moved: `%s` can't be sent to machine %s: %s", edge->topic, edge->machine,
             why);
    if (run->dataflow->has_started)
        run_moves_refuse(run, move);
}

static void ask_whether_it_answers(struct run *run, const struct edge *edge)
{
    struct asking *asking = run->agent->is_registered ? begin(run) : NULL;
    if (!asking)
        return;
    asking->edge = edge->serial;
    if (control_send(run->agent->coordinator, "machine.answers", json_pack("{s:s}", "machine", edge->machine),
                     &(struct control_calls){.done = on_whether_it_answers}, asking) < 0)
        free(asking);
}

static void on_made(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asking *asking = context;
    struct run *run = agent_find(asking->agent, asking->uuid);
    struct edge *edge = run ? edge_numbered(run->dataflow, asking->edge) : NULL;
    if (result && edge)
        edge->was_made = true;
    if (result || !edge || !edge->process || edge->process->serial != asking->process)
        return;
    if (strcmp(fault->code, "no-daemon") == 0)
        ask_whether_it_answers(run, edge);
    else if (strcmp(fault->code, "lost") != 0)
        say_of(run, edge, fault->message);
    if (strcmp(fault->code, "lost") != 0) {
        run->is_resting = true;
        alarm_set(run->rest, rest);
    }
    edge_retract(edge);
}

static void make_edge(struct run *run, struct edge *edge)
{
    char config[PROTO_CONFIG_TEXT_MOST];
    struct error error = ERROR_INIT;
    if (edge_admit(edge, config, &error) < 0) {
        agent_notice(run->agent, "%s: %s", run->name ? run->name : run->uuid, error.message);
        run->is_resting = true;
        alarm_set(run->rest, rest);
        return;
    }
    json_t *params = json_pack("{s:s, s:s, s:s, s:s}", "dataflow", run->uuid, "topic", edge->topic,
                               edge->is_outgoing ? "to" : "from", edge->machine, "config", config);
    if (!edge->is_outgoing)
        json_object_set_new(params, "blocking", json_boolean(edge_is_blocking(edge)));
    else if (!edge->was_made)
        json_object_set_new(params, "reach", json_true());
    struct asking *asking = begin(run);
    if (asking) {
        asking->edge = edge->serial;
        asking->process = edge->process->serial;
    }
    if (!asking || gateway_ask(run->agent->gateway, edge->is_outgoing ? "edge.send" : "edge.receive", params,
                               &(struct control_calls){.done = on_made}, asking) < 0) {
        free(asking);
        edge_retract(edge); /* the connection is ending */
    }
}

static void on_impatient(void *context)
{
    struct run *run = context;
    for (struct edge *edge = run->dataflow ? run->dataflow->part->edges : NULL; edge; edge = edge->next)
        if (edge->is_ending && edge->process) {
            gateway_give_up(run->agent->gateway, "it does not let go of an edge");
            return;
        }
}

static void on_left(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asking *asking = context;
    if (!result && strcmp(fault->code, "lost") != 0)
        gateway_give_up(asking->agent->gateway, fault->message);
}

static void end_edge(struct run *run, struct edge *edge)
{
    struct asking *asking = begin(run);
    if (!asking ||
        gateway_ask(run->agent->gateway, "edge.close",
                    json_pack("{s:s, s:s, s:s, s:b}", "dataflow", run->uuid, "topic", edge->topic,
                              edge->is_outgoing ? "to" : "from", edge->machine, "silent", edge->is_handed_over),
                    &(struct control_calls){.done = on_left}, asking) < 0) {
        free(asking);
        return;
    }
    edge->is_ending = true;
    alarm_set(run->patience, leave_patience);
}

static void answer_found(struct run *run, const char *fault)
{
    while (run->found) {
        struct found_wait *wait = run->found;
        run->found = wait->next;
        if (fault)
            control_refusef(wait->request, "failed", NULL, "%s", fault);
        else
            control_answer(wait->request, json_object());
        free(wait);
    }
}

void run_part_edges(void *context)
{
    struct run *run = context;
    for (struct edge *edge = run->dataflow->part->edges; edge && gateway_is_open(run->agent->gateway);
         edge = edge->next)
        if (edge_wants_end(edge))
            end_edge(run, edge);
        else if (edge_wants_process(edge) && !run->is_resting)
            make_edge(run, edge);
    if (edge_all_up(run->dataflow))
        answer_found(run, NULL);
    run_moves_look(run);
}

void run_part_over(struct run *run)
{
    answer_found(run, "the dataflow has ended on this machine");
    run_moves_over(run);
    alarm_close(take_ptr(run->rest));
    alarm_close(take_ptr(run->patience));
    json_decref(take_ptr(run->offer));
}

int run_part_begin(struct run *run, struct error *error)
{
    int rc = alarm_open(&run->rest, run->agent->loop, on_rested, run, error);
    return rc < 0 ? rc : alarm_open(&run->patience, run->agent->loop, on_impatient, run, error);
}

/* ---- Machines that are lost, and found ---- */

static bool is_part(const struct run *run, struct control_request *request, json_t *params)
{
    if (!run->is_part)
        control_refusef(request, "invalid", NULL, "dataflow %s runs on this machine alone", run->uuid);
    else if (!json_get_text(params, "machine"))
        control_refusef(request, "invalid", NULL, "`machine` is needed");
    else
        return true;
    return false;
}

static int each_node(struct run *run, json_t *params,
                     int (*call)(struct dataflow *, const char *, const char *, struct error *), struct error *error)
{
    json_t *nodes = json_object_get(params, "nodes");
    int rc = json_is_array(nodes) ? 0 : error_set(error, -EINVAL, "`nodes` is needed");
    for (size_t i = 0; i < json_array_size(nodes) && rc == 0; i++) {
        const char *id = json_string_value(json_array_get(nodes, i));
        rc = id ? call(run->dataflow, id, json_get_text(params, "machine"), error)
                : error_set(error, -EINVAL, "`nodes` is no list of names");
    }
    if (rc == 0)
        rc = part_settle(run->dataflow, error);
    return rc;
}

void run_node_lost(struct run *run, struct control_request *request, json_t *params)
{
    struct error error = ERROR_INIT;
    if (!is_part(run, request, params))
        return;
    if (each_node(run, params, part_lost, &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_object());
}

void run_node_found(struct run *run, struct control_request *request, json_t *params)
{
    struct error error = ERROR_INIT;
    if (!is_part(run, request, params))
        return;
    struct found_wait *wait = malloc(sizeof *wait);
    if (!wait || each_node(run, params, part_found, &error) < 0) {
        if (wait)
            agent_refuse(request, &error);
        else
            control_refusef(request, "failed", NULL, "the daemon has no memory left");
        free(wait);
        return;
    }
    *wait = (struct found_wait){run->found, request};
    run->found = wait; /* run_part_edges follows, as edges have changed */
}

void run_part_ended(struct run *run, struct control_request *request, json_t *params)
{
    if (!is_part(run, request, params))
        return;
    part_ended(run->dataflow, json_get_text(params, "machine"));
    control_answer(request, json_object());
}
