/* A test stand for libdora: a daemon that speaks the protocol but supervises nothing, for nodes in this process. */
#ifndef NODE_STAND_H
#define NODE_STAND_H

#include "node/node.h"

enum { STAND_NODES = 8, STAND_PORTS = 4 };

struct stand_port {
    const char *id;
    int64_t interval_ns; /* > 0: a timer */
    int64_t timeout_ns;
};

struct stand_node {
    const char *id;
    struct stand_port inputs[STAND_PORTS], outputs[STAND_PORTS]; /* up to the first without id */
    dora_node_options options;
    /* Somebody else opens it, told by `config` (valid as long as the stand), or NULL: the stand does. The last one's is
     * called when those of all nodes before have been. */
    void (*opens)(void *context, const char *config);
    void *context;
    dora_node *node; /* after stand_start, where the stand has opened it */
    /* the stand's own */
    pthread_t thread;
    int socket, arena, bell_memory, bell_event, page_fd;
    struct doorbell bell;
    struct proto_page *page;
    int open_result;
    dora_error error;
    uint32_t restart_count;
    char config[PROTO_CONFIG_TEXT_MOST];
};

struct stand {
    struct stand_node nodes[STAND_NODES];
    size_t count;
    int listener;
    char name[PROTO_ADDRESS_MOST];
    uint32_t last_link;
};

/* Fill in `nodes` and `count`, then open (each node says HELLO), link, start. */
void stand_open(struct stand *stand);
/* Joins outputs of node `from` to inputs of node `to`; edges are moved along to both. Returns the link's id. */
uint32_t stand_link(struct stand *stand, size_t from, size_t to, const struct link_edge *edges, size_t count);
void stand_start(struct stand *stand);
/* Sends a packet to a running node, and knocks. */
void stand_tell(struct stand *stand, size_t node, struct proto_packet packet);
void stand_tell_index(struct stand *stand, size_t node, enum proto_type type, uint32_t index);
/* The next packet from a node; waits at most 5 s. */
enum proto_type stand_hear(struct stand *stand, size_t node, uint32_t *index);
/* Closes nodes still open and everything else. */
void stand_close(struct stand *stand);

#endif
