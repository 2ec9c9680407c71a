/* What the engine's TCP connections are told that zenoh (1.10) has no option for.
 *
 * How long they wait for a peer that says nothing. When a cable is cut while data is under way, the kernel tries for a
 * quarter of an hour to send it. Meanwhile zenoh gives the connection up, but can't finish closing it; if the peer
 * comes back before that is done, the late end of the old connection takes away what the new one has declared, and
 * nothing arrives any more (https://github.com/eclipse-zenoh/zenoh/issues/1886). So the kernel has to give up before
 * zenoh does.
 *
 * How much may wait inside the kernel before it is sent, which nothing urgent passes any more: some 50 ms at the pace
 * that the connection has shown. The kernel by itself takes as much as it could have under way twice over, or half a
 * second and more of a slow network's time, for every message to and fro.
 */
#ifndef LINK_SOCKETS_H
#define LINK_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* Sets both for all TCP sockets that this process has now: TCP_USER_TIMEOUT to so many ms, and TCP_NOTSENT_LOWAT to
 * what sockets_backlog says. Cheap enough to be called every other second, as it has to be. */
void sockets_tune(unsigned silence_ms);

/* The bytes that may wait in a socket that delivers so many bytes a second (0: it has not shown it yet). `is_idle`: it
 * had less to send than it could have, so it may well be faster. `was`: the last answer, or 0. */
int sockets_backlog(uint64_t rate, bool is_idle, int was);

#endif
