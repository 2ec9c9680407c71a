/* Who takes part in a dataflow: the nodes of its graph, those added since, and watchers. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/edge.h"
#include "daemon/move.h"
#include "daemon/reporter.h"

static void free_participant(struct participant *participant)
{
    move_free(participant);
    watch_close(participant->process);
    watch_close(participant->partner);
    peer_close(participant->peer);
    alarm_close(participant->alarm);
    alarm_close(participant->halt_alarm);
    logs_close(participant->logs);
    reload_end(participant->reload);
    while (participant->out_count)
        wiring_free(participant->out[0]);
    while (participant->in_count)
        wiring_free(participant->in[0]);
    reporter_free(participant->reporter);
    free(participant->out);
    free(participant->in);
    free(participant->inputs);
    free(participant->outputs_closed);
    free(participant->received);
    free(participant->sent);
    free(participant->stderr_tail);
    free(participant->complaint);
    free(participant->directory);
    free(participant->machine);
    graph_free(participant->own);
    free(participant);
}

static int prepare(struct participant *participant)
{
    const struct graph_node *node = participant->node;
    uv_loop_t *loop = participant->dataflow->daemon->loop;
    participant->is_dynamic = node->kind == GRAPH_NODE_DYNAMIC;
    participant->is_host = node->kind == GRAPH_NODE_OPERATORS && !node->is_lone_operator;
    participant->result = (struct node_result){
        .id = node->id, .ok = participant->is_dynamic, .dynamic = participant->is_dynamic, .cause = NODE_NEVER_RAN};
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i].kind == GRAPH_INPUT_NODE)
            participant->data_inputs++;
        else
            participant->other_inputs++;
    participant->open_inputs = participant->data_inputs;
    participant->inputs = calloc(node->input_count + 1, sizeof *participant->inputs);
    participant->outputs_closed = calloc(node->output_count + 1, sizeof *participant->outputs_closed);
    participant->received = calloc(node->input_count + 1, sizeof *participant->received);
    participant->sent = calloc(node->output_count + 1, sizeof *participant->sent);
    if (!participant->inputs || !participant->outputs_closed || !participant->received || !participant->sent)
        return -ENOMEM;
    int rc = alarm_open(&participant->halt_alarm, loop, halt_due, participant, NULL);
    return rc < 0 ? rc : alarm_open(&participant->alarm, loop, participant_alarm, participant, NULL);
}

struct participant *population_add(struct dataflow *dataflow, const struct graph_node *node, struct graph *own,
                                   struct error *error)
{
    struct participant *participant = calloc(1, sizeof *participant);
    /* Room is doubled at powers of two. */
    bool is_full = (dataflow->count & (dataflow->count - 1)) == 0;
    struct participant **all = dataflow->participants;
    if (is_full)
        all = reallocarray(all, dataflow->count ? 2 * (size_t)dataflow->count : 1, sizeof *all);
    if (all)
        dataflow->participants = all;
    if (!participant || !all) {
        free(participant);
        graph_free(own);
        error_set(error, -ENOMEM, "no memory for node `%s`", node->id);
        return NULL;
    }
    participant->dataflow = dataflow;
    participant->node = node;
    participant->own = own;
    if (prepare(participant) < 0) {
        error_set(error, -ENOMEM, "no memory for node `%s`", node->id);
        free_participant(participant);
        return NULL;
    }
    participant->serial = dataflow->last_participant++;
    dataflow->participants[dataflow->count++] = participant;
    if (!participant->is_dynamic) {
        dataflow->to_join += !participant->is_host;
        dataflow->to_end++;
    }
    return participant;
}

bool population_is_own(const struct participant *participant)
{
    return !participant->is_watcher && !participant->is_removed && participant->state != PARTICIPANT_REMOTE &&
           !move_is_arriving(participant);
}

struct participant *population_find(const struct dataflow *dataflow, const char *id)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (!participant->is_removed && !participant->is_watcher && strcmp(participant->node->id, id) == 0)
            return participant;
    }
    return NULL;
}

void population_remove(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    if (participant->is_removed)
        return;
    participant->is_removed = true;
    dataflow->is_json_old = dataflow->is_json_old || !participant->is_watcher;
    population_settle(participant, true, -ECANCELED, "the node was removed");
    population_settle(participant, false, 0, NULL);
    wiring_down_in(participant);
    wiring_down_out(participant);
    reporter_disconnect(participant, NULL, 0);
    while (participant->out_count)
        wiring_free(participant->out[0]);
    while (participant->in_count)
        wiring_free(participant->in[0]);
    alarm_clear(participant->alarm);
    alarm_clear(participant->halt_alarm);
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *other = dataflow->participants[i];
        if (other->stands_for == participant)
            other->stands_for = NULL;
        if (other->replaces == participant)
            other->replaces = NULL;
    }
    struct edge *edge = take_ptr(participant->edge);
    if (edge)
        edge_process_gone(edge);
    edge_move(participant, NULL);
    dataflow_changed(dataflow);
}

void population_sweep(struct dataflow *dataflow)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (dataflow->participants[i]->is_removed && dataflow->culprit != dataflow->participants[i])
            free_participant(dataflow->participants[i]);
        else
            dataflow->participants[kept++] = dataflow->participants[i];
    dataflow->count = kept;
}

void population_free(struct dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        population_settle(dataflow->participants[i], true, -ECANCELED, "the dataflow has ended");
        population_settle(dataflow->participants[i], false, 0, NULL);
    }
    for (uint32_t i = 0; i < dataflow->count; i++)
        free_participant(dataflow->participants[i]);
    free(dataflow->participants);
}

int population_wait(struct participant *participant, bool for_run, void (*done)(void *, int, const char *),
                    void *context)
{
    struct node_wait *wait = malloc(sizeof *wait);
    if (!wait)
        return -ENOMEM;
    *wait = (struct node_wait){participant->waits, for_run, done, context};
    participant->waits = wait;
    return 0;
}

void population_settle(struct participant *participant, bool for_run, int code, const char *why)
{
    struct node_wait **at = &participant->waits;
    while (*at) {
        struct node_wait *wait = *at;
        if (wait->for_run == for_run) {
            *at = wait->next;
            wait->done(wait->context, code, why);
            free(wait);
        } else {
            at = &wait->next;
        }
    }
}
