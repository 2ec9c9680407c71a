/* One end of a tunnel: a socket here, two streams to the other end, and a thread between them. What the sockets at
 * either end have no room for waits in the window of the stream; the end of one side ends the other.
 */
#ifndef GATEWAY_PIPE_H
#define GATEWAY_PIPE_H

#include <stdbool.h>

#include "base/error.h"
#include "link/net.h"

struct pipe;

struct pipe_options {
    struct net *net;
    const char *out, *in;        /* the keys of the streams */
    const char *machine;         /* put into the first line that comes in (hello.h); NULL: it stays as it is */
    void (*left)(void *context); /* by the pipe's thread: it is at its end, and may be freed */
    void *context;
};

/* Takes over `fd`, a connected socket, in any case. Copies the texts. */
int pipe_open(struct pipe **pipe, int fd, const struct pipe_options *options, struct error *error);
void pipe_end(struct pipe *pipe);  /* at once: what is under way is dropped. `left` follows */
void pipe_free(struct pipe *pipe); /* after `left`, or after pipe_end, when it waits. NULL is fine */

#endif
