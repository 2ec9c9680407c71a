/* One dataflow: its start, its barrier, its end. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/descendants.h"
#include "daemon/part.h"

static const int64_t descendants_patience = 2 * CLOCK_SECOND;

const char *dataflow_id(const struct dataflow *dataflow)
{
    return dataflow->id;
}

void dataflow_notice(struct dataflow *dataflow, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (dataflow->observer.notice)
        dataflow->observer.notice(dataflow->observer.context, text);
}

/* ---- The barrier ---- */

void dataflow_begin(struct dataflow *dataflow)
{
    if (dataflow->has_started || dataflow->step != STOP_NONE || !dataflow->is_spawned || dataflow->to_join > 0 ||
        part_is_held(dataflow))
        return;
    /* Every link is told before anyone is let go: what is sent first finds all its queues. */
    for (uint32_t i = 0; i < dataflow->count; i++)
        for (uint32_t k = 0; k < dataflow->participants[i]->out_count; k++)
            wire_up(dataflow->participants[i]->out[k]);
    if (dataflow->step != STOP_NONE) /* for want of descriptors, most likely */
        return;
    dataflow->has_started = true;
    dataflow->start = (struct proto_start){clock_now(), clock_ntp64()};
    for (uint32_t i = 0; i < dataflow->count; i++)
        participant_run(dataflow->participants[i]);
    health_start(dataflow);
    dataflow_changed(dataflow);
    if (dataflow->observer.started)
        dataflow->observer.started(dataflow->observer.context);
}

const char *dataflow_refusal(const struct dataflow *dataflow, char text[OUTCOME_MESSAGE_MOST])
{
    if (dataflow->has_started || dataflow->step == STOP_NONE)
        return NULL;
    if (dataflow->culprit)
        snprintf(text, OUTCOME_MESSAGE_MOST,
                 "Node %s exited before initializing dora. For more information, run `dora logs %s --node %s`.",
                 dataflow->culprit->node->id, dataflow->id, dataflow->culprit->node->id);
    else if (dataflow->error)
        snprintf(text, OUTCOME_MESSAGE_MOST, "The dataflow could not start: %s", dataflow->error);
    else
        snprintf(text, OUTCOME_MESSAGE_MOST, "The dataflow was stopped before all its nodes had started.");
    return text;
}

/* Those that have not joined yet would only find the door closed. */
static void terminate_starting(struct dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (participant->state == PARTICIPANT_STARTING ||
            (participant->state == PARTICIPANT_HOSTING && host_is_awaited(participant))) {
            participant_signal(participant, SIGTERM);
            participant->end.is_terminated = true;
        }
    }
}

void dataflow_fail_start(struct dataflow *dataflow, const struct participant *culprit)
{
    if (dataflow->step != STOP_NONE)
        return;
    dataflow->culprit = culprit;
    bool is_failure = culprit->state != PARTICIPANT_ENDED || !culprit->result.ok;
    /* After one that ended well, the others may be programs that don't know dora: they end when they like. */
    if (is_failure)
        terminate_starting(dataflow);
    stop_begin(dataflow, is_failure ? DAEMON_STOP_GRACE : CLOCK_NEVER);
}

void dataflow_fail(struct dataflow *dataflow, const char *format, ...)
{
    if (dataflow->error)
        return;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&dataflow->error, format, args);
    va_end(args);
    if (len < 0)
        dataflow->error = NULL;
    dataflow_notice(dataflow, "the dataflow is ended: %s", dataflow->error ? dataflow->error : "no memory");
    terminate_starting(dataflow);
    stop_begin(dataflow, DAEMON_STOP_GRACE);
    dataflow_changed(dataflow);
}

/* ---- The end ---- */

static int compare_results(const void *left, const void *right)
{
    const struct participant *a = *(struct participant *const *)left, *b = *(struct participant *const *)right;
    int rank_a = a->result.ok ? 2 : a->result.cause == NODE_CASCADING,
        rank_b = b->result.ok ? 2 : b->result.cause == NODE_CASCADING;
    if (rank_a != rank_b)
        return rank_a - rank_b;
    uint32_t order_a = rank_a == 2 ? a->serial : a->ended_order, order_b = rank_b == 2 ? b->serial : b->ended_order;
    return order_a < order_b ? -1 : order_a > order_b;
}

static void report(struct dataflow *dataflow)
{
    struct dataflow_result result = {.ok = !dataflow->error, .error = dataflow->error};
    autofree struct participant **order = calloc(dataflow->count + 1, sizeof(struct participant *));
    autofree struct node_result *nodes = calloc(dataflow->count + 1, sizeof *nodes);
    uint32_t count = 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        if (!population_is_own(participant))
            continue;
        participant->result.message = participant->message;
        participant->result.stderr_tail = participant->stderr_tail ? participant->stderr_tail : "";
        participant->result.restarts = participant->restarts.total;
        result.ok = result.ok && participant->result.ok;
        if (order)
            order[count++] = participant;
    }
    if (order && nodes) {
        qsort(order, count, sizeof(struct participant *), compare_results);
        for (uint32_t i = 0; i < count; i++)
            nodes[i] = order[i]->result;
        result.nodes = nodes;
        result.node_count = count;
    } else if (!result.error) {
        result.error = "no memory to tell how the nodes ended";
        result.ok = false;
    }
    if (dataflow->observer.finished)
        dataflow->observer.finished(dataflow->observer.context, &result);
}

static void unlink_from_daemon(struct dataflow *dataflow)
{
    struct dataflow **at = &dataflow->daemon->dataflows;
    while (*at && *at != dataflow)
        at = &(*at)->next;
    if (*at)
        *at = dataflow->next;
}

static void finish(struct dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (dataflow->step == STOP_NONE)
            participant_send(dataflow->participants[i], &(struct proto_packet){.type = PROTO_STOP});
    unlink_from_daemon(dataflow);
    if (!dataflow->daemon->dataflows && descendants_kill(descendants_patience, dataflow->daemon->spared) < 0)
        dataflow_notice(dataflow, "some processes that its nodes left behind can't be killed");
    report(dataflow);
    dataflow_free(dataflow);
}

void dataflow_check(struct dataflow *dataflow)
{
    alarm_set(dataflow->later, 0);
}

void dataflow_changed(struct dataflow *dataflow)
{
    dataflow->has_changed = true;
    dataflow_check(dataflow);
}

static void spawn_all(struct dataflow *dataflow)
{
    dataflow->is_spawned = dataflow->has_changed = true;
    for (uint32_t i = 0; i < dataflow->count && dataflow->step == STOP_NONE; i++)
        if (!dataflow->participants[i]->is_dynamic && !dataflow->participants[i]->host &&
            dataflow->participants[i]->state != PARTICIPANT_REMOTE)
            participant_spawn(dataflow->participants[i]);
    dataflow_begin(dataflow);
}

static void on_later(void *context)
{
    struct dataflow *dataflow = context;
    bool are_all_dynamic = true;
    population_sweep(dataflow);
    if (!dataflow->is_spawned)
        spawn_all(dataflow);
    part_tell(dataflow);
    if (dataflow->part)
        dataflow_begin(dataflow);
    for (uint32_t i = 0; i < dataflow->count; i++)
        are_all_dynamic = are_all_dynamic && (dataflow->participants[i]->is_dynamic ||
                                              dataflow->participants[i]->state == PARTICIPANT_REMOTE);
    if (dataflow->to_end == 0 && (dataflow->step != STOP_NONE || !are_all_dynamic || dataflow->count == 0) &&
        part_is_drained(dataflow)) {
        finish(dataflow);
        return;
    }
    if (dataflow->has_changed && dataflow->observer.changed) {
        dataflow->has_changed = false;
        dataflow->observer.changed(dataflow->observer.context);
    }
}

/* ---- Memory ---- */

static int build(struct dataflow *dataflow, const struct daemon_part *part, struct error *error)
{
    const struct graph *graph = dataflow->graph;
    uv_loop_t *loop = dataflow->daemon->loop;
    for (size_t i = 0; i < graph->node_count; i++)
        if (!population_add(dataflow, &graph->nodes[i], NULL, error))
            return -ENOMEM;
    int rc = host_attach(dataflow, error);
    if (rc == 0 && part)
        rc = part_place(dataflow, part, error);
    if (rc == 0)
        rc = wiring_lay(dataflow, error);
    if (rc == 0)
        rc = description_seal(dataflow, error);
    if (rc == 0)
        rc = alarm_open(&dataflow->ladder, loop, stop_ladder, dataflow, error);
    if (rc == 0)
        rc = alarm_open(&dataflow->health, loop, health_check, dataflow, error);
    if (rc == 0)
        rc = alarm_open(&dataflow->later, loop, on_later, dataflow, error);
    if (rc == 0)
        rc = part_connect(dataflow, error);
    return rc;
}

int daemon_start(struct daemon *daemon, const struct graph *graph, const char *id,
                 const struct daemon_observer *observer, struct dataflow **out, struct error *error)
{
    return daemon_start_with(daemon, graph, id, &daemon->options, NULL, observer, out, error);
}

int daemon_start_with(struct daemon *daemon, const struct graph *graph, const char *id,
                      const struct daemon_options *options, const struct daemon_part *part,
                      const struct daemon_observer *observer, struct dataflow **out, struct error *error)
{
    if (strlen(id) >= DATAFLOW_ID_MOST || strchr(id, '/'))
        return error_set(error, -EINVAL, "`%s` is no id of a dataflow", id);
    struct dataflow *dataflow = calloc(1, sizeof *dataflow);
    if (!dataflow)
        return error_set(error, -ENOMEM, "no memory for the dataflow");
    dataflow->daemon = daemon;
    dataflow->graph = graph;
    dataflow->json = -1;
    dataflow->serial = ++daemon->last_serial;
    strcpy(dataflow->id, id);
    if (observer)
        dataflow->observer = *observer;
    dataflow->options = *options;
    int finish_with_inputs = options->exit_when_nodes_finish;
    dataflow->finish_with_inputs = finish_with_inputs < 0 ? graph->exit_when_nodes_finish : finish_with_inputs > 0;
    int rc = build(dataflow, part, error);
    if (rc < 0) {
        dataflow_free(dataflow);
        return rc;
    }
    dataflow->next = daemon->dataflows;
    daemon->dataflows = dataflow;
    dataflow_check(dataflow); /* starts the processes, from the loop */
    *out = dataflow;
    return 0;
}

void dataflow_free(struct dataflow *dataflow)
{
    population_free(dataflow);
    part_free(dataflow);
    alarm_close(dataflow->ladder);
    alarm_close(dataflow->health);
    alarm_close(dataflow->later);
    cleanup_close(&dataflow->json);
    free(dataflow->error);
    free(dataflow);
}
