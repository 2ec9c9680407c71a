/* The operators of one thread, from their init to their end; and what all threads of a host have in common. */
#ifndef OPERATOR_GROUP_H
#define OPERATOR_GROUP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "operator/host.h"

struct host;

struct member {
    struct host *host;
    const struct operator_config *config;
    const struct operator_kind *kind;
    void *context;   /* of kind->init */
    void *self;      /* NULL before init and after drop */
    dora_node *node; /* NULL before it has said HELLO, and when it is being closed */
};

struct group {
    struct host *host;
    const char *name;
    struct member **members; /* those that run; in the descriptor's order */
    size_t count;
    pthread_t thread;
};

struct host {
    struct host_config config;
    const struct operator_host_options *options;
    struct member *members; /* as many as config has */
    struct group *groups;
    size_t group_count;
    pthread_mutex_t lock;
    pthread_cond_t progress;
    size_t waiting; /* groups that have not initialised their operators yet */
    bool no_start;  /* one of them could not */
    _Atomic bool failed;
};

/* Runs a group on the calling thread, until all its operators have ended. */
void group_run(struct group *group);

#endif
