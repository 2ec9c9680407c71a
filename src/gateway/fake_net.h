/* An engine for tests: all sessions of this process are on one wire, which the test can cut. What is put arrives in the
 * subscriber's session's own thread, in order; `done` comes after that.
 */
#ifndef GATEWAY_FAKE_NET_H
#define GATEWAY_FAKE_NET_H

#include <stdbool.h>

#include "link/net.h"

/* Cuts all sessions from each other, or joins them. What is under way is lost. `is_noticed`: publishers learn it. */
void fake_net_cut(bool is_cut, bool is_noticed);
/* Loses one message in `every` from now on; 0: none. */
void fake_net_lose(unsigned every);

#endif
