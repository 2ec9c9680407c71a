/* A cluster: machines that one file names (docs/machines.md), reached by ssh.
 */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "control/endpoint.h"
#include "graph/graph.h"

struct cluster_label {
    const char *key, *value;
};

struct cluster_machine {
    struct graph_place place;
    const char *id;
    const char *host; /* for ssh; of the machine with the coordinator: as `coordinator.addr`, or this machine */
    const char *user; /* NULL: ssh's own choice */
    uint32_t port;    /* of ssh; 0: its own choice */
    const char *dora; /* the program there */
    struct cluster_label *labels;
    size_t label_count;
    const char **listen; /* endpoints; empty: it is only connected from */
    size_t listen_count;
    bool is_here; /* where the command runs, with the coordinator */
};

/* Texts are the graph's, which holds nothing else but findings. */
struct cluster {
    struct graph *graph;
    const char *path;
    const char *addr; /* what the other machines connect to */
    uint32_t port;
    const char *certs; /* a folder that `dora cluster certs` has made, as a path from here; NULL: none */
    bool is_insecure;
    struct cluster_machine *machines; /* the first is the coordinator's */
    size_t machine_count;
    char endpoint[ENDPOINT_MOST]; /* of the coordinator's machine */
};

/* Reads and checks the file. `is_for_certs`: those that it needs are about to be made. False: reported. cluster_free in
 * any case. */
bool cluster_load(struct cluster *cluster, const char *path, bool is_for_certs);
void cluster_free(struct cluster *cluster);

/* Appends `user@host`. */
void cluster_target(const struct cluster_machine *machine, struct buf *out);

/* Appends what the machine, one of the cluster's list, gives to `dora up`, quoted for a shell, a blank before each. `config`: where its zenoh
 * configuration is, in the shell's words; NULL: none. */
void cluster_up_arguments(const struct cluster *cluster, const struct cluster_machine *machine, const char *config,
                          struct buf *out);

/* Runs a command of the shell on the machine by ssh, or here. As child_run. */
int cluster_run(const struct cluster_machine *machine, const char *command, const struct buf *input,
                struct buf *output);

/* Reports why that failed. */
void cluster_report(const struct cluster_machine *machine, int status, const struct buf *output);

#endif
