/* What the daemon's gateway to other machines is told (docs/machines.md).
 */
#ifndef AGENT_GATEWAY_H
#define AGENT_GATEWAY_H

#include <stdbool.h>

/* Texts live as long as the agent. Lists end with NULL and are never NULL themselves. */
struct agent_gateway {
    const char *const *listen;  /* zenoh endpoints, as "tls/0.0.0.0:7447" */
    const char *const *connect; /* the same */
    const char *config;         /* a file with a zenoh configuration, or NULL */
    bool is_insecure;           /* clear text is allowed beyond the loopback interface */
    bool has_coordinator;       /* the coordinator is on this machine */
};

#endif
