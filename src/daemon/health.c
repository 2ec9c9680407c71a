/* health_check_timeout: a node that neither works with dora nor waits for it is killed; its policy decides what
 * follows.
 */
#include "daemon/dataflow.h"

#include "shm/doorbell.h"

static bool is_checked(const struct participant *participant)
{
    return participant->node->health_check_timeout_ns > 0 && !participant->is_dynamic;
}

/* How often to look; 0: never. Half the shortest timeout, where that is finer than the dataflow's interval. */
static int64_t interval(const struct dataflow *dataflow)
{
    int64_t shortest = CLOCK_NEVER;
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (is_checked(dataflow->participants[i]) &&
            dataflow->participants[i]->node->health_check_timeout_ns / 2 < shortest)
            shortest = dataflow->participants[i]->node->health_check_timeout_ns / 2;
    if (shortest == CLOCK_NEVER)
        return 0;
    if (shortest < 10 * CLOCK_MILLI)
        shortest = 10 * CLOCK_MILLI;
    int64_t wanted = dataflow->graph->health_check_interval_ns;
    return wanted > 0 && wanted < shortest ? wanted : shortest;
}

static void check(struct participant *participant, int64_t now)
{
    /* relaxed: only that it grows matters. */
    uint64_t activity = atomic_load_explicit(&participant->peer->page->activity, memory_order_relaxed);
    if (activity != participant->seen_activity) {
        participant->seen_activity = activity;
        participant->seen_ns = now;
        /* A node that waits shows its life once a nap. */
    } else if (now - participant->seen_ns > clock_after(participant->node->health_check_timeout_ns, DOORBELL_NAP)) {
        participant_kill(participant, KILL_HEALTH);
    }
}

void health_check(void *context)
{
    struct dataflow *dataflow = context;
    int64_t now = clock_now();
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (participant->state == PARTICIPANT_RUNNING && is_checked(participant))
            check(participant, now);
    }
    alarm_set(dataflow->health, interval(dataflow));
}

void health_start(struct dataflow *dataflow)
{
    int64_t first = interval(dataflow);
    if (first > 0)
        alarm_set(dataflow->health, first);
}
