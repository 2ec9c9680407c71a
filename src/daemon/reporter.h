/* The reporter: the daemon itself as a publisher in a dataflow, of what nodes print. It feeds `dora/logs` inputs, and
 * those that read the outputs named by a node's send_stdout_as and send_logs_as. There is one where somebody listens;
 * it is a participant without a process. A queue that is full drops, whatever its policy: nobody makes the daemon wait.
 */
#ifndef DAEMON_REPORTER_H
#define DAEMON_REPORTER_H

#include "daemon/logs.h"

struct dataflow;
struct participant;
struct reporter;
struct wire;

/* Lays the edge to an input that reads dora/logs, or that reads a node's output which is made of what it prints; does
 * nothing for any other output. -ENOMEM. */
int reporter_connect_logs(struct participant *subscriber, uint32_t input);
int reporter_connect_output(struct participant *publisher, uint32_t output, struct participant *subscriber,
                            uint32_t input);

/* Takes away the edges that carry the publisher's lines: to one input, or, where `subscriber` is NULL, to all. */
void reporter_disconnect(struct participant *publisher, const struct participant *subscriber, uint32_t input);

/* Whether the output is made of what the node prints, and so goes on until its process has ended. */
bool reporter_makes(const struct participant *publisher, uint32_t output);

/* What a node has printed. `raw` is a line with its newline. */
void reporter_raw(struct participant *from, const char *raw, size_t len);
void reporter_line(struct participant *from, const struct log_line *line);

/* The publisher's end of a wire that starts at the reporter. */
void reporter_link_up(struct wire *wire, int segment);
void reporter_link_down(struct wire *wire);
int reporter_arena(const struct reporter *reporter); /* its descriptor */

void reporter_free(struct reporter *reporter); /* NULL is fine */

#endif
