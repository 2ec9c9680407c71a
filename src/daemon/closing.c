/* Which inputs still get something, and who learns that one doesn't. */
#include "daemon/dataflow.h"
#include "daemon/reporter.h"

static void tell(struct participant *participant, enum proto_type type, uint32_t input)
{
    struct proto_index body = {input};
    participant_send(participant, &(struct proto_packet){.type = type, .body = &body, .body_len = sizeof body});
}

/* Nothing comes any more: it should finish, and not be started again. */
static void tell_all_closed(struct participant *participant)
{
    bool is_kept_alive = participant->other_inputs > 0 && !participant->dataflow->finish_with_inputs;
    if (participant->data_inputs == 0 || participant->open_inputs > 0 || is_kept_alive)
        return;
    for (uint32_t i = 0; i < participant->node->input_count; i++)
        if (participant->inputs[i] == INPUT_LOOSE) {
            participant->inputs[i] = INPUT_CLOSED;
            tell(participant, PROTO_INPUT_CLOSED, i);
        }
    participant->restarts.is_disabled = true;
    participant_send(participant, &(struct proto_packet){.type = PROTO_ALL_INPUTS_CLOSED});
    if (participant->state == PARTICIPANT_WAITING)
        alarm_set(participant->alarm, 0);
}

void wiring_close_input(struct participant *participant, uint32_t input)
{
    if (participant->inputs[input] != INPUT_OPEN)
        return;
    participant->inputs[input] = INPUT_CLOSED;
    participant->open_inputs--;
    tell(participant, PROTO_INPUT_CLOSED, input);
    tell_all_closed(participant);
}

void wiring_loosen_input(struct participant *participant, uint32_t input)
{
    if (participant->inputs[input] != INPUT_OPEN)
        return;
    participant->inputs[input] = INPUT_LOOSE;
    participant->open_inputs--;
}

void wiring_open_input(struct participant *participant, uint32_t input)
{
    if (participant->inputs[input] == INPUT_OPEN)
        return;
    if (participant->inputs[input] == INPUT_CLOSED)
        tell(participant, PROTO_INPUT_OPENED, input);
    participant->inputs[input] = INPUT_OPEN;
    participant->open_inputs++;
    if (participant->dataflow->step == STOP_NONE)
        participant->restarts.is_disabled = false;
}

static void close_where(struct participant *participant, bool all, uint32_t output)
{
    /* Who stands for an output, or whose successor has it, doesn't end it. */
    if (participant->is_watcher || participant->is_replaced)
        return;
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct wire *wire = participant->out[i];
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if ((all || wire->edges[k].output == output) && !wire->states[k].is_down &&
                !reporter_makes(participant, wire->edges[k].output))
                wiring_close_input(wire->subscriber, wire->edges[k].input);
    }
}

void wiring_close_output(struct participant *participant, uint32_t output)
{
    participant->outputs_closed[output] = true;
    close_where(participant, false, output);
}

void wiring_close_outputs(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->node->output_count; i++)
        participant->outputs_closed[i] = true;
    close_where(participant, true, 0);
}

void wiring_report_closed(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->node->input_count; i++)
        if (participant->inputs[i] == INPUT_CLOSED)
            tell(participant, PROTO_INPUT_CLOSED, i);
    for (uint32_t i = 0; i < participant->node->input_count; i++)
        if (participant->inputs[i] == INPUT_CLOSED) {
            tell_all_closed(participant);
            return;
        }
}

void wiring_tell_subscribers(struct participant *participant, const struct proto_packet *packet)
{
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct participant *subscriber = participant->out[i]->subscriber;
        bool is_told = subscriber == participant;
        for (uint32_t k = 0; k < i && !is_told; k++)
            is_told = participant->out[k]->subscriber == subscriber;
        if (!is_told)
            participant_send(subscriber, packet);
    }
}
