/* The ladder of a stop: ask, SIGTERM, SIGKILL, give up; each step has a deadline. */
#include "daemon/dataflow.h"

#include "daemon/move.h"

#include <signal.h>
#include <string.h>

/* How long a killed process may take to die before the dataflow ends without it. */
static const int64_t kill_patience = 5 * CLOCK_SECOND;

static void climb(struct dataflow *dataflow, enum stop_step step, int64_t patience_ns)
{
    int64_t now = clock_now();
    dataflow->step = step;
    dataflow->step_due = clock_after(now, patience_ns);
    if (dataflow->step_due == CLOCK_NEVER)
        alarm_clear(dataflow->ladder);
    else
        alarm_set(dataflow->ladder, dataflow->step_due - now);
}

static void ask(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    const bool is_failed = dataflow->culprit || dataflow->error;
    char refusal[OUTCOME_MESSAGE_MOST];
    participant->restarts.is_disabled = true;
    switch (participant->state) {
    case PARTICIPANT_ABSENT:
        if (participant->is_dynamic)
            return;
        if (is_failed) {
            participant_cascade(participant);
        } else {
            participant->result.ok = true; /* and its cause is that it never ran */
            strcpy(participant->message, "was not started");
        }
        participant_end(participant);
        return;
    case PARTICIPANT_WAITING:
        participant_end(participant);
        return;
    case PARTICIPANT_JOINED:
        /* Once the dataflow has started, whoever has joined is being let in right now, and told to stop then. */
        if (dataflow_refusal(dataflow, refusal)) {
            participant->end.is_excused = !is_failed;
            participant_refuse(participant, PROTO_REASON_CANCELED, refusal);
        }
        return;
    case PARTICIPANT_RUNNING:
        if (participant->edge)
            return; /* it goes with its node, and takes the last messages along */
        participant_send(participant, &(struct proto_packet){.type = PROTO_STOP});
        return;
    default:
        return;
    }
}

void stop_begin(struct dataflow *dataflow, int64_t grace_ns)
{
    if (grace_ns < 0)
        grace_ns = 0;
    if (dataflow->step == STOP_NONE) {
        dataflow->grace_ns = grace_ns;
        climb(dataflow, STOP_ASKED, grace_ns);
        for (uint32_t i = 0; i < dataflow->count; i++)
            dataflow->participants[i]->restarts.is_disabled = true;
        for (uint32_t i = 0; i < dataflow->count; i++)
            if (move_is_arriving(dataflow->participants[i]))
                move_undo(dataflow->participants[i]);
            else
                ask(dataflow->participants[i]);
        dataflow_changed(dataflow);
    } else if (dataflow->step == STOP_ASKED && clock_after(clock_now(), grace_ns) < dataflow->step_due) {
        dataflow->grace_ns = grace_ns;
        climb(dataflow, STOP_ASKED, grace_ns);
    }
}

static void kill_all(struct dataflow *dataflow, enum kill_reason reason)
{
    climb(dataflow, STOP_KILLED, kill_patience);
    for (uint32_t i = 0; i < dataflow->count; i++)
        participant_kill(dataflow->participants[i], reason);
}

void stop_ladder(void *context)
{
    struct dataflow *dataflow = context;
    switch (dataflow->step) {
    case STOP_ASKED:
        climb(dataflow, STOP_TERMINATED, dataflow->grace_ns / 2);
        for (uint32_t i = 0; i < dataflow->count; i++) {
            participant_signal(dataflow->participants[i], SIGTERM);
            dataflow->participants[i]->end.is_terminated = true;
        }
        return;
    case STOP_TERMINATED:
        kill_all(dataflow, KILL_GRACE);
        return;
    case STOP_KILLED:
        dataflow->step = STOP_GIVEN_UP;
        for (uint32_t i = 0; i < dataflow->count; i++)
            if (!dataflow->participants[i]->is_dynamic && dataflow->participants[i]->state != PARTICIPANT_ENDED &&
                dataflow->participants[i]->state != PARTICIPANT_REMOTE)
                process_abandon(dataflow->participants[i]);
        return;
    default:
        return;
    }
}

void dataflow_stop(struct dataflow *dataflow, int64_t grace_ns)
{
    stop_begin(dataflow, grace_ns);
}

void dataflow_kill(struct dataflow *dataflow)
{
    stop_begin(dataflow, CLOCK_NEVER);
    if (dataflow->step < STOP_KILLED)
        kill_all(dataflow, KILL_USER);
}
