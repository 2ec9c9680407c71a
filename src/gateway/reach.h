/* Requests that wait until another machine's gateway answers: one that can't be reached from here would take nothing of
 * what an edge sends, and nobody would know. It is asked again and again, since it may have been started just now, or
 * be cut off for a moment. All functions are for the loop's thread.
 */
#ifndef GATEWAY_REACH_H
#define GATEWAY_REACH_H

#include "gateway/gateway.h"

struct reach;

/* `go` gets the request when the machine has answered; where it doesn't for some seconds, the request is refused
 * ("no-daemon"). The texts live as long as the request. -ENOMEM: nothing was begun. */
int reach_open(struct reach **reach, struct gateway *gateway,
               void (*go)(void *context, struct control_request *request), void *context);
int reach_wait(struct reach *reach, struct control_request *request, const char *machine, const char *dataflow,
               const char *topic);

/* Refuses what waits for an edge of this dataflow, and of `topic` to `machine` where these are given. True: there was
 * some. */
bool reach_cancel(struct reach *reach, const char *dataflow, const char *topic, const char *machine);

void reach_end(struct reach *reach); /* refuses all */
bool reach_is_idle(const struct reach *reach);
void reach_free(struct reach *reach); /* when the engine is closed; NULL is fine */

#endif
