/* Machines that have gone out of sight, which this one tries to connect to again.
 *
 * Machines that are connected to the same one learn of each other there and connect, but the engine does that once:
 * when their own connection breaks while both keep the other ones, nobody tells them of each other again. So a gateway
 * notes where each machine in sight is to be found (its answer to a ping says so). One that is lost it tries to reach
 * for ten minutes, for it may have gone for good, and for as long as there are edges to or from it. Both ends do.
 *
 * A list, by machine; NULL is an empty one. In the main loop alone.
 */
#ifndef GATEWAY_LOST_H
#define GATEWAY_LOST_H

#include "gateway/gateway.h"

struct lost;

/* `machine` has gone, and was at `address` (net.h). In place of what was noted of it before; without memory it is as if
 * nothing was known. `now`: as clock_now. */
void lost_add(struct lost **list, const char *machine, const char *address, int64_t now);
/* It is in sight: as it was, or another gateway of it. */
void lost_found(struct lost **list, const char *machine);
/* Tries each once, without waiting for what comes of it. To be called every few seconds. */
void lost_reach(struct lost **list, struct gateway *gateway, int64_t now);
void lost_free(struct lost **list);

#endif
