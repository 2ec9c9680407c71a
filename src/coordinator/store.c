#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/store_private.h"

static int errno_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table that is not as we made it */
        return -EUCLEAN;
    default:
        return -EIO;
    }
}

int store_failed(struct store *store, struct error *error)
{
    int rc = errno_of(sqlite3_extended_errcode(store->db));
    const char *why = sqlite3_errmsg(store->db);
    if (rc == -EUCLEAN)
        return error_set(
            error, rc,
            "the state in %s is damaged, or not dora's (%s): `sqlite3 %s .recover` may save what is in it; "
            "move it away to start with an empty one",
            store->path, why, store->path);
    if (rc == -ENOSPC)
        return error_set(error, rc, "there is no space left for the state in %s: make some and try again", store->path);
    if (rc == -EBUSY)
        return error_set(error, rc, "another program has locked the state in %s", store->path);
    return error_set(error, rc, "can't use the state in %s: %s", store->path, why);
}

int store_run(struct store *store, const char *sql, struct error *error)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_failed(store, error);
}

int store_prepare(struct store *store, sqlite3_stmt **statement, const char *sql, const char *const *texts, int count,
                  struct error *error)
{
    int rc = sqlite3_prepare_v2(store->db, sql, -1, statement, NULL);
    for (int i = 0; i < count && rc == SQLITE_OK; i++)
        rc = texts[i] ? sqlite3_bind_text(*statement, i + 1, texts[i], -1, SQLITE_TRANSIENT)
                      : sqlite3_bind_null(*statement, i + 1);
    return rc == SQLITE_OK ? 0 : store_failed(store, error);
}

int store_step(struct store *store, sqlite3_stmt *statement, struct error *error)
{
    int rc = sqlite3_step(statement);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_failed(store, error);
}

int store_change(struct store *store, const char *sql, const char *const *texts, int count, struct error *error)
{
    autostatement sqlite3_stmt *statement = NULL;
    int rc = store_prepare(store, &statement, sql, texts, count, error);
    if (rc == 0)
        rc = store_step(store, statement, error);
    return rc < 0 ? rc : sqlite3_changes(store->db);
}

int store_open(struct store **out, const char *path, struct error *error)
{
    struct store *store = calloc(1, sizeof *store);
    bool in_memory = strcmp(path, "memory") == 0;
    if (!store || !(store->path = strdup(in_memory ? ":memory:" : path))) {
        free(store);
        return error_set(error, -ENOMEM, "no memory for the state");
    }
    /* Of one thread, so SQLite needs no locks. */
    int rc = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             NULL);
    rc = rc == SQLITE_OK ? 0
         : store->db     ? store_failed(store, error)
                         : error_set(error, -ENOMEM, "no memory for the state");
    if (rc == 0) {
        sqlite3_extended_result_codes(store->db, 1);
        sqlite3_busy_timeout(store->db, 1000);
        rc = store_run(store,
                       "PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 1048576;",
                       error);
    }
    if (rc == 0)
        rc = store_migrate(store, error);
    if (rc < 0) {
        store_close(store);
        return rc;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sqlite3_close_v2(store->db);
    free(store->path);
    free(store);
}
