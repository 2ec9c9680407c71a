/* The ports of dataflows, for any zenoh program: a port costs a declaration, until somebody is there. The loop's.
 */
#ifndef GATEWAY_FOREIGN_H
#define GATEWAY_FOREIGN_H

#include "gateway/gateway.h"

struct foreign;

int foreign_open(struct foreign **foreign, struct gateway *gateway);
/* dataflow.open: what it names is offered, and nothing else of that dataflow. Answers the request. */
void foreign_open_dataflow(struct foreign *foreign, struct control_request *request, json_t *params);
void foreign_close_dataflow(struct foreign *foreign, const char *dataflow);
void foreign_end(struct foreign *foreign);
bool foreign_idle(const struct foreign *foreign); /* no thread runs any more */
void foreign_free(struct foreign *foreign);

/* ---- foreign_tap.c: an output, put for whoever subscribes; foreign_feed.c: an input that others put to. Each has a
 * thread from when it has its config; `left` is called at its end, by itself. ---- */

struct foreign_tap;
struct foreign_feed;

struct foreign_options {
    const char *config, *output;     /* output: of a feed, its id */
    struct net_publisher *publisher; /* of a tap; the caller's, and stays until it has left */
    void (*left)(void *context);
    void *context;
};

int foreign_tap_open(struct foreign_tap **tap, const struct foreign_options *options);
void foreign_tap_end(struct foreign_tap *tap);  /* `left` follows */
void foreign_tap_free(struct foreign_tap *tap); /* after `left`, or after the end, when it waits */

/* Takes samples before it has a config: the newest few wait. */
int foreign_feed_open(struct foreign_feed **feed, void (*left)(void *context), void *context);
void foreign_feed_put(struct foreign_feed *feed, const struct net_sample *sample); /* any thread */
int foreign_feed_start(struct foreign_feed *feed, const char *config, const char *output);
void foreign_feed_end(struct foreign_feed *feed); /* `left` follows if it was started */
void foreign_feed_free(struct foreign_feed *feed);
uint64_t foreign_feed_rejected(struct foreign_feed *feed);

#endif
