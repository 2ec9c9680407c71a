/* What the daemon counts, as rates: two answers of `metrics` make the rows of `dora top`. */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stdbool.h>
#include <jansson.h>
#include <stdint.h>

/* One node. Texts belong to the answer. */
struct metrics_row {
    bool has_host;               /* an operator: what its process uses is in its host's row */
    const char *dataflow, *name; /* UUID; name, or the UUID where it has none */
    const char *node, *status;
    const char *machine; /* where it runs; "" where there is but one */
    const json_t *inputs, *outputs;
    int64_t pid, restarts;
    double cpu;       /* percent of one core: since the answer before, else since the daemon was asked before */
    int64_t cpu_time; /* ns */
    double memory;    /* bytes */
    int64_t queued, dropped, received, sent;
    int64_t received_bytes, sent_bytes;
    int64_t read_bytes, written_bytes; /* from and to disks, by /proc; -1 where it can't be read */

    double delay_p50, delay_p99; /* ns from sending to taking, of what came since the answer before; 0: nothing did */

    /* A second, since the answer before. */
    double receive_rate, send_rate, receive_bytes_rate, send_bytes_rate, drop_rate, read_rate, write_rate;
};

struct metrics {
    json_t *answer;
    double time; /* s */
    struct metrics_row *rows;
    size_t count;
};

/* Takes over `answer` and keeps the former rows as long as it needs them for the rates. 0; -EBADMSG: that is no answer
 * of `metrics`; -ENOMEM. */
int metrics_update(struct metrics *metrics, json_t *answer);
void metrics_free(struct metrics *metrics);

enum metrics_order { METRICS_BY_NAME, METRICS_BY_CPU, METRICS_BY_MEMORY };
void metrics_sort(struct metrics *metrics, enum metrics_order order);

#endif
