/* Watching outputs of a running dataflow: the command joins it as one more receiver, through libdora.
 *
 * A watcher sleeps between looks instead of being woken for every message, unless few come: what a publisher pays is
 * the message's place in one more queue. */
#ifndef CLI_TAP_H
#define CLI_TAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "dora/dora.h"

struct tap {
    dora_node *node;
    json_t *topics; /* names of what is watched, strings; also the inputs' names */
    bool is_prompt; /* take each message as soon as it comes, for its delay */
    bool has_come;  /* something, since the last nap */
    bool has_ended;
    bool is_faulty; /* ended because something went wrong, which is reported */
    int status;     /* what the command exits with, where tap_open() says false */
};

/* Watches the topics that the operands from `operand` on name, all of the dataflow where there are none. Queues keep
 * `queue_size` messages; a slow watcher loses the oldest. False: what is wrong is reported, or the whole command has
 * run on the machine of these nodes; `status` is its exit status. tap_close() in any case. */
bool tap_open(struct tap *tap, const struct options *options, int operand, int64_t queue_size, bool is_prompt);

/* The next message, the caller's to free; NULL: none until `deadline`, or nothing more will come: see tap_goes_on.
 * What else is told of publishers (an end, a failure, a restart) is printed on stderr. */
dora_event *tap_next(struct tap *tap, int64_t deadline);

/* Not ended, not interrupted by the user. */
bool tap_goes_on(const struct tap *tap);

/* Tells on stderr how many messages were lost, and leaves. */
void tap_close(struct tap *tap);

/* Asks for a DORA_NODE_CONFIG (`topic.watch`, `topic.publish`) and joins with it. NULL: reported, or to be done on
 * `*machine`, which is to be freed. Takes over `params`. */
struct control_client;
dora_node *tap_join(struct control_client *client, const char *method, json_t *params, char **machine);

#endif
