/* Formats of the state. A new one is a new step at the end of the list, and a test that begins with the one before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/store_private.h"

/* steps[n] turns format n into n + 1; steps[0] begins with what the first development version wrote. */
static const char *const steps[STORE_FORMAT] = {
    "ALTER TABLE dataflow ADD COLUMN ended REAL;"
    "ALTER TABLE dataflow ADD COLUMN error TEXT;"
    "CREATE TABLE param (dataflow TEXT NOT NULL, node TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (dataflow, node, key)) WITHOUT ROWID;",
    "ALTER TABLE dataflow ADD COLUMN placement TEXT;",
};

/* An empty file gets the oldest format and then every step, so that there is one way to each format. */
static const char oldest[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE dataflow (uuid TEXT PRIMARY KEY, name TEXT, path TEXT NOT NULL, directory TEXT NOT NULL,"
    " yaml TEXT NOT NULL, options TEXT NOT NULL, status TEXT NOT NULL, started REAL NOT NULL, nodes TEXT NOT NULL);"
    "INSERT INTO meta VALUES ('format', '0');";

static int count_tables(struct store *store, int *count, struct error *error)
{
    autostatement sqlite3_stmt *statement = NULL;
    int rc = store_prepare(store, &statement, "SELECT count(*) FROM sqlite_schema", NULL, 0, error);
    if (rc == 0)
        rc = store_step(store, statement, error);
    if (rc == 1)
        *count = sqlite3_column_int(statement, 0);
    return rc < 0 ? rc : 0;
}

static int read_format(struct store *store, long *format, struct error *error)
{
    autostatement sqlite3_stmt *statement = NULL;
    int rc = store_prepare(store, &statement, "SELECT value FROM meta WHERE key = 'format'", NULL, 0, error);
    if (rc == 0)
        rc = store_step(store, statement, error);
    if (rc < 0)
        return rc;
    const char *text = rc == 1 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    char *end = NULL;
    *format = text ? strtol(text, &end, 10) : -1;
    if (!text || *end || end == text || *format < 0)
        return error_set(error, -EUCLEAN,
                         "the state in %s doesn't say its format; move it away to start with an empty one",
                         store->path);
    return 0;
}

static int take_steps(struct store *store, struct error *error)
{
    int tables = 0;
    long format = 0;
    int rc = count_tables(store, &tables, error);
    if (rc == 0 && tables == 0)
        rc = store_run(store, oldest, error);
    if (rc == 0)
        rc = read_format(store, &format, error);
    if (rc < 0 || format == STORE_FORMAT)
        return rc;
    if (format > STORE_FORMAT)
        return error_set(
            error, -EPROTONOSUPPORT,
            "the state in %s has format %ld, and this dora knows formats up to %d: use the newer dora that "
            "wrote it, or another file (`dora coordinator --store PATH`)",
            store->path, format, STORE_FORMAT);
    for (; rc == 0 && format < STORE_FORMAT; format++)
        rc = store_run(store, steps[format], error);
    char text[16];
    snprintf(text, sizeof text, "%d", STORE_FORMAT);
    const char *value = text;
    if (rc == 0)
        rc = store_change(store, "UPDATE meta SET value = ?1 WHERE key = 'format'", &value, 1, error);
    return rc < 0 ? rc : 0;
}

int store_migrate(struct store *store, struct error *error)
{
    int rc = store_run(store, "BEGIN IMMEDIATE", error);
    if (rc < 0)
        return rc;
    rc = take_steps(store, error);
    if (rc == 0)
        rc = store_run(store, "COMMIT", error);
    if (rc < 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
