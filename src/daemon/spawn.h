/* Starting a node's process.
 *
 * The child leads its own process group, has /dev/null as stdin and pipes as stdout and stderr, the node's working
 * directory and environment, default signals, and is killed when the daemon dies. Its environment is the daemon's,
 * without what dora sets for itself or what would change the program (LD_PRELOAD, …); over it `env`, over that the
 * node's own, and last DORA_NODE_CONFIG.
 *
 * Call these from the daemon's main thread only: the child's death signal follows the thread that started it.
 */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "graph/graph.h"

struct spawn_request {
    const struct graph_node *node;
    const char *directory;  /* absolute; where the node runs, and where its `path` is looked for first */
    const char *config;     /* the value of DORA_NODE_CONFIG; NULL: none */
    const char *runtime;    /* of DORA_RUNTIME_CONFIG, for a node of operators; NULL: none */
    const char *const *env; /* "KEY=VALUE"…, ended by NULL: over the inherited, under the node's; NULL for none */
    bool allow_shell;       /* may `path: shell` run? */
    bool uv;                /* start Python through uv */

    /* Told what was wrong but no reason to fail, with the node's name; may be NULL. */
    void (*on_warning)(void *context, const char *text);
    void *context;
};

struct spawned {
    pid_t pid;
    int pid_fd;         /* readable when the process has ended; then waitpid(pid) */
    int out_fd, err_fd; /* its stdout and stderr, non-blocking */
};

/* Another program of dora's: it starts as a node does, but for the environment, which is `env` alone. */
struct spawn_program {
    const char *path;      /* absolute */
    char *const *words;    /* its argv, ended by NULL */
    char *const *env;      /* "KEY=VALUE"…, ended by NULL */
    const char *directory; /* where it runs */
};

/* Raises this process's limit of open files as far as it may; nodes get the limit that was there before. Once, at
 * start.
 */
void spawn_raise_limits(void);

/* Starts the node's program. Returns when it runs, or with the reason why it doesn't: a message that names the node,
 * what was tried, and what to do. All descriptors in `spawned` are the caller's. -EINVAL for a dynamic node. */
int spawn_node(const struct spawn_request *request, struct spawned *spawned, struct error *error);

/* The same, for another program. */
int spawn_program(const struct spawn_program *program, struct spawned *spawned, struct error *error);

#endif
