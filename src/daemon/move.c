#include "daemon/move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/edge.h"
#include "daemon/part.h"
#include "shm/segment.h"

/* ---- Its making ---- */

void move_free(struct participant *participant)
{
    struct move *move = participant->move;
    if (!move)
        return;
    participant->move = NULL;
    alarm_close(move->alarm);
    if (move->state >= 0)
        close(move->state);
    free(move->to);
    free(move->inputs);
    free(move->outputs);
    free(move);
}

static void on_alarm(void *context)
{
    struct participant *participant = context;
    participant_kill(participant, KILL_GRACE);
}

static void forget_places(const struct participant *participant)
{
    for (size_t i = 0; i < participant->node->input_count; i++)
        participant->move->inputs[i] = MOVE_UNKNOWN;
    for (size_t i = 0; i < participant->node->output_count; i++)
        participant->move->outputs[i] = MOVE_UNKNOWN;
}

static int make(struct participant *participant, const char *to, struct error *error)
{
    move_free(participant); /* of a move that is over */
    struct move *move = participant->move = calloc(1, sizeof *move);
    if (!move)
        return error_set(error, -ENOMEM, "no memory to move a node");
    move->state = -1;
    move->to = strdup(to);
    move->inputs = calloc(participant->node->input_count + 1, sizeof *move->inputs);
    move->outputs = calloc(participant->node->output_count + 1, sizeof *move->outputs);
    int rc = move->to && move->inputs && move->outputs
                 ? alarm_open(&move->alarm, participant->dataflow->daemon->loop, on_alarm, participant, error)
                 : error_set(error, -ENOMEM, "no memory to move a node");
    if (rc < 0)
        move_free(participant);
    else
        forget_places(participant);
    return rc;
}

static bool feeds_itself(const struct participant *participant)
{
    for (uint32_t i = 0; i < participant->in_count; i++)
        if (participant->in[i]->publisher == participant)
            return true;
    return false;
}

static int check(const struct participant *node, const char *to, struct error *error)
{
    const char *id = node->node->id, *here = node->dataflow->part->machine;
    bool is_remote = node->state == PARTICIPANT_REMOTE;
    if (node->move && node->move->phase != MOVE_GONE)
        return error_set(error, -EPERM, "node `%s` is being moved already", id);
    if (node->host || node->is_host)
        return error_set(error, -EPERM, "`%s` shares its process with other operators, which can't be moved", id);
    if (strcmp(is_remote ? node->machine : here, to) == 0)
        return error_set(error, -EEXIST, "node `%s` is on machine %s already", id, to);
    if (node->is_dynamic)
        return error_set(error, -EPERM, "node `%s` is dynamic: start another process there instead", id);
    if (feeds_itself(node))
        return error_set(error, -EPERM, "node `%s` feeds itself, and can't be moved without losing messages", id);
    if (!is_remote && (node->state != PARTICIPANT_RUNNING || node->halt != HALT_NONE))
        return error_set(error, -EPERM, "node `%s` does not run at the moment", id);
    if (is_remote && node->is_lost)
        return error_set(error, -EPERM, "node `%s` runs nowhere at the moment", id);
    return 0;
}

static void arrive(struct participant *participant)
{
    participant->move->is_arriving = true;
    participant->state = PARTICIPANT_ABSENT;
    participant->result.ok = false;
    participant->restarts.is_disabled = false;
    participant->dataflow->to_end++;
    health_start(participant->dataflow);
    participant_spawn(participant);
}

int move_prepare(struct dataflow *dataflow, const char *id, const char *to, struct participant **found,
                 struct error *error)
{
    int rc = topology_refusal(dataflow, error);
    if (rc == 0 && !dataflow->part)
        rc = error_set(error, -EPERM, "the dataflow runs on this machine alone");
    struct participant *participant = rc == 0 ? population_find(dataflow, id) : NULL;
    if (rc == 0 && !participant)
        rc = error_set(error, -ENOENT, "the dataflow has no node `%s`", id);
    if (rc == 0)
        rc = check(participant, to, error);
    if (rc == 0)
        rc = make(participant, to, error);
    if (rc < 0)
        return rc;
    *found = participant;
    if (strcmp(to, dataflow->part->machine) == 0)
        arrive(participant);
    rc = edge_lay(dataflow, error);
    if (rc < 0)
        move_undo(participant);
    return rc;
}

bool move_is_arriving(const struct participant *participant)
{
    return participant->move && participant->move->is_arriving;
}

bool move_is_leaving(const struct participant *participant)
{
    return participant->move && participant->move->phase == MOVE_LEAVING;
}

bool move_holds_wire(const struct wire *wire)
{
    const struct participant *publisher = wire->publisher, *node = publisher->stands_for;
    if (move_is_arriving(publisher) || (publisher->edge && wire->subscriber->edge))
        return true; /* what comes from another machine goes to no other */
    return node && publisher->edge && !publisher->edge->is_outgoing && node->state != PARTICIPANT_REMOTE &&
           !move_is_arriving(node);
}

/* ---- Where the publishers are ---- */

/* Every publisher here, with those that stand for others. Which new links there are, it knows when it answers. */
static void ask(struct participant *participant, bool with_watchers)
{
    struct move *move = participant->move;
    move->phase = MOVE_ASKING;
    move->unheard = 0;
    forget_places(participant);
    for (uint32_t i = 0; i < participant->in_count; i++) {
        const struct wire *wire = participant->in[i];
        struct participant *publisher = wire->publisher;
        if (publisher->state != PARTICIPANT_RUNNING || publisher->reporter || (publisher->is_watcher && !with_watchers))
            continue;
        for (uint32_t k = 0; k < wire->edge_count; k++) {
            struct proto_index body = {wire->edges[k].output};
            if (wire->states[k].is_down ||
                participant_send(
                    publisher, &(struct proto_packet){.type = PROTO_WHERE, .body = &body, .body_len = sizeof body}) < 0)
                continue;
            publisher->packets_left++;
            move->unheard++;
        }
    }
    edge_changed(participant->dataflow);
}

void move_ask(struct participant *participant)
{
    ask(participant, false);
}

/* The answer is for every node that moves and listens to it. */
static void hear_where(const struct participant *publisher, const struct proto_at *at)
{
    for (uint32_t i = 0; i < publisher->out_count; i++) {
        const struct wire *wire = publisher->out[i];
        struct move *move = wire->subscriber->move;
        for (uint32_t k = 0; k < wire->edge_count && move; k++) {
            if (wire->edges[k].output != at->index || wire->states[k].is_down || move->phase != MOVE_ASKING)
                continue;
            if (!publisher->is_watcher)
                move->inputs[wire->edges[k].input] = at->sequence;
            move->unheard -= move->unheard > 0;
            edge_changed(publisher->dataflow);
        }
    }
}

static bool is_drained(const struct participant *participant)
{
    for (const struct edge *edge = participant->dataflow->part->edges; edge; edge = edge->next)
        if (edge->node == participant && edge->is_outgoing && edge->process)
            return false;
    return true;
}

enum move_phase move_look(struct participant *participant)
{
    struct move *move = participant->move;
    if (move->phase == MOVE_PREPARING && edge_all_up(participant->dataflow) &&
        (!move->is_arriving || participant->state == PARTICIPANT_JOINED))
        ask(participant, true);
    if (move->phase == MOVE_ASKING && move->unheard == 0)
        move->phase = MOVE_PREPARED;
    if (move->phase == MOVE_DRAINING && is_drained(participant))
        move->phase = MOVE_GONE;
    return move->phase;
}

/* ---- It goes ---- */

static int send_at(struct participant *participant, enum proto_type type, uint32_t index, uint64_t sequence)
{
    struct proto_at at = {.index = index, .sequence = sequence};
    return sequence == MOVE_UNKNOWN
               ? 0
               : participant_send(participant,
                                  &(struct proto_packet){.type = type, .body = &at, .body_len = sizeof at});
}

void move_leave(struct participant *participant, const uint64_t *until, int64_t grace_ns)
{
    struct move *move = participant->move;
    const struct graph_node *node = participant->node;
    move->phase = MOVE_LEAVING;
    forget_places(participant);
    participant->packets_left += (uint32_t)(node->input_count + node->output_count) + 4;
    for (uint32_t i = 0; i < node->input_count; i++)
        send_at(participant, PROTO_INPUT_AT, i, until[i]);
    participant_send(participant, &(struct proto_packet){.type = PROTO_MOVE});
    if (grace_ns != CLOCK_NEVER)
        alarm_set(move->alarm, grace_ns);
}

static bool hear_node(struct participant *participant, struct proto_packet *packet)
{
    struct move *move = participant->move;
    const struct proto_at *at = packet->body;
    if (packet->type == PROTO_STATE && move->state < 0 && !move->has_moved)
        move->state = take_fd(&packet->fds[0]);
    else if (packet->type == PROTO_INPUT_AT && at->index < participant->node->input_count)
        move->inputs[at->index] = at->sequence;
    else if (packet->type == PROTO_OUTPUT_AT && at->index < participant->node->output_count)
        move->outputs[at->index] = at->sequence;
    else if (packet->type == PROTO_MOVED)
        move->has_moved = true;
    else if (packet->type == PROTO_NO_MOVE && !move->has_moved) {
        move->phase = MOVE_FAILED;
        alarm_clear(move->alarm);
        snprintf(move->why, sizeof move->why, "%s", packet->text[0]);
        edge_changed(participant->dataflow);
    } else
        return false;
    return true;
}

bool move_hear(struct participant *participant, struct proto_packet *packet)
{
    if (move_is_leaving(participant))
        return hear_node(participant, packet);
    if (packet->type == PROTO_OUTPUT_AT)
        hear_where(participant, packet->body);
    return packet->type == PROTO_OUTPUT_AT;
}

/* Its edges, now that it is on that machine. What it sent before is still handed on. */
static void settle_edges(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    for (struct edge *edge = dataflow->part->edges; edge; edge = edge->next)
        if (edge->node == participant && edge->is_outgoing != (participant->state != PARTICIPANT_REMOTE)) {
            edge->is_wanted = false;
            edge->is_silent = true;
            edge->is_handed_over = edge->is_outgoing;
        }
    edge_drop_unneeded(dataflow);
}

void move_gone(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    struct move *move = participant->move;
    alarm_clear(move->alarm);
    if (!move->has_moved)
        snprintf(move->why, sizeof move->why, "%s", participant->message);
    participant->state = PARTICIPANT_REMOTE;
    participant->is_lost = false;
    free(participant->machine);
    participant->machine = strdup(move->to);
    dataflow->to_end--;
    move->phase = MOVE_DRAINING;
    /* What comes from its new place follows what its old one sent. */
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (dataflow->participants[i]->stands_for == participant && dataflow->participants[i]->edge)
            wiring_up(dataflow->participants[i]);
    settle_edges(participant);
    dataflow_changed(dataflow);
}

/* ---- It comes ---- */

/* Its new process has ended when the old one was gone already: it has failed, here. */
static void take_over(struct participant *participant)
{
    snprintf(participant->message, sizeof participant->message, "%s", participant->move->why);
    move_free(participant);
    free(take_ptr(participant->machine));
    participant->state = PARTICIPANT_ABSENT;
    participant->dataflow->to_end++;
    participant_end(participant);
    settle_edges(participant);
}

void move_failed(struct participant *participant)
{
    struct move *move = participant->move;
    participant->state = PARTICIPANT_REMOTE;
    participant->dataflow->to_end--;
    snprintf(move->why, sizeof move->why, "%s", participant->message);
    move->phase = MOVE_FAILED;
    move->is_arriving = false;
    if (move->is_back)
        take_over(participant);
    else if (move->is_undone)
        move_undo(participant);
    else
        edge_changed(participant->dataflow);
}

void move_undo(struct participant *participant)
{
    struct move *move = participant->move;
    if (!move || move->is_back || (move->phase >= MOVE_LEAVING && move->phase <= MOVE_GONE))
        return;
    move->is_undone = true;
    if (move->is_arriving && participant->state != PARTICIPANT_REMOTE) {
        participant_kill(participant, KILL_USER); /* move_failed follows */
        return;
    }
    move_free(participant);
    settle_edges(participant);
}

void move_back(struct participant *participant)
{
    struct move *move = participant->move;
    char *here = move && move->phase == MOVE_GONE ? strdup(participant->dataflow->part->machine) : NULL;
    if (!here)
        return;
    free(move->to);
    move->to = here;
    move->is_back = true;
    move->phase = MOVE_PREPARING;
    dataflow_notice(participant->dataflow,
                    "node `%s` has arrived nowhere, and goes on here; what was sent to it meanwhile is lost",
                    participant->node->id);
    arrive(participant);
    if (participant->move)
        edge_lay(participant->dataflow, NULL);
}

void move_joined(struct participant *participant)
{
    struct move *move = participant->move;
    if (!move->is_back || move->phase != MOVE_PREPARING || !edge_all_up(participant->dataflow))
        return;
    move->phase = MOVE_PREPARED;
    autofree uint64_t *inputs = take_ptr(move->inputs), *outputs = take_ptr(move->outputs);
    int state = take_fd(&move->state);
    move_finish(participant, inputs, outputs, state, NULL);
}

void move_undo_all(struct dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (dataflow->participants[i]->move)
            move_undo(dataflow->participants[i]);
}

/* Nothing follows that its stand-ins have put into the queues here. */
static void end_stand_ins(const struct participant *participant)
{
    const struct dataflow *dataflow = participant->dataflow;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *other = dataflow->participants[i];
        if (other->stands_for != participant || !other->edge)
            continue;
        for (uint32_t w = other->out_count; w-- > 0;)
            for (uint32_t k = other->out[w]->edge_count; k-- > 0 && w < other->out_count;)
                if (!other->out[w]->states[k].is_down)
                    wiring_disconnect(other->out[w], k);
    }
}

static int take_state(struct participant *participant, int fd, struct error *error)
{
    autoclose int state = fd;
    if (state < 0)
        return 0;
    return participant_send(participant, &(struct proto_packet){.type = PROTO_STATE, .fds = {state}, .fd_count = 1}) < 0
               ? error_set(error, -EIO, "node `%s` can't be told its state", participant->node->id)
               : 0;
}

int move_finish(struct participant *participant, const uint64_t *inputs, const uint64_t *outputs, int state,
                struct error *error)
{
    struct move *move = participant->move;
    bool is_here = strcmp(move->to, participant->dataflow->part->machine) == 0;
    if (!is_here) {
        if (state >= 0)
            close(state);
        if (participant->state == PARTICIPANT_REMOTE) {
            free(participant->machine);
            participant->machine = strdup(move->to);
        }
        move_free(participant);
        settle_edges(participant);
        return 0;
    }
    if (participant->state != PARTICIPANT_JOINED) {
        if (state >= 0)
            close(state);
        take_over(participant);
        return error_set(error, -EIO, "node `%s` has ended on this machine before it could go on",
                         participant->node->id);
    }
    int rc = take_state(participant, state, error);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < participant->node->input_count; i++)
        send_at(participant, PROTO_INPUT_FROM, i, inputs[i]);
    for (uint32_t i = 0; i < participant->node->output_count; i++)
        send_at(participant, PROTO_OUTPUT_AT, i, outputs[i]);
    end_stand_ins(participant);
    move_free(participant);
    free(take_ptr(participant->machine));
    participant_run(participant);
    settle_edges(participant);
    dataflow_changed(participant->dataflow);
    return 0;
}
