/* What the files of the store share. */
#ifndef COORDINATOR_STORE_PRIVATE_H
#define COORDINATOR_STORE_PRIVATE_H

#include <sqlite3.h>

#include "coordinator/store.h"

struct store {
    sqlite3 *db;
    char *path;
};

/* The last error of SQLite, as one of ours. */
int store_failed(struct store *store, struct error *error);

/* Runs SQL without parameters or rows. */
int store_run(struct store *store, const char *sql, struct error *error);

/* A statement whose parameters ?1, ?2, … are texts (NULL: null), `count` of them. */
int store_prepare(struct store *store, sqlite3_stmt **statement, const char *sql, const char *const *texts, int count,
                  struct error *error);

/* The next row: 1, 0 when there is none. */
int store_step(struct store *store, sqlite3_stmt *statement, struct error *error);

/* Prepares, steps once and finalizes: for what gives no rows. The number of rows it changed, or negative. */
int store_change(struct store *store, const char *sql, const char *const *texts, int count, struct error *error);

/* Brings the database up to STORE_FORMAT. */
int store_migrate(struct store *store, struct error *error);

static inline void store_finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}
#define autostatement __attribute__((cleanup(store_finalize)))

#endif
