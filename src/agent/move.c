/* `node.move`: the steps of a node's move that concern this machine, as the coordinator asks for them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base64.h"
#include "agent/parts.h"
#include "base/cleanup.h"
#include "daemon/edge.h"
#include "daemon/move.h"
#include "shm/segment.h"

/* Somebody who waits for the end of a step. */
struct move_wait {
    struct move_wait *next;
    struct control_request *request;
    char *node;
    enum move_phase phase; /* that it ends with */
};

/* ---- JSON ---- */

static uint64_t *read_places(json_t *object, size_t count, const char *(*name)(const struct graph_node *, size_t),
                             const struct graph_node *node)
{
    uint64_t *places = calloc(count + 1, sizeof *places);
    for (size_t i = 0; i < count && places; i++) {
        const json_t *place = json_object_get(object, name(node, i));
        places[i] = json_is_integer(place) && json_integer_value(place) >= 0 ? (uint64_t)json_integer_value(place)
                                                                             : MOVE_UNKNOWN;
    }
    return places;
}

static json_t *write_places(const uint64_t *places, size_t count,
                            const char *(*name)(const struct graph_node *, size_t), const struct graph_node *node)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        if (places[i] != MOVE_UNKNOWN)
            json_object_set_new(object, name(node, i), json_integer((json_int_t)places[i]));
    return object;
}

static const char *input_name(const struct graph_node *node, size_t index)
{
    return node->inputs[index].id;
}

static const char *output_name(const struct graph_node *node, size_t index)
{
    return node->outputs[index].id;
}

/* null: it had none, or no memory is left for it. */
static json_t *write_state(int fd)
{
    struct error error = ERROR_INIT;
    long long size = fd >= 0 ? segment_size(fd, &error) : 0;
    if (size <= 0 || (unsigned long long)size > PROTO_STATE_MOST)
        return json_null();
    autofree char *bytes = malloc((size_t)size);
    if (!bytes || pread(fd, bytes, (size_t)size, 0) != size)
        return json_null();
    autofree char *text = base64_write(bytes, (size_t)size);
    return text ? json_string(text) : json_null();
}

/* The descriptor of a segment, or -1: there is none. */
static int read_state(json_t *params, int *fd, struct error *error)
{
    const char *text = json_get_text(params, "state");
    size_t size;
    void *map;
    *fd = -1;
    if (!text)
        return 0;
    autofree void *bytes = base64_read(text, &size);
    if (!bytes || size == 0 || size > PROTO_STATE_MOST)
        return error_set(error, -EINVAL, "the node's state is malformed");
    autoclose int segment = segment_create("dora-state", size, error);
    if (segment < 0)
        return segment;
    int rc = segment_map(segment, size, PROT_READ | PROT_WRITE, &map, error);
    if (rc < 0)
        return rc;
    memcpy(map, bytes, size);
    munmap(map, size);
    *fd = take_fd(&segment);
    return 0;
}

/* ---- Waiting ---- */

static void answer(const struct participant *participant, struct control_request *request)
{
    const struct graph_node *node = participant->node;
    const struct move *move = participant->move;
    json_t *closed = json_array();
    for (size_t i = 0; i < node->input_count; i++)
        if (participant->inputs[i] == INPUT_CLOSED)
            json_array_append_new(closed, json_string(node->inputs[i].id));
    json_t *result =
        json_pack("{s:o, s:o, s:o, s:o}", "inputs", write_places(move->inputs, node->input_count, input_name, node),
                  "outputs", write_places(move->outputs, node->output_count, output_name, node), "closed", closed,
                  "state", write_state(move->state));
    if (move->phase == MOVE_GONE && !move->has_moved)
        json_object_set_new(result, "lost", json_from_bytes(move->why));
    control_answer(request, result);
}

/* Whether its request was answered. */
static bool look(struct run *run, const struct move_wait *wait)
{
    struct participant *participant = population_find(run->dataflow, wait->node);
    if (!participant || !participant->move) {
        control_refusef(wait->request, "failed", NULL, "the move was given up");
        return true;
    }
    enum move_phase phase = move_look(participant);
    if (phase != wait->phase && phase != MOVE_FAILED)
        return false;
    if (phase == MOVE_FAILED) {
        control_refusef(wait->request, "failed", NULL, "node `%s` %s", wait->node, participant->move->why);
        move_undo(participant);
        return true;
    }
    answer(participant, wait->request);
    return true; /* one that has gone may have to come back */
}

static void free_wait(struct move_wait *wait)
{
    free(wait->node);
    free(wait);
}

void run_moves_look(struct run *run)
{
    for (struct move_wait **at = &run->moves; *at;) {
        struct move_wait *wait = *at;
        if (!look(run, wait)) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        free_wait(wait);
    }
}

void run_moves_over(struct run *run)
{
    while (run->moves) {
        struct move_wait *wait = run->moves;
        run->moves = wait->next;
        control_refusef(wait->request, "failed", NULL, "the dataflow has ended on this machine");
        free_wait(wait);
    }
}

void run_moves_refuse(struct run *run, const char *why)
{
    for (struct move_wait **at = &run->moves; *at;) {
        struct move_wait *wait = *at;
        struct participant *participant = population_find(run->dataflow, wait->node);
        if (wait->phase != MOVE_PREPARED) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        control_refusef(wait->request, "failed", NULL, "%s", why);
        if (participant && participant->move)
            move_undo(participant);
        free_wait(wait);
    }
}

void run_moves_undo(struct run *run)
{
    if (run->dataflow)
        move_undo_all(run->dataflow);
}

static bool wait_for(struct run *run, struct control_request *request, const char *node, enum move_phase phase)
{
    struct move_wait *wait = calloc(1, sizeof *wait);
    if (wait && (wait->node = strdup(node))) {
        wait->next = run->moves;
        wait->request = request;
        wait->phase = phase;
        run->moves = wait;
        edge_changed(run->dataflow); /* upon which it is looked at */
        return true;
    }
    free(wait);
    control_refusef(request, "failed", NULL, "the daemon has no memory left");
    return false;
}

/* ---- The steps ---- */

static void prepare(struct run *run, struct control_request *request, json_t *params, const char *node)
{
    struct participant *participant;
    struct error error = ERROR_INIT;
    const char *to = json_get_text(params, "to");
    if (!to)
        control_refusef(request, "invalid", NULL, "`to` is needed");
    else if (strcmp(to, run->agent->options.machine) == 0 && run_files_check(run, node, &error) < 0)
        agent_refuse(request, &error);
    else if (move_prepare(run->dataflow, node, to, &participant, &error) < 0)
        agent_refuse(request, &error);
    else if (!wait_for(run, request, node, MOVE_PREPARED))
        move_undo(participant);
}

static void leave(struct run *run, struct control_request *request, json_t *params, struct participant *participant)
{
    const struct graph_node *node = participant->node;
    autofree uint64_t *until = read_places(json_object_get(params, "inputs"), node->input_count, input_name, node);
    int64_t grace_ns = node_grace(params);
    if (participant->state != PARTICIPANT_RUNNING || participant->halt != HALT_NONE)
        control_refusef(request, "failed", NULL, "node `%s` does not run any more", node->id);
    else if (grace_ns < 0)
        control_refusef(request, "invalid", NULL, "`grace` is no number of seconds");
    else if (!until)
        control_refusef(request, "failed", NULL, "the daemon has no memory left");
    else if (wait_for(run, request, node->id, MOVE_GONE))
        move_leave(participant, until, grace_ns);
}

static void finish(struct control_request *request, json_t *params, struct participant *participant)
{
    const struct graph_node *node = participant->node;
    struct error error = ERROR_INIT;
    autofree uint64_t *inputs = read_places(json_object_get(params, "inputs"), node->input_count, input_name, node);
    autofree uint64_t *outputs = read_places(json_object_get(params, "outputs"), node->output_count, output_name, node);
    json_t *closed;
    size_t i;
    int state, rc = inputs && outputs ? read_state(params, &state, &error)
                                      : error_set(&error, -ENOMEM, "the daemon has no memory left");
    if (rc < 0) {
        agent_refuse(request, &error);
        return;
    }
    json_array_foreach(json_object_get(params, "closed"), i, closed)
    {
        int input = json_is_string(closed) ? wiring_input(node, json_string_value(closed)) : -ENOENT;
        if (input >= 0)
            wiring_close_input(participant, (uint32_t)input);
    }
    if (move_finish(participant, inputs, outputs, state, &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_object());
}

void node_move(struct run *run, struct control_request *request, json_t *params)
{
    const char *step = json_get_text(params, "step"), *node = json_get_text(params, "node");
    struct participant *participant = node ? population_find(run->dataflow, node) : NULL;
    if (!step || !participant) {
        control_refusef(request, participant ? "invalid" : "not-found", NULL,
                        "`step` and a `node` that there is are needed");
    } else if (strcmp(step, "prepare") == 0) {
        prepare(run, request, params, node);
    } else if (strcmp(step, "undo") == 0) {
        move_undo(participant);
        control_answer(request, json_object());
    } else if (strcmp(step, "back") == 0) {
        move_back(participant);
        control_answer(request, json_object());
    } else if (participant->move && participant->move->phase == MOVE_GONE && strcmp(step, "finish") == 0) {
        move_free(participant);
        control_answer(request, json_object());
    } else if (!participant->move || (participant->move->phase != MOVE_PREPARED &&
                                      !(participant->move->phase == MOVE_FAILED && strcmp(step, "finish") == 0))) {
        control_refusef(request, "failed", NULL, "node `%s` is not ready to be moved any more", node);
    } else if (strcmp(step, "where") == 0) {
        if (wait_for(run, request, node, MOVE_PREPARED))
            move_ask(participant);
    } else if (strcmp(step, "leave") == 0) {
        leave(run, request, params, participant);
    } else if (strcmp(step, "finish") == 0) {
        finish(request, params, participant);
    } else {
        control_refusef(request, "invalid", NULL, "there is no step `%s`", step);
    }
}
