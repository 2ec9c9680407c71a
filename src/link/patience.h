/* How long the engine's connections wait for a peer that says nothing.
 *
 * When a cable is cut while data is under way, the kernel tries for a quarter of an hour to send it. Meanwhile zenoh (1.10)
 * gives the connection up, but can't finish closing it; if the peer comes back before that is done, the late end of the
 * old connection takes away what the new one has declared, and nothing arrives any more
 * (https://github.com/eclipse-zenoh/zenoh/issues/1886). So the kernel has to give up before zenoh does. zenoh has no
 * option for that.
 */
#ifndef LINK_PATIENCE_H
#define LINK_PATIENCE_H

/* Sets this time limit (TCP_USER_TIMEOUT, ms) for all TCP sockets that this process has now. Cheap enough to be called
 * every other second. */
void patience_limit(unsigned ms);

#endif
