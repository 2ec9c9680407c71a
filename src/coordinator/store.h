/* What the coordinator remembers: dataflows, running and ended, and parameters, in SQLite. The only part that sees
 * SQLite.
 *
 * A dataflow is the JSON object of docs/control.md. What is written is there after a crash of this process; a crash of
 * the machine may cost the last moments, never more.
 */
#ifndef COORDINATOR_STORE_H
#define COORDINATOR_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

enum { STORE_FORMAT = 2 };

struct store;

/* Opens the state at `path` ("memory": kept nowhere), makes it where there is none and brings an older format up to
 * STORE_FORMAT. Never removes anything: -EPROTONOSUPPORT: a newer format; -EUCLEAN: damaged, or no state of ours;
 * -ENOSPC, -EACCES, …; the message says what to do. */
int store_open(struct store **store, const char *path, struct error *error);
void store_close(struct store *store); /* NULL is fine */

/* A new dataflow, or one that is known, with all that is needed to start it again; also its `placement`, if it has one:
 * where its nodes are. Whoever is given a whole dataflow gets that, too. */
int store_add(struct store *store, const json_t *dataflow, const char *yaml, const json_t *options,
              struct error *error);

/* Its status, times, error and nodes. */
int store_update(struct store *store, const json_t *dataflow, struct error *error);

/* Where its nodes are from now on. */
int store_place(struct store *store, const char *uuid, const json_t *placement, struct error *error);

/* Calls `found` for each dataflow, newest first. `dataflow` lives as long as the call. `found` doesn't change the
 * store. */
enum store_which { STORE_ALL, STORE_LIVE, STORE_ENDED };
enum store_extent {
    STORE_BRIEF,   /* uuid, name and status only */
    STORE_COUNTED, /* with `node_count` in place of `nodes`, which are long and slow to read where there are many */
    STORE_WHOLE,
};
int store_each(struct store *store, enum store_which which, enum store_extent extent,
               void (*found)(void *context, json_t *dataflow), void *context, struct error *error);

/* `*dataflow`, `*yaml` (malloc) and `*options` are the caller's; each may be NULL. -ENOENT: unknown. */
int store_get(struct store *store, const char *uuid, json_t **dataflow, char **yaml, json_t **options,
              struct error *error);

/* Forgets all dataflows that have ended, and their parameters. */
int store_clean(struct store *store, struct error *error);

/* Parameters: any JSON value by node and key. */
int store_params(struct store *store, const char *uuid, const char *node, json_t **params, struct error *error);
int store_param_get(struct store *store, const char *uuid, const char *node, const char *key, json_t **value,
                    struct error *error); /* -ENOENT */
int store_param_set(struct store *store, const char *uuid, const char *node, const char *key, const json_t *value,
                    struct error *error);
int store_param_delete(struct store *store, const char *uuid, const char *node, const char *key,
                       struct error *error); /* -ENOENT */

/* All parameters of one dataflow, for another. */
int store_params_copy(struct store *store, const char *from, const char *to, struct error *error);

#endif
