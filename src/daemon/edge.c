#include "daemon/edge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/move.h"

void edge_changed(struct dataflow *dataflow)
{
    dataflow->part->has_changed = true;
    dataflow_check(dataflow);
}

static bool is_remote(const struct participant *participant)
{
    return participant->state == PARTICIPANT_REMOTE;
}

/* ---- Which there are ---- */

/* Wherever it comes from, an output comes here but once. */
static struct edge *find(const struct participant *node, uint32_t output, const char *machine, bool is_outgoing)
{
    for (struct edge *edge = node->dataflow->part->edges; edge; edge = edge->next)
        if (edge->node == node && edge->output == output && edge->is_outgoing == is_outgoing &&
            (!is_outgoing || strcmp(edge->machine, machine) == 0))
            return edge;
    return NULL;
}

static void free_edge(struct edge *edge)
{
    free(edge->topic);
    free(edge->machine);
    free(edge);
}

static struct edge *make(struct participant *node, uint32_t output, const char *machine, bool is_outgoing)
{
    struct part *part = node->dataflow->part;
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return NULL;
    edge->node = node;
    edge->output = output;
    edge->is_outgoing = is_outgoing;
    edge->machine = strdup(machine);
    if (asprintf(&edge->topic, "%s/%s", node->node->id, node->node->outputs[output].id) < 0)
        edge->topic = NULL;
    if (!edge->topic || !edge->machine) {
        free_edge(edge);
        return NULL;
    }
    edge->serial = part->edges ? part->edges->serial + 1 : 0;
    edge->next = part->edges;
    part->edges = edge;
    return edge;
}

static int lay(struct participant *publisher, uint32_t output, const struct graph_input *input, const char *machine,
               bool is_outgoing)
{
    if (publisher->outputs_closed[output])
        return 0;
    struct edge *edge = find(publisher, output, machine, is_outgoing);
    if (!edge && !(edge = make(publisher, output, machine, is_outgoing)))
        return -ENOMEM;
    if (!edge->process && strcmp(edge->machine, machine) != 0) {
        char *from = strdup(machine);
        if (!from)
            return -ENOMEM;
        free(edge->machine);
        edge->machine = from;
    }
    edge->is_wanted = true;
    edge->is_silent = edge->is_handed_over = false;
    if (input->queue_size > edge->queue_size)
        edge->queue_size = input->queue_size;
    if (input->queue_policy == GRAPH_BACKPRESSURE)
        edge->policy = GRAPH_BACKPRESSURE;
    return 0;
}

/* The edges that one wire needs: between machines, and also with the place that a node moves to. */
static int lay_edge(struct participant *publisher, uint32_t output, struct participant *subscriber,
                    const struct graph_input *input)
{
    bool from_here = !is_remote(publisher), to_here = !is_remote(subscriber);
    const struct participant *remote = from_here ? subscriber : publisher;
    int rc = 0;
    if (from_here != to_here && !remote->is_lost)
        rc = lay(publisher, output, input, remote->machine, from_here);
    if (rc == 0 && from_here && subscriber->move && !move_is_arriving(subscriber))
        rc = lay(publisher, output, input, subscriber->move->to, true);
    if (rc == 0 && from_here && to_here && publisher->move && !move_is_arriving(publisher))
        rc = lay(publisher, output, input, publisher->move->to, false);
    return rc;
}

/* Every edge to or from a remote node that a wire needs. */
int edge_lay(struct dataflow *dataflow, struct error *error)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *subscriber = dataflow->participants[i];
        for (uint32_t k = 0; k < subscriber->in_count && !subscriber->is_watcher; k++) {
            const struct wire *wire = subscriber->in[k];
            for (uint32_t e = 0; e < wire->edge_count && !wire->publisher->is_watcher; e++)
                if (!wire->states[e].is_down && lay_edge(wire->publisher, wire->edges[e].output, subscriber,
                                                         &subscriber->node->inputs[wire->edges[e].input]) < 0)
                    return error_set(error, -ENOMEM, "no memory for the dataflow's edges");
        }
    }
    edge_changed(dataflow);
    return 0;
}

/* Whether the node is on that machine, or may be soon. */
static bool is_at(const struct participant *participant, const char *machine)
{
    const struct move *move = participant->move;
    if (move && !move->is_arriving && strcmp(move->to, machine) == 0)
        return true;
    return (is_remote(participant) || move_is_arriving(participant)) && !participant->is_lost &&
           strcmp(participant->machine, machine) == 0;
}

/* Whether somebody on its machine still subscribes; of one that comes here, somebody here. */
static bool has_subscriber(const struct edge *edge)
{
    for (uint32_t i = 0; i < edge->node->out_count; i++) {
        const struct wire *wire = edge->node->out[i];
        const struct participant *subscriber = wire->subscriber;
        if (edge->is_outgoing ? !is_at(subscriber, edge->machine) : is_remote(subscriber))
            continue;
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if (wire->edges[k].output == edge->output && !wire->states[k].is_down)
                return true;
    }
    return false;
}

static void close_output(struct edge *edge)
{
    if (edge->node && !edge->is_outgoing && !edge->is_silent)
        wiring_close_output(edge->node, edge->output);
}

void edge_drop_lost(struct dataflow *dataflow)
{
    for (struct edge *edge = dataflow->part->edges; edge; edge = edge->next) {
        if (!edge->is_wanted || !edge->node || (edge->is_outgoing ? has_subscriber(edge) : !edge->node->is_lost))
            continue;
        edge->is_wanted = false;
        /* What is on its way into the queues comes before their end. */
        if (edge->process && edge->process->state == PARTICIPANT_ABSENT)
            population_remove(edge->process);
        else if (!edge->process)
            close_output(edge);
    }
    edge_changed(dataflow);
}

void edge_drop_unneeded(struct dataflow *dataflow)
{
    for (struct edge *edge = dataflow->part->edges; edge; edge = edge->next) {
        if (edge->is_wanted && edge->node && !has_subscriber(edge)) {
            edge->is_wanted = false;
            edge->is_silent = true;
        }
        if (!edge->is_wanted && edge->process && edge->process->state == PARTICIPANT_ABSENT)
            population_remove(edge->process);
    }
    edge_changed(dataflow);
}

/* ---- Its process ---- */

bool edge_wants_process(const struct edge *edge)
{
    return edge->is_wanted && !edge->process && edge->node;
}

bool edge_wants_end(const struct edge *edge)
{
    return !edge->is_wanted && edge->process && !edge->is_ending;
}

bool edge_is_blocking(const struct edge *edge)
{
    return edge->policy == GRAPH_BACKPRESSURE;
}

bool edge_is_up(const struct edge *edge)
{
    return !edge->is_wanted || (edge->process && !edge->is_ending && participant_is_here(edge->process));
}

bool edge_all_up(const struct dataflow *dataflow)
{
    for (const struct edge *edge = dataflow->part ? dataflow->part->edges : NULL; edge; edge = edge->next)
        if (!edge_is_up(edge))
            return false;
    return true;
}

bool edge_is_awaited(const struct participant *node)
{
    const struct part *part = node->dataflow->part;
    for (const struct edge *edge = part ? part->edges : NULL; edge; edge = edge->next)
        if (edge->node == node && edge->is_outgoing && !edge_is_up(edge))
            return true;
    return false;
}

bool edge_are_delivering(const struct dataflow *dataflow)
{
    for (const struct edge *edge = dataflow->part->edges; edge; edge = edge->next)
        if (edge->is_outgoing && edge->is_wanted)
            return true;
    return false;
}

int edge_admit(struct edge *edge, char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    struct dataflow *dataflow = edge->node->dataflow;
    struct participant *process = edge->is_outgoing ? watcher_listen(dataflow, (const char *const[]){edge->topic}, 1,
                                                                     edge->queue_size, edge->policy, error)
                                                    : watcher_stand_for(edge->node, edge->output, edge->topic, error);
    if (!process)
        return error->code;
    int rc = watcher_admit(process, config, error);
    if (rc < 0) {
        population_remove(process);
        return rc;
    }
    process->edge = edge;
    edge->process = process;
    edge->is_ending = false;
    edge->told = edge->node->told; /* what came while there was no process is not missed again */
    return 0;
}

void edge_retract(struct edge *edge)
{
    if (edge->process && !participant_is_here(edge->process))
        population_remove(edge->process);
}

void edge_goodbye(struct edge *edge)
{
    /* One that was asked to leave may be wanted again by now. */
    if (!edge->is_ending)
        edge->is_wanted = false;
}

void edge_output_closed(struct edge *edge)
{
    close_output(edge);
}

void edge_process_gone(struct edge *edge)
{
    edge->process = NULL;
    edge->is_ending = false;
    if (!edge->is_wanted)
        close_output(edge);
    if (edge->node)
        edge_changed(edge->node->dataflow);
    else
        edge->is_wanted = false;
}

/* ---- The nodes ---- */

struct edge *edge_incoming(const struct dataflow *dataflow, const char *topic)
{
    for (struct edge *edge = dataflow->part ? dataflow->part->edges : NULL; edge; edge = edge->next)
        if (!edge->is_outgoing && edge->node && edge->is_wanted && strcmp(edge->topic, topic) == 0)
            return edge;
    return NULL;
}

struct edge *edge_numbered(const struct dataflow *dataflow, uint32_t serial)
{
    struct edge *edge = dataflow->part ? dataflow->part->edges : NULL;
    while (edge && edge->serial != serial)
        edge = edge->next;
    return edge;
}

void edge_move(struct participant *from, struct participant *to)
{
    const struct part *part = from->dataflow->part;
    for (struct edge *edge = part ? part->edges : NULL; edge; edge = edge->next)
        if (edge->node == from) {
            int output = to ? wiring_output(to->node, from->node->outputs[edge->output].id) : -ENOENT;
            edge->node = output < 0 ? NULL : to;
            edge->output = output < 0 ? 0 : (uint32_t)output;
            edge->is_wanted = edge->is_wanted && (edge->node || edge->process);
        }
}

void edge_revive(struct participant *node)
{
    struct dataflow *dataflow = node->dataflow;
    for (struct edge *edge = dataflow->part ? dataflow->part->edges : NULL; edge; edge = edge->next)
        if (edge->node == node && edge->is_outgoing && has_subscriber(edge)) {
            edge->is_wanted = true;
            edge->is_ending = edge->process; /* it leaves, for its input has closed, and another one comes */
        }
    if (dataflow->part)
        edge_changed(dataflow);
}

void edge_free_all(struct dataflow *dataflow)
{
    while (dataflow->part->edges) {
        struct edge *edge = dataflow->part->edges;
        dataflow->part->edges = edge->next;
        free_edge(edge);
    }
}
