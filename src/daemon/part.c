#include "daemon/part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/edge.h"

/* How long edges may still deliver what they have when nodes have been stopped, or have ended and no gateway is there.
 */
static const int64_t stopped_patience = CLOCK_SECOND, forsaken_patience = 30 * CLOCK_SECOND;

/* ---- Its making ---- */

static void on_drained(void *context)
{
    struct dataflow *dataflow = context;
    dataflow->part->is_drained = true;
    dataflow_check(dataflow);
}

int part_place(struct dataflow *dataflow, const struct daemon_part *wanted, struct error *error)
{
    struct part *part = dataflow->part = calloc(1, sizeof *part);
    if (!part || !(part->machine = strdup(wanted->machine)))
        return error_set(error, -ENOMEM, "no memory for the dataflow");
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (strcmp(wanted->machines[i], part->machine) == 0)
            continue;
        participant->machine = strdup(wanted->machines[i]);
        if (!participant->machine)
            return error_set(error, -ENOMEM, "no memory for the dataflow");
        participant->state = PARTICIPANT_REMOTE;
        participant->is_lost = wanted->ended && wanted->ended[i];
        if (!participant->is_dynamic) {
            dataflow->to_join -= !participant->is_host;
            dataflow->to_end--;
        }
    }
    return alarm_open(&part->drain, dataflow->daemon->loop, on_drained, dataflow, error);
}

int part_connect(struct dataflow *dataflow, struct error *error)
{
    if (!dataflow->part)
        return 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (participant->is_lost)
            wiring_close_outputs(participant);
    }
    return edge_lay(dataflow, error);
}

void part_free(struct dataflow *dataflow)
{
    if (!dataflow->part)
        return;
    edge_free_all(dataflow);
    alarm_close(dataflow->part->drain);
    free(dataflow->part->machine);
    free(dataflow->part);
}

/* ---- Its start and end ---- */

bool part_is_held(const struct dataflow *dataflow)
{
    return dataflow->part && (!dataflow->part->is_released || !edge_all_up(dataflow));
}

void dataflow_release(struct dataflow *dataflow)
{
    if (!dataflow->part)
        return;
    dataflow->part->is_released = true;
    dataflow_check(dataflow);
}

/* Log lines stay on their machine. */
static void warn_of_logs(struct dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct participant *participant = dataflow->participants[i];
        for (size_t k = 0; k < participant->node->input_count && population_is_own(participant); k++) {
            const char *wanted = participant->node->inputs[k].log_node;
            const struct participant *source = wanted ? population_find(dataflow, wanted) : NULL;
            if (source && source->state == PARTICIPANT_REMOTE)
                dataflow_notice(dataflow,
                                "input `%s` of node `%s` will get nothing: node `%s` runs on machine %s, and dora/logs "
                                "brings what nodes of the same machine print; let it send_logs_as an output",
                                participant->node->inputs[k].id, participant->node->id, wanted, source->machine);
        }
    }
}

void part_tell(struct dataflow *dataflow)
{
    struct part *part = dataflow->part;
    const struct daemon_observer *observer = &dataflow->observer;
    if (!part)
        return;
    if (part->has_changed && observer->edges) {
        part->has_changed = false;
        observer->edges(observer->context);
    }
    for (uint32_t i = 0; i < dataflow->count && dataflow->has_started; i++)
        if (dataflow->participants[i]->state == PARTICIPANT_JOINED && !edge_is_awaited(dataflow->participants[i]))
            participant_run(dataflow->participants[i]);
    bool is_ready = dataflow->is_spawned && dataflow->to_join == 0 && dataflow->step == STOP_NONE &&
                    !dataflow->has_started && edge_all_up(dataflow);
    if (is_ready && !part->is_ready) {
        part->is_ready = true;
        warn_of_logs(dataflow);
        if (observer->ready)
            observer->ready(observer->context);
    }
}

int64_t part_patience(const struct dataflow *dataflow)
{
    if (dataflow->step != STOP_NONE)
        return stopped_patience;
    for (const struct edge *edge = dataflow->part->edges; edge; edge = edge->next)
        if (edge->is_outgoing && edge->is_wanted && !edge->process)
            return forsaken_patience;
    return CLOCK_NEVER;
}

bool part_is_drained(struct dataflow *dataflow)
{
    struct part *part = dataflow->part;
    if (!part || part->is_drained || !dataflow->has_started || dataflow->step >= STOP_KILLED ||
        !edge_are_delivering(dataflow))
        return true;
    int64_t patience = part_patience(dataflow);
    if (part->drain_ns != patience) {
        part->drain_ns = patience;
        if (patience == CLOCK_NEVER)
            alarm_clear(part->drain);
        else
            alarm_set(part->drain, patience);
    }
    return false;
}

/* ---- What is known of the nodes elsewhere ---- */

static struct participant *find(const struct dataflow *dataflow, const char *id, struct error *error)
{
    struct participant *found = population_find(dataflow, id);
    if (!found)
        error_set(error, -ENOENT, "the dataflow has no node `%s`", id);
    else if (found->state != PARTICIPANT_REMOTE)
        error_set(error, -EINVAL, "node `%s` is on this machine", id);
    else
        return found;
    return NULL;
}

static void tell_failed(struct participant *node, const char *text)
{
    wiring_tell_subscribers(
        node, &(struct proto_packet){.type = PROTO_NODE_FAILED, .text = {node->node->id, text}, .text_count = 2});
}

static void tell_restarted(struct participant *node)
{
    wiring_tell_subscribers(
        node, &(struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {node->node->id}, .text_count = 1});
}

int part_lost(struct dataflow *dataflow, const char *id, const char *machine, struct error *error)
{
    struct participant *node = find(dataflow, id, error);
    char text[OUTCOME_MESSAGE_MOST];
    if (!node)
        return error->code;
    if (node->is_lost)
        return 0;
    node->is_lost = true;
    snprintf(text, sizeof text, "was lost with machine %s", machine);
    tell_failed(node, text);
    return 0;
}

int part_found(struct dataflow *dataflow, const char *id, const char *machine, struct error *error)
{
    struct participant *node = find(dataflow, id, error);
    char *place = node ? strdup(machine) : NULL;
    if (!place)
        return node ? error_set(error, -ENOMEM, "no memory for the dataflow") : error->code;
    free(node->machine);
    node->machine = place;
    node->is_lost = false;
    for (uint32_t i = 0; i < node->node->output_count; i++)
        node->outputs_closed[i] = false;
    for (uint32_t i = 0; i < node->out_count; i++) {
        const struct wire *wire = node->out[i];
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if (!wire->states[k].is_down)
                wiring_open_input(wire->subscriber, wire->edges[k].input);
    }
    tell_restarted(node);
    return 0;
}

int part_settle(struct dataflow *dataflow, struct error *error)
{
    edge_drop_lost(dataflow);
    return edge_lay(dataflow, error);
}

void part_ended(struct dataflow *dataflow, const char *machine)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *node = dataflow->participants[i];
        if (node->state == PARTICIPANT_REMOTE && strcmp(node->machine, machine) == 0)
            node->is_lost = true;
    }
    edge_drop_lost(dataflow);
}

int part_event(struct dataflow *dataflow, const char *topic, const char *failure, struct error *error)
{
    struct edge *edge = edge_incoming(dataflow, topic);
    if (!edge)
        return error_set(error, -ENOENT, "no edge brings `%s` here", topic);
    if (edge->told++ < edge->node->told)
        return 0;
    edge->node->told = edge->told;
    if (failure)
        tell_failed(edge->node, failure);
    else
        tell_restarted(edge->node);
    return 0;
}

/* ---- What can't be done here ---- */

int part_refuse_node(const struct participant *participant, struct error *error)
{
    return participant->state == PARTICIPANT_REMOTE
               ? error_set(error, -EPERM, "node `%s` runs on machine %s", participant->node->id, participant->machine)
               : 0;
}

int part_refuse_output(const struct participant *participant, uint32_t output, struct error *error)
{
    if (participant->state != PARTICIPANT_REMOTE)
        return 0;
    const struct part *part = participant->dataflow->part;
    for (const struct edge *edge = part->edges; edge; edge = edge->next)
        if (edge->node == participant && edge->output == output && !edge->is_outgoing)
            return 0;
    return error_set(error, -EPERM,
                     "output `%s/%s` is on machine %s, and comes here only if a node of the descriptor needs it here",
                     participant->node->id, participant->node->outputs[output].id, participant->machine);
}
