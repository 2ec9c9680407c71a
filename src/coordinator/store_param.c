#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "coordinator/store_private.h"

static json_t *value_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static int damaged(struct error *error, const char *node, const char *key)
{
    return error_set(error, -EUCLEAN, "the parameter `%s` of node `%s` can't be read from the state: set it again", key,
                     node);
}

int store_params(struct store *store, const char *uuid, const char *node, json_t **out, struct error *error)
{
    const char *texts[] = {uuid, node};
    autostatement sqlite3_stmt *row = NULL;
    json_t *params = json_object();
    int rc = params ? 0 : error_set(error, -ENOMEM, "no memory for parameters");
    if (rc == 0)
        rc = store_prepare(store, &row, "SELECT key, value FROM param WHERE dataflow = ?1 AND node = ?2 ORDER BY key",
                           texts, 2, error);
    while (rc == 0 && (rc = store_step(store, row, error)) == 1) {
        const char *key = (const char *)sqlite3_column_text(row, 0);
        rc = key && json_object_set_new(params, key, value_of(row, 1)) == 0 ? 0 : damaged(error, node, key ? key : "?");
    }
    if (rc < 0)
        json_decref(params);
    else
        *out = params;
    return rc;
}

int store_param_get(struct store *store, const char *uuid, const char *node, const char *key, json_t **value,
                    struct error *error)
{
    const char *texts[] = {uuid, node, key};
    autostatement sqlite3_stmt *row = NULL;
    int rc = store_prepare(store, &row, "SELECT value FROM param WHERE dataflow = ?1 AND node = ?2 AND key = ?3", texts,
                           3, error);
    if (rc == 0)
        rc = store_step(store, row, error);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return error_set(error, -ENOENT, "node `%s` has no parameter `%s`", node, key);
    *value = value_of(row, 0);
    return *value ? 0 : damaged(error, node, key);
}

int store_param_set(struct store *store, const char *uuid, const char *node, const char *key, const json_t *value,
                    struct error *error)
{
    autofree char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return error_set(error, -ENOMEM, "no memory for a parameter");
    const char *texts[] = {uuid, node, key, text};
    int rc = store_change(store, "INSERT OR REPLACE INTO param VALUES (?1, ?2, ?3, ?4)", texts, 4, error);
    return rc < 0 ? rc : 0;
}

int store_param_delete(struct store *store, const char *uuid, const char *node, const char *key, struct error *error)
{
    const char *texts[] = {uuid, node, key};
    int rc = store_change(store, "DELETE FROM param WHERE dataflow = ?1 AND node = ?2 AND key = ?3", texts, 3, error);
    if (rc == 0)
        return error_set(error, -ENOENT, "node `%s` has no parameter `%s`", node, key);
    return rc < 0 ? rc : 0;
}

int store_params_copy(struct store *store, const char *from, const char *to, struct error *error)
{
    const char *texts[] = {from, to};
    int rc =
        store_change(store, "INSERT OR REPLACE INTO param SELECT ?2, node, key, value FROM param WHERE dataflow = ?1",
                     texts, 2, error);
    return rc < 0 ? rc : 0;
}
