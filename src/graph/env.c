#include "graph/draft.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "graph/findings.h"

enum { ENV_TOTAL_MAX = 1000000 };

/* What a descriptor may not set: it would take over the loader, or break what the daemon tells its nodes. */
static const char *const forbidden[] = {
    "LD_PRELOAD",           "LD_AUDIT",
    "LD_LIBRARY_PATH",      "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",    "DORA_AUTH_TOKEN",
    "DORA_NODE_CONFIG",     "DORA_ALLOW_SHELL_NODES",
    "DORA_RUNTIME_CONFIG",  "DORA_ZENOH_LISTEN",
    "DORA_ZENOH_CONNECT",   "DORA_ZENOH_LISTEN_EXTRA",
    "DORA_ZENOH_MULTICAST", "DORA_RUN_PARENT_PID",
    "ZENOH_CONFIG",         "DORA_ZENOH_CONFIG_OVERLAY",
};

bool env_is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int more = *c < 0x80                 ? 0
                   : *c >= 0xc2 && *c < 0xe0 ? 1
                   : *c >= 0xe0 && *c < 0xf0 ? 2
                   : *c >= 0xf0 && *c < 0xf5 ? 3
                                             : -1;
        if (more < 0 || (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) ||
            (*c == 0xf4 && c[1] > 0x8f))
            return false;
        for (c++; more > 0; more--, c++)
            if ((*c & 0xc0) != 0x80)
                return false;
    }
    return true;
}

bool env_name_ok(struct graph *graph, const char *name, struct graph_place place)
{
    bool malformed = !*name || strchr(name, '=');
    for (const char *c = name; *c; c++)
        malformed = malformed || isspace((unsigned char)*c);
    if (malformed) {
        finding_add(graph, GRAPH_WARNING, false, place, NULL, "`%s` can't name an environment variable; it is left out",
                    name);
        return false;
    }
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (strcmp(forbidden[i], name) == 0) {
            finding_add(graph, GRAPH_WARNING, false, place, "set it in the environment of the daemon",
                        "`%s` can't be set by a descriptor; it is left out", name);
            return false;
        }
    return true;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* One `$…` at `*text`; moves `*text` behind it. */
static bool expand_one(struct load *load, const char **text, struct graph_place place, struct buf *out)
{
    const char *start = *text, *name = start + 1, *end, *fallback = NULL;
    size_t len, fallback_len = 0;
    if (*name == '$') {
        buf_putc(out, '$');
        *text = name + 1;
        return true;
    }
    if (*name == '{' && (end = strchr(name, '}'))) {
        name++;
        fallback = memmem(name, (size_t)(end - name), ":-", 2);
        len = (size_t)((fallback ? fallback : end) - name);
        fallback_len = fallback ? (size_t)(end - (fallback += 2)) : 0;
        *text = end + 1;
    } else {
        for (len = 0; is_name_char(name[len]); len++)
            ;
        *text = name + len;
        if (len == 0) {
            buf_putc(out, '$');
            return true;
        }
    }
    const char *variable = graph_text_n(load->graph, name, len), *value = getenv(variable);
    if (value && !env_is_utf8(value)) {
        finding_add(load->graph, GRAPH_ERROR, false, place, NULL, "the environment variable `%s` is not UTF-8",
                    variable);
        return false;
    }
    if (value) {
        buf_puts(out, value);
    } else if (fallback) {
        buf_add(out, fallback, fallback_len);
    } else {
        finding_add(
            load->graph, GRAPH_ERROR, false, place,
            graph_format(load->graph, "set it, or give a default: `${%s:-default}`; `$$` is a plain `$`", variable),
            "the environment variable `%s` is not set", variable);
        return false;
    }
    return true;
}

/* A text that reads as a number becomes that number, as dora does it: "007" is 7, "1.10" is 1.1. */
static const char *coerced(struct graph *graph, const char *text)
{
    bool minus = *text == '-';
    const char *digits = text + (minus || *text == '+');
    if (strcasecmp(digits, "inf") == 0 || strcasecmp(digits, "infinity") == 0)
        return minus ? "-inf" : "inf";
    if (strcasecmp(digits, "nan") == 0)
        return "NaN";
    if (!*digits || *digits == '+' || *digits == '-' || strspn(digits, "0123456789.eE+-") != strlen(digits))
        return graph_text(graph, text);
    while (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
        digits++;
    struct tree scalar = {.kind = TREE_SCALAR, .plain = true};
    scalar.text = graph_format(graph, "%s%s", minus ? "-" : "", digits);
    int64_t integer;
    double number;
    if (tree_int(&scalar, &integer))
        return graph_format(graph, "%lld", (long long)integer);
    return tree_number(&scalar, &number) ? tree_number_text(graph, number) : graph_text(graph, text);
}

static const char *env_value(struct load *load, const char *name, const struct tree *tree)
{
    int64_t integer;
    double number;
    bool truth;
    if (tree->kind != TREE_SCALAR || tree_is_null(tree)) {
        finding_add(load->graph, GRAPH_ERROR, false, tree->place, NULL,
                    "the environment variable `%s` must be a bool, a number or a text, not %s", name,
                    tree_describe(tree));
        return NULL;
    }
    if (tree_bool(tree, &truth))
        return truth ? "true" : "false";
    if (tree_int(tree, &integer))
        return graph_format(load->graph, "%lld", (long long)integer);
    if (tree_number(tree, &number))
        return tree_number_text(load->graph, number);
    autobuf struct buf out = {0};
    for (const char *text = tree->text; *text;) {
        size_t plain = strcspn(text, "$");
        buf_add(&out, text, plain);
        text += plain;
        if (*text == '$' && !expand_one(load, &text, tree->place, &out))
            return NULL;
    }
    if (out.failed)
        load->graph->private->out_of_memory = true;
    return coerced(load->graph, out.data ? out.data : "");
}

void env_set(struct load *load, struct env_list *list, const char *name, const char *value)
{
    if (load->env_total++ == ENV_TOTAL_MAX)
        finding_add(load->graph, GRAPH_ERROR, false, (struct graph_place){load->graph->path, 0, 0}, NULL,
                    "too many environment variables: more than 1000000 over all nodes");
    if (load->env_total > ENV_TOTAL_MAX)
        return;
    struct graph_env *var = graph_push(load->graph, list->vars, &list->count);
    if (var)
        *var = (struct graph_env){name, value};
}

void env_read(struct load *load, const struct tree *tree, struct env_list *list)
{
    if (!tree || tree->kind != TREE_MAP)
        return;
    for (size_t i = 0; i < tree->count; i++) {
        const char *name = tree->pairs[i].key->text;
        const char *value = env_value(load, name, tree->pairs[i].value);
        if (value && env_name_ok(load->graph, name, tree->pairs[i].key->place))
            env_set(load, list, name, value);
    }
}

void env_add(struct load *load, struct env_list *list, const struct graph_env *vars, size_t count)
{
    for (size_t i = 0; i < count; i++)
        env_set(load, list, vars[i].name, vars[i].value);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct graph_env *)left)->name, ((const struct graph_env *)right)->name);
}

/* Merge sort from below keeps equals in order, which qsort does not promise. */
static void sort_stably(struct graph_env *vars, struct graph_env *room, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2, left = 0, right = half;
    sort_stably(vars, room, half);
    sort_stably(vars + half, room, count - half);
    memcpy(room, vars, count * sizeof *vars);
    for (size_t i = 0; i < count; i++)
        vars[i] =
            right == count || (left < half && by_name(&room[left], &room[right]) <= 0) ? room[left++] : room[right++];
}

void env_finish(struct graph *graph, struct env_list *list)
{
    struct graph_env *room = graph_alloc(graph, list->count * sizeof *room);
    if (!room)
        return;
    sort_stably(list->vars, room, list->count);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (i + 1 == list->count || by_name(&list->vars[i], &list->vars[i + 1]) != 0)
            list->vars[kept++] = list->vars[i];
    list->count = kept;
}
