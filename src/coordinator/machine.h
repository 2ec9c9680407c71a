/* The machines: whose daemons are connected, or were, or are wanted by a dataflow that lives.
 */
#ifndef COORDINATOR_MACHINE_H
#define COORDINATOR_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/connection.h"

struct coordinator;

/* Lives as long as the coordinator. */
struct machine {
    struct machine *next;
    char *name;     /* of the coordinator's own: NULL until a daemon there has said it */
    json_t *labels; /* text → text, or NULL */
    bool is_here;   /* the coordinator's own */
    bool is_lost;   /* its connection has been gone for too long */

    /* Of its daemon. */
    struct control_connection *connection; /* NULL: none is connected */
    char *id;
    pid_t pid;
    int64_t gone_at;                  /* clock_now, since when there is no connection */
    struct control_request *shutdown; /* to be answered when the daemon has gone */
    bool is_telling;                  /* it has not answered yet that it is to end */
};

enum { MACHINES_MOST = 1000 };

/* Letters, digits, `_`, `.` and `-`. */
bool machine_name_is_valid(const char *name);
/* "its own", for people, where its name isn't known yet. */
const char *machine_label(const struct machine *machine);

struct machine *machine_find(struct coordinator *coordinator, const char *name);
/* NULL: the coordinator's own. Made where it is not known; NULL: no memory, or too many. */
struct machine *machine_get(struct coordinator *coordinator, const char *name);
/* From where a connection of a command or a daemon comes; NULL: from a machine that has no daemon yet. */
struct machine *machine_of(struct coordinator *coordinator, const struct control_connection *connection);

/* Whether its daemon is connected; else the request is refused. */
bool machine_can_be_asked(const struct machine *machine, struct control_request *request);
size_t machine_count_connected(const struct coordinator *coordinator);

/* Where every node of a dataflow is to run: node → machine, null for the coordinator's own. `*placement` is NULL where
 * all run there. Refuses the request and gives false where a machine is missing. */
bool machine_place(struct coordinator *coordinator, struct control_request *request, const char *yaml,
                   json_t **placement);

void machine_free_all(struct coordinator *coordinator);

#endif
