#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/store_private.h"

enum { NUMBER_TEXT = 40 };

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *number_of(const json_t *object, const char *key, char text[NUMBER_TEXT])
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_number(number))
        return NULL;
    snprintf(text, NUMBER_TEXT, "%.6f", json_number_value(number));
    return text;
}

static int no_memory(struct error *error)
{
    return error_set(error, -ENOMEM, "no memory for a dataflow's state");
}

int store_add(struct store *store, const json_t *dataflow, const char *yaml, const json_t *options, struct error *error)
{
    char started[NUMBER_TEXT], ended[NUMBER_TEXT];
    autofree char *nodes = json_dumps(json_object_get(dataflow, "nodes"), JSON_COMPACT | JSON_ENCODE_ANY);
    autofree char *options_text = json_dumps(options, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *placement = json_object_get(dataflow, "placement");
    autofree char *placement_text = placement ? json_dumps(placement, JSON_COMPACT) : NULL;
    if (placement && !placement_text)
        return no_memory(error);
    const char *start = number_of(dataflow, "started", started);
    const char *texts[] = {
        text_of(dataflow, "uuid"),
        text_of(dataflow, "name"),
        text_of(dataflow, "path"),
        text_of(dataflow, "directory"),
        yaml,
        options_text ? options_text : "{}",
        text_of(dataflow, "status"),
        start ? start : "0",
        number_of(dataflow, "ended", ended),
        text_of(dataflow, "error"),
        nodes ? nodes : "[]",
        placement_text,
    };
    int rc = store_change(
        store,
        "INSERT INTO dataflow (uuid, name, path, directory, yaml, options, status, started, ended, error, nodes,"
        " placement) VALUES (?1, ?2, ifnull(?3, ''), ifnull(?4, ''), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        texts, sizeof texts / sizeof *texts, error);
    return rc < 0 ? rc : 0;
}

int store_update(struct store *store, const json_t *dataflow, struct error *error)
{
    char started[NUMBER_TEXT], ended[NUMBER_TEXT];
    autofree char *nodes = json_dumps(json_object_get(dataflow, "nodes"), JSON_COMPACT | JSON_ENCODE_ANY);
    if (!nodes)
        return no_memory(error);
    const char *texts[] = {
        text_of(dataflow, "uuid"),           text_of(dataflow, "status"), number_of(dataflow, "started", started),
        number_of(dataflow, "ended", ended), text_of(dataflow, "error"),  nodes,
    };
    int rc = store_change(
        store,
        "UPDATE dataflow SET status = ?2, started = ifnull(?3, started), ended = ?4, error = ?5, nodes = ?6"
        " WHERE uuid = ?1",
        texts, sizeof texts / sizeof *texts, error);
    return rc < 0 ? rc : 0;
}

int store_place(struct store *store, const char *uuid, const json_t *placement, struct error *error)
{
    autofree char *text = json_dumps(placement, JSON_COMPACT);
    if (!text)
        return no_memory(error);
    int rc = store_change(store, "UPDATE dataflow SET placement = ?2 WHERE uuid = ?1", (const char *[]){uuid, text}, 2,
                          error);
    return rc < 0 ? rc : 0;
}

static int set_text(json_t *object, const char *key, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static int set_number(json_t *object, const char *key, sqlite3_stmt *row, int column)
{
    bool is_null = sqlite3_column_type(row, column) == SQLITE_NULL;
    return json_object_set_new(object, key, is_null ? json_null() : json_real(sqlite3_column_double(row, column)));
}

static int set_nodes(json_t *object, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    json_t *nodes = text ? json_loads(text, 0, NULL) : NULL;
    return json_object_set_new(object, "nodes", nodes ? nodes : json_array());
}

/* Only where there is one. */
static int set_placement(json_t *object, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    json_t *placement = text ? json_loads(text, 0, NULL) : NULL;
    if (json_object_size(placement) > 0)
        return json_object_set_new(object, "placement", placement);
    json_decref(placement);
    return 0;
}

#define BRIEF_COLUMNS "uuid, name, status"
#define MORE_COLUMNS  BRIEF_COLUMNS ", path, directory, error, started, ended"
#define WHOLE_COLUMNS MORE_COLUMNS ", nodes, placement"

static const char *const columns[] = {
    [STORE_BRIEF] = BRIEF_COLUMNS,
    [STORE_COUNTED] = MORE_COLUMNS ", CASE WHEN json_valid(nodes) THEN json_array_length(nodes) ELSE 0 END",
    [STORE_WHOLE] = WHOLE_COLUMNS,
};

static json_t *from_row(sqlite3_stmt *row, enum store_extent extent)
{
    json_t *dataflow = json_object();
    if (!dataflow)
        return NULL;
    int rc =
        set_text(dataflow, "uuid", row, 0) | set_text(dataflow, "name", row, 1) | set_text(dataflow, "status", row, 2);
    if (extent != STORE_BRIEF)
        rc |= set_text(dataflow, "path", row, 3) | set_text(dataflow, "directory", row, 4) |
              set_text(dataflow, "error", row, 5) | set_number(dataflow, "started", row, 6) |
              set_number(dataflow, "ended", row, 7);
    if (extent == STORE_COUNTED)
        rc |= json_object_set_new(dataflow, "node_count", json_integer(sqlite3_column_int64(row, 8)));
    if (extent == STORE_WHOLE)
        rc |= set_nodes(dataflow, row, 8) | set_placement(dataflow, row, 9);
    if (rc == 0)
        return dataflow;
    json_decref(dataflow);
    return NULL;
}

int store_each(struct store *store, enum store_which which, enum store_extent extent,
               void (*found)(void *context, json_t *dataflow), void *context, struct error *error)
{
    static const char *const where[] = {
        [STORE_ALL] = "",
        [STORE_LIVE] = "WHERE status NOT IN ('finished', 'failed') ",
        [STORE_ENDED] = "WHERE status IN ('finished', 'failed') ",
    };
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s FROM dataflow %sORDER BY started DESC, rowid DESC", columns[extent],
             where[which]);
    autostatement sqlite3_stmt *statement = NULL;
    int rc = store_prepare(store, &statement, sql, NULL, 0, error);
    while (rc == 0 && (rc = store_step(store, statement, error)) == 1) {
        json_t *dataflow = from_row(statement, extent);
        if (!dataflow)
            return no_memory(error);
        found(context, dataflow);
        json_decref(dataflow);
        rc = 0;
    }
    return rc;
}

int store_get(struct store *store, const char *uuid, json_t **dataflow, char **yaml, json_t **options,
              struct error *error)
{
    autostatement sqlite3_stmt *statement = NULL;
    int rc = store_prepare(store, &statement, "SELECT " WHOLE_COLUMNS ", yaml, options FROM dataflow WHERE uuid = ?1",
                           &uuid, 1, error);
    if (rc == 0)
        rc = store_step(store, statement, error);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return error_set(error, -ENOENT, "no dataflow has the id %s", uuid);
    json_t *object = dataflow ? from_row(statement, STORE_WHOLE) : NULL;
    const char *text = (const char *)sqlite3_column_text(statement, 10);
    const char *options_text = (const char *)sqlite3_column_text(statement, 11);
    char *copy = yaml ? strdup(text ? text : "") : NULL;
    if ((dataflow && !object) || (yaml && !copy)) {
        json_decref(object);
        free(copy);
        return no_memory(error);
    }
    if (dataflow)
        *dataflow = object;
    if (yaml)
        *yaml = copy;
    if (options && !(*options = json_loads(options_text ? options_text : "{}", 0, NULL)))
        *options = json_object();
    return 0;
}

int store_clean(struct store *store, struct error *error)
{
    int rc = store_run(store, "BEGIN IMMEDIATE", error);
    if (rc < 0)
        return rc;
    rc = store_run(store,
                   "DELETE FROM dataflow WHERE status IN ('finished', 'failed');"
                   "DELETE FROM param WHERE dataflow NOT IN (SELECT uuid FROM dataflow);"
                   "COMMIT;",
                   error);
    if (rc < 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
