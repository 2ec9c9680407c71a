/* One node is stopped, restarted or removed, and the others go on. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "daemon/edge.h"

static void climb(struct participant *participant, enum stop_step step, int64_t patience_ns)
{
    participant->halt_step = step;
    if (patience_ns == CLOCK_NEVER)
        alarm_clear(participant->halt_alarm);
    else
        alarm_set(participant->halt_alarm, patience_ns);
}

static bool is_output_closed(const struct wire *wire, uint32_t edge)
{
    return wire->publisher->state == PARTICIPANT_ENDED || wire->publisher->outputs_closed[wire->edges[edge].output];
}

/* A node that has ended for good begins anew: what it listens to is open where the publishers are, and so are its own
 * outputs. */
static void revive(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    dataflow->to_end++;
    participant->ended_order = 0;
    participant->restarts.is_disabled = false;
    participant->restarts.total++;
    participant->state = PARTICIPANT_ABSENT;
    for (uint32_t i = 0; i < participant->node->output_count; i++)
        participant->outputs_closed[i] = false;
    for (uint32_t i = 0; i < participant->in_count; i++) {
        struct wire *wire = participant->in[i];
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if (!wire->states[k].is_down && !is_output_closed(wire, k))
                wiring_open_input(participant, wire->edges[k].input);
    }
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct wire *wire = participant->out[i];
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if (!wire->states[k].is_down)
                wiring_open_input(wire->subscriber, wire->edges[k].input);
    }
    edge_revive(participant);
    participant_spawn(participant);
}

static void end(struct participant *participant, enum halt halt)
{
    if (!participant->is_dynamic)
        participant_end(participant);
    population_settle(participant, false, 0, NULL);
    if (halt == HALT_REMOVE || participant->is_watcher)
        population_remove(participant);
}

void halt_done(struct participant *participant)
{
    enum halt halt = participant->halt;
    participant->halt = HALT_NONE;
    participant->halt_step = STOP_NONE;
    alarm_clear(participant->halt_alarm);
    dataflow_changed(participant->dataflow);
    if (halt != HALT_RESTART || participant->dataflow->step != STOP_NONE) {
        end(participant, halt);
        return;
    }
    /* Whatever its inputs are: a node without any is started again too, as it was asked for. */
    participant->restarts.is_disabled = false;
    participant->restarts.total++;
    participant_again(participant, 0);
}

void halt_begin(struct participant *participant, enum halt halt, int64_t grace_ns)
{
    participant->halt = halt;
    participant->halt_grace_ns = grace_ns < 0 ? 0 : grace_ns;
    switch (participant->state) {
    case PARTICIPANT_ENDED:
        participant->halt = HALT_NONE;
        if (halt == HALT_RESTART)
            revive(participant);
        else
            end(participant, halt);
        return;
    case PARTICIPANT_ABSENT:
    case PARTICIPANT_WAITING:
        halt_done(participant);
        return;
    case PARTICIPANT_STARTING:
        climb(participant, STOP_ASKED, 0);
        return;
    case PARTICIPANT_HOSTING:
        host_ask(participant);
        climb(participant, STOP_ASKED, participant->halt_grace_ns);
        return;
    default:
        participant_send(participant, &(struct proto_packet){.type = PROTO_STOP});
        climb(participant, STOP_ASKED, participant->halt_grace_ns);
        return;
    }
}

void halt_due(void *context)
{
    struct participant *participant = context;
    if (participant->is_dynamic) {
        /* Its process is none of ours. */
        participant->halt = HALT_NONE;
        population_settle(
            participant, false, -ETIMEDOUT,
            "it was asked to stop and has not left; its process was not started by dora: end it yourself");
        return;
    }
    if (participant->host) {
        /* Its process is that of others too. */
        participant->halt = HALT_NONE;
        population_settle(participant, false, -ETIMEDOUT,
                          "it was asked to stop and has not left; it shares its process with other operators: stop "
                          "their host");
        return;
    }
    switch (participant->halt_step) {
    case STOP_ASKED:
        climb(participant, STOP_TERMINATED, participant->halt_grace_ns / 2);
        participant_signal(participant, SIGTERM);
        participant->end.is_terminated = true;
        return;
    case STOP_TERMINATED:
        climb(participant, STOP_KILLED, 5 * CLOCK_SECOND);
        participant_kill(participant, KILL_GRACE);
        return;
    case STOP_KILLED:
        process_abandon(participant);
        return;
    default:
        return;
    }
}
