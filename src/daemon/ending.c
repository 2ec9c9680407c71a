/* A node's way out: its processes have ended, and everyone who dealt with it learns what that means. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/move.h"

static void finish_logs(struct participant *participant)
{
    if (!participant->logs)
        return;
    logs_finish(participant->logs);
    free(participant->stderr_tail);
    participant->stderr_tail = strdup(logs_stderr_tail(participant->logs)); /* NULL: none, when memory is short */
    logs_close(participant->logs);
    participant->logs = NULL;
}

static void tell_restarted(struct participant *participant)
{
    wiring_tell_subscribers(
        participant,
        &(struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {participant->node->id}, .text_count = 1});
}

void participant_tell_failed(struct participant *participant)
{
    if (participant->has_told_failure)
        return;
    participant->has_told_failure = true;
    wiring_tell_subscribers(participant, &(struct proto_packet){.type = PROTO_NODE_FAILED,
                                                                .text = {participant->node->id, participant->message},
                                                                .text_count = 2});
}

/* Its memory can be used again by those that fed it, and nothing more comes from it. */
void participant_disconnect(struct participant *participant)
{
    wiring_down_in(participant);
    wiring_down_out(participant);
    peer_close(participant->peer);
    participant->peer = NULL;
    alarm_clear(participant->alarm);
}

static void restart(struct participant *participant, int64_t delay_ns)
{
    const uint32_t most = participant->node->max_restarts;
    char limit[32] = "";
    if (most > 0)
        snprintf(limit, sizeof limit, " of %u", most);
    dataflow_notice(participant->dataflow, "node `%s` %s; restarting it (%u%s)", participant->node->id,
                    participant->message, participant->restarts.in_window, limit);
    participant_again(participant, delay_ns);
}

void participant_again(struct participant *participant, int64_t delay_ns)
{
    participant_disconnect(participant);
    participant->state = PARTICIPANT_WAITING;
    tell_restarted(participant);
    alarm_set(participant->alarm, delay_ns);
    dataflow_changed(participant->dataflow);
}

void participant_gone(struct participant *participant)
{
    if (participant->is_host)
        host_gone(participant);
    if (participant->peer)
        peer_drain(participant->peer); /* what it said last */
    finish_logs(participant);
    if (participant->is_dynamic) {
        participant_disconnect(participant);
        participant->state = PARTICIPANT_ABSENT;
        wiring_close_outputs(participant);
        halt_done(participant);
        return;
    }
    participant->end.silent_ns = participant->node->health_check_timeout_ns;
    outcome_of(&participant->end, &participant->result, participant->message);
    if (participant->is_host)
        host_judge(participant);
    if (move_is_leaving(participant)) {
        participant_disconnect(participant);
        move_gone(participant);
        return;
    }
    if (!participant->dataflow->has_started || participant->is_new || move_is_arriving(participant)) {
        participant_end(participant);
        return;
    }
    if (participant->halt != HALT_NONE) {
        halt_done(participant);
        return;
    }
    struct restart_decision decision =
        restart_decide(participant->node, &participant->restarts, !participant->result.ok, clock_now());
    if (decision.verdict == RESTART_AFTER) {
        restart(participant, decision.delay_ns);
        return;
    }
    if (decision.verdict == RESTART_EXHAUSTED)
        dataflow_notice(participant->dataflow, "node `%s`: max restarts (%u) exceeded, giving up",
                        participant->node->id, participant->node->max_restarts);
    participant_end(participant);
}

void participant_cascade(struct participant *participant)
{
    const struct participant *culprit = participant->dataflow->culprit;
    participant->result.cause = NODE_CASCADING;
    participant->result.ok = false;
    if (culprit) {
        participant->result.because = culprit->node->id;
        snprintf(participant->message, sizeof participant->message,
                 "This error occurred because node `%s` exited before connecting to dora.", culprit->node->id);
    } else {
        snprintf(participant->message, sizeof participant->message, "The dataflow could not start.");
    }
}

void participant_end(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    if (participant->state == PARTICIPANT_ENDED)
        return;
    if (move_is_arriving(participant)) {
        participant_disconnect(participant);
        move_failed(participant);
        return;
    }
    bool was_canceled =
        (participant->end.is_refused || participant->end.is_terminated) && dataflow->culprit != participant;
    if (!dataflow->has_started && (dataflow->culprit || dataflow->error) && was_canceled)
        participant_cascade(participant);
    if (!participant->result.ok) {
        participant_tell_failed(participant);
        if (participant->result.cause != NODE_CASCADING)
            dataflow_notice(dataflow, "node `%s` %s", participant->node->id, participant->message);
    }
    participant_disconnect(participant);
    if (participant->is_replaced)
        tell_restarted(participant);
    participant->state = PARTICIPANT_ENDED;
    wiring_close_outputs(participant);
    participant->ended_order = ++dataflow->ended_count;
    dataflow->to_end--;
    if (!dataflow->has_started)
        dataflow_fail_start(dataflow, participant);
    dataflow_changed(dataflow);
    population_settle(participant, true, -EIO,
                      *participant->message ? participant->message : "ended before it had joined the dataflow");
    population_settle(participant, false, 0, NULL);
    if (participant->is_new)
        population_remove(participant);
}
