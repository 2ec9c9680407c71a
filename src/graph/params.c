#include "graph/draft.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "graph/findings.h"

static const char key_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

static bool key_ok(struct load *load, const struct scope *scope, const struct tree *key)
{
    if (!key->text[0] || strspn(key->text, key_chars) != strlen(key->text)) {
        finding_add(load->graph, GRAPH_ERROR, false, key->place, NULL,
                    "`%s` can't name a param: use letters, digits and `_`", key->text);
        return false;
    }
    for (size_t i = 0; i < scope->param_count; i++)
        if (strcasecmp(scope->params[i].key, key->text) == 0) {
            finding_add(load->graph, GRAPH_ERROR, false, key->place, "upper and lower case do not count in params",
                        "the params `%s` and `%s` are the same", scope->params[i].key, key->text);
            return false;
        }
    if (scope->param_count >= 1000) {
        finding_add(load->graph, GRAPH_ERROR, false, key->place, NULL, "more than 1000 params");
        return false;
    }
    return true;
}

void params_read(struct load *load, struct scope *scope, const struct tree *params)
{
    if (!params || params->kind != TREE_MAP)
        return;
    for (size_t i = 0; i < params->count; i++) {
        const struct tree *key = params->pairs[i].key, *value = params->pairs[i].value;
        double number;
        bool truth;
        if (value->kind != TREE_SCALAR || tree_is_null(value) || tree_number(value, &number) ||
            tree_bool(value, &truth)) {
            finding_add(load->graph, GRAPH_ERROR, false, value->place,
                        value->kind == TREE_SCALAR && value->text[0]
                            ? graph_format(load->graph, "quote it: \"%s\"", value->text)
                            : NULL,
                        "the param `%s` must be a text, not %s", key->text, tree_describe(value));
            continue;
        }
        struct param *param =
            key_ok(load, scope, key) ? graph_push(load->graph, scope->params, &scope->param_count) : NULL;
        if (!param)
            continue;
        char *name = graph_alloc(load->graph, strlen(key->text) + 1);
        for (size_t c = 0; name && key->text[c]; c++)
            name[c] = (char)toupper((unsigned char)key->text[c]);
        *param = (struct param){key->text, name ? graph_format(load->graph, "PARAM_%s", name) : "", value->text};
    }
}

/* The nearest scope that has the param wins. `variable`: `text` is PARAM_<KEY>, else the key as written. */
static const struct param *find(const struct scope *scope, const char *text, size_t len, bool variable)
{
    for (; scope; scope = scope->parent)
        for (size_t i = 0; i < scope->param_count; i++) {
            const char *name = variable ? scope->params[i].variable : scope->params[i].key;
            if (strlen(name) == len && memcmp(name, text, len) == 0)
                return &scope->params[i];
        }
    return NULL;
}

const char *params_substitute(struct load *load, const struct scope *scope, const char *text, struct graph_place place)
{
    autobuf struct buf out = {0};
    if (!scope->module || !strchr(text, '$'))
        return text;
    while (*text) {
        size_t plain = strcspn(text, "$"), len;
        buf_add(&out, text, plain);
        text += plain;
        if (!*text)
            break;
        const struct param *param = NULL;
        size_t size = 1;
        if (strncmp(text, "${_param.", 9) == 0) {
            len = strspn(text + 9, key_chars);
            if (text[9 + len] == '}') {
                size = len + 10;
                param = find(scope, text + 9, len, false);
                if (!param && scope->module->local_id) /* a module's file looked at alone has no user */
                    finding_add(
                        load->graph, GRAPH_WARNING, false, place,
                        graph_format(load->graph, "set it under `params` of the node `%s`", scope->module->node.id),
                        "the param `%.*s` is not set, so it stays as it is written", (int)len, text + 9);
            }
        } else if (strncmp(text, "$PARAM_", 7) == 0) {
            size = 1 + strspn(text + 1, key_chars);
            param = find(scope, text + 1, size - 1, true);
        }
        if (param)
            buf_puts(&out, param->value);
        else
            buf_add(&out, text, size);
        text += size;
    }
    if (out.failed)
        load->graph->private->out_of_memory = true;
    return graph_text(load->graph, out.data ? out.data : "");
}
