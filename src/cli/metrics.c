#include "cli/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/json_value.h"

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t sum(const json_t *ports, const char *key)
{
    int64_t total = 0;
    json_t *port;
    size_t i;
    json_array_foreach(ports, i, port) total += integer(port, key);
    return total;
}

static void read_io(struct metrics_row *row)
{
    char path[64], line[128];
    long long number;
    snprintf(path, sizeof path, "/proc/%lld/io", (long long)row->pid);
    autofile FILE *file = row->pid > 0 ? fopen(path, "re") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "read_bytes: %lld", &number) == 1)
            row->read_bytes = number;
        else if (sscanf(line, "write_bytes: %lld", &number) == 1)
            row->written_bytes = number;
    }
}

/* `here`: this machine, where there are several. */
static void fill(struct metrics_row *row, const json_t *node, const char *here)
{
    const char *name = json_text(node, "name");
    *row = (struct metrics_row){
        .dataflow = json_text(node, "dataflow"),
        .name = *name ? name : json_text(node, "dataflow"),
        .node = json_text(node, "node"),
        .status = json_text(node, "status"),
        .machine = json_text(node, "machine"),
        .has_host = json_object_get(node, "host") != NULL,
        .inputs = json_object_get(node, "inputs"),
        .outputs = json_object_get(node, "outputs"),
        .pid = integer(node, "pid"),
        .restarts = integer(node, "restarts"),
        .cpu = json_number(node, "cpu"),
        .cpu_time = integer(node, "cpu_time"),
        .memory = json_number(node, "memory"),
    };
    row->queued = sum(row->inputs, "queued");
    row->dropped = sum(row->inputs, "dropped");
    row->received = sum(row->inputs, "received");
    row->received_bytes = sum(row->inputs, "bytes");
    row->sent = sum(row->outputs, "sent");
    row->sent_bytes = sum(row->outputs, "bytes");
    row->read_bytes = row->written_bytes = -1;
    if (strcmp(row->machine, here) == 0)
        read_io(row);
}

/* Counters begin anew with a process; then there is no rate yet. */
static double rate(int64_t now, int64_t before, double seconds)
{
    return seconds > 0 && before >= 0 && now >= before ? (double)(now - before) / seconds : 0;
}

enum { DELAYS_MOST = 128 }; /* buckets of one input; more are left out */

/* Messages of all inputs with a delay of at most `bound` ns. */
static int64_t taken_within(const json_t *inputs, int64_t bound)
{
    int64_t count = 0;
    json_t *input, *delay;
    size_t i, k;
    json_array_foreach(inputs, i, input)
        json_array_foreach(json_object_get(input, "delays"), k,
                           delay) if (k < DELAYS_MOST && json_integer_value(json_array_get(delay, 0)) <= bound) count +=
        json_integer_value(json_array_get(delay, 1));
    return count;
}

/* The smallest bound of a bucket that `share` of the messages keep, of those that came after `before`. */
static double delay_percentile(const json_t *inputs, const json_t *before, double share)
{
    int64_t all = taken_within(inputs, INT64_MAX) - taken_within(before, INT64_MAX), best = 0;
    json_t *input, *delay;
    size_t i, k;
    if (all <= 0)
        return 0;
    json_array_foreach(inputs, i, input) json_array_foreach(json_object_get(input, "delays"), k, delay)
    {
        int64_t bound = json_integer_value(json_array_get(delay, 0));
        if (k < DELAYS_MOST && (best == 0 || bound < best) &&
            (double)(taken_within(inputs, bound) - taken_within(before, bound)) >= share * (double)all)
            best = bound;
    }
    return (double)best;
}

static void fill_delays(struct metrics_row *row, const struct metrics_row *before)
{
    const json_t *old = before && before->pid == row->pid ? before->inputs : NULL;
    row->delay_p50 = delay_percentile(row->inputs, old, 0.5);
    row->delay_p99 = delay_percentile(row->inputs, old, 0.99);
}

static void fill_rates(struct metrics_row *row, const struct metrics_row *before, double seconds)
{
    if (before->pid != row->pid)
        return;
    row->cpu = rate(row->cpu_time, before->cpu_time, seconds) * 100 / 1e9;
    row->receive_rate = rate(row->received, before->received, seconds);
    row->send_rate = rate(row->sent, before->sent, seconds);
    row->receive_bytes_rate = rate(row->received_bytes, before->received_bytes, seconds);
    row->send_bytes_rate = rate(row->sent_bytes, before->sent_bytes, seconds);
    row->drop_rate = rate(row->dropped, before->dropped, seconds);
    row->read_rate = rate(row->read_bytes, before->read_bytes, seconds);
    row->write_rate = rate(row->written_bytes, before->written_bytes, seconds);
}

static int compare_name(const void *left, const void *right)
{
    const struct metrics_row *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->dataflow, b->dataflow);
    return order ? order : strcmp(a->node, b->node);
}

static int compare_cpu(const void *left, const void *right)
{
    const struct metrics_row *a = left, *b = right;
    return a->cpu != b->cpu ? (a->cpu < b->cpu) - (a->cpu > b->cpu) : compare_name(left, right);
}

static int compare_memory(const void *left, const void *right)
{
    const struct metrics_row *a = left, *b = right;
    return a->memory != b->memory ? (a->memory < b->memory) - (a->memory > b->memory) : compare_name(left, right);
}

void metrics_sort(struct metrics *metrics, enum metrics_order order)
{
    if (metrics->count)
        qsort(metrics->rows, metrics->count, sizeof *metrics->rows,
              order == METRICS_BY_CPU      ? compare_cpu
              : order == METRICS_BY_MEMORY ? compare_memory
                                           : compare_name);
}

int metrics_update(struct metrics *metrics, json_t *answer)
{
    const json_t *nodes = json_object_get(answer, "nodes");
    size_t count = json_array_size(nodes);
    struct metrics_row *rows = calloc(count + 1, sizeof *rows);
    if (!rows || !json_is_array(nodes)) {
        free(rows);
        json_decref(answer);
        return rows ? -EBADMSG : -ENOMEM;
    }
    double time = json_number(answer, "time");
    metrics_sort(metrics, METRICS_BY_NAME);
    for (size_t i = 0; i < count; i++) {
        fill(&rows[i], json_array_get(nodes, i), json_text(answer, "here"));
        const struct metrics_row *before =
            metrics->count ? bsearch(&rows[i], metrics->rows, metrics->count, sizeof *rows, compare_name) : NULL;
        fill_delays(&rows[i], before);
        if (before)
            fill_rates(&rows[i], before, time - metrics->time);
    }
    metrics_free(metrics);
    *metrics = (struct metrics){answer, time, rows, count};
    return 0;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics->rows);
    json_decref(metrics->answer);
    *metrics = (struct metrics){0};
}
