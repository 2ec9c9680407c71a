/* The host: runs the operators of a configuration, each as a node of its own, until all have ended. What it does in
 * which order is in docs/operators.md. */
#ifndef OPERATOR_HOST_H
#define OPERATOR_HOST_H

#include <stdbool.h>

#include "base/error.h"
#include "dora/dora.h"
#include "operator/config.h"

enum operator_status { OPERATOR_CONTINUE, OPERATOR_STOP, OPERATOR_STOP_ALL };

/* How operators of a kind are run: those in shared libraries are one kind (library.h), Python's may be another. The
 * functions of one operator are called by its thread, one after another; those of operators of other threads at the
 * same time. A failure is a negative errno with `error` set, whose message people read: it names neither the operator
 * nor the node. A function of which is said so may be NULL. */
struct operator_kind {
    /* Loads and initialises the operator; its node isn't there yet. `*self` is given to all later calls. After a
     * failure none follows. */
    int (*init)(void *context, const struct operator_config *config, void **self, struct error *error);

    /* How its node is to be opened (poll_ns and the wait_ functions); NULL: as by default. Waits in which they are
     * called are those of the operator's own sends and those of the host for events. */
    void (*options)(void *self, dora_node_options *options);

    /* The node has joined; NULL: nothing to do. It is the host's, which closes it after drop. */
    int (*joined)(void *self, dora_node *node, struct error *error);

    /* Any event, which stays the host's. An enum operator_status, or the failure that ends the operator. */
    int (*event)(void *self, dora_event *event, struct error *error);

    /* Ends the operator, also after a failure of `joined` or `event`. Frees `self` whatever it returns. */
    int (*drop)(void *self, struct error *error);
};

struct operator_host_options {
    const struct operator_kind *python; /* NULL: operators in Python can't be run here */
    void *python_context;               /* of its `init` */
    bool tells_of_crashes;              /* takes over SIGSEGV and the like, and SIGTERM (crash.h) */
    bool hands_crashes_on;              /* and then hands crashes on to whoever had them before */
};

/* Runs what `config_text` says until all operators have ended, and says on standard error what failed. The operators of
 * the first thread run on the calling thread, the others on threads of their own. Once in a process at a time.
 * 0, or 1 when an operator has failed: the status of the process. */
int operator_host_run(const char *config_text, const struct operator_host_options *options);

#endif
