/* The user's types: `types/<dirs>/<stem>.yml` beside the dataflow.
 *
 *     types:
 *       Grasp:
 *         arrow: Struct
 *         fields: [{name: width, type: Float32}, {name: pose, type: Pose}]
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "graph/draft.h"
#include "graph/findings.h"
#include "graph/types_library.h"

enum { DEPTH_MAX = 8, FILE_BYTES_MAX = 1024 * 1024 };

/* A type as its keys say, before its lists are gone through. */
struct type_draft {
    struct types_type type;
    const struct tree *params, *fields, *metadata;
};

struct field_draft {
    struct types_field field;
    bool nullable;
};

struct file_draft {
    const struct tree *types;
};

static const struct key param_keys[] = {
    {"name", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct types_param, name), NULL, NULL, "The parameter's name."},
    {"default", KEY_TEXT, 0, 0, offsetof(struct types_param, standard), NULL, NULL, "Its value where none is given."},
};
static const struct key field_keys[] = {
    {"name", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct field_draft, field.name), NULL, NULL, "The field's name."},
    {"type", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct field_draft, field.type), NULL, NULL, "The field's type."},
    {"nullable", KEY_BOOL, 0, 0, offsetof(struct field_draft, nullable), NULL, NULL, "May it hold nulls?"},
};
static const struct key metadata_keys[] = {
    {"key", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct types_metadata, key), NULL, NULL, "A parameter of a message."},
    {"description", KEY_TEXT, 0, 0, offsetof(struct types_metadata, description), NULL, NULL, "What it says."},
};
#define TABLE(NAME, WHAT)                                                                                              \
    static const struct key_table NAME##_table = {#NAME, WHAT, NAME##_keys, sizeof NAME##_keys / sizeof(struct key),   \
                                                  NULL,  false}
TABLE(param, "a type's parameter");
TABLE(field, "a type's field");
TABLE(metadata, "a type's metadata");

static const struct key type_keys[] = {
    {"arrow", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct type_draft, type.arrow), NULL, NULL, "The Arrow type."},
    {"description", KEY_TEXT, 0, 0, offsetof(struct type_draft, type.description), NULL, NULL, "What the type is for."},
    {"params", KEY_BLOCKS, 0, 0, offsetof(struct type_draft, params), NULL, &param_table, "Its parameters."},
    {"fields", KEY_BLOCKS, 0, 0, offsetof(struct type_draft, fields), NULL, &field_table, "Its fields."},
    {"metadata", KEY_BLOCKS, 0, 0, offsetof(struct type_draft, metadata), NULL, &metadata_table, "Its metadata."},
};
TABLE(type, "a type");

static const struct key file_keys[] = {
    {"types", KEY_BLOCK, 0, KEY_REQUIRED, offsetof(struct file_draft, types), NULL, &type_table, "Types by name."},
};
TABLE(file, "a file of types");

struct user_types {
    struct graph *graph;
    struct types_library *library;
    const struct tree **fields; /* of each user type, as written; NULL for none */
    size_t field_count;
};

static void read_params(struct graph *graph, struct types_type *type, const struct tree *list)
{
    struct types_param *params = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        struct types_param *param = graph_push(graph, params, &type->param_count);
        if (param)
            keys_read(graph, list->items[i], &param_table, param, NULL, false);
    }
    type->params = params;
}

static void read_fields(struct graph *graph, struct types_type *type, const struct tree *list)
{
    struct types_field *fields = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        struct field_draft draft = {.nullable = true};
        keys_read(graph, list->items[i], &field_table, &draft, NULL, false);
        draft.field.required = !draft.nullable;
        struct types_field *field = graph_push(graph, fields, &type->field_count);
        if (field)
            *field = draft.field;
    }
    type->fields = fields;
}

static void read_metadata(struct graph *graph, struct types_type *type, const struct tree *list)
{
    struct types_metadata *metadata = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        struct types_metadata *item = graph_push(graph, metadata, &type->metadata_count);
        if (item)
            keys_read(graph, list->items[i], &metadata_table, item, NULL, false);
    }
    type->metadata = metadata;
}

static void read_type(struct user_types *user, const char *package, const struct tree *name, const struct tree *tree)
{
    struct graph *graph = user->graph;
    struct type_draft draft = {0};
    if (!keys_read(graph, tree, &type_table, &draft, NULL, false))
        return;
    struct types_type *type = &draft.type;
    type->urn = graph_format(graph, "%s/%s", package, name->text);
    if (type->arrow && !types_is_arrow(type->arrow))
        finding_add(graph, GRAPH_ERROR, false, tree->place, NULL, "Arrow has no type `%s`", type->arrow);
    if (types_library_find(user->library, type->urn)) {
        finding_add(graph, GRAPH_ERROR, false, name->place, NULL, "the type `%s` is defined twice", type->urn);
        return;
    }
    read_params(graph, type, draft.params);
    read_fields(graph, type, draft.fields);
    read_metadata(graph, type, draft.metadata);

    struct types_type *slot = graph_push(graph, user->library->user, &user->library->user_count);
    const struct tree **fields = graph_push(graph, user->fields, &user->field_count);
    if (!slot || !fields) {
        user->library->user_count = user->field_count = 0; /* out of memory: the graph is given up */
        return;
    }
    *slot = *type;
    *fields = draft.fields;
}

/* `path` is the file as the user would type it, `package` the first part of its types' URNs. */
static void read_types(struct user_types *user, const char *path, const char *package)
{
    struct graph *graph = user->graph;
    autofree char *text = NULL;
    size_t len = 0;
    int result = file_read(path, FILE_BYTES_MAX, &text, &len);
    if (result < 0) {
        finding_add(graph, GRAPH_ERROR, false, (struct graph_place){graph_text(graph, path), 0, 0}, NULL,
                    "can't read these types: %s", strerror(-result));
        return;
    }
    const struct graph_file *file = graph_file_add(graph, path, text, len);
    const struct tree *tree = file ? tree_read(graph, file) : NULL;
    if (!tree || tree_is_null(tree))
        return;
    if (strncmp(package, "std/", 4) == 0 || strcmp(package, "std") == 0) {
        finding_add(graph, GRAPH_ERROR, false, tree->place, NULL,
                    "the types under `std/` are built in; put your own elsewhere");
        return;
    }
    struct file_draft draft = {0};
    keys_read(graph, tree, &file_table, &draft, NULL, false);
    for (size_t i = 0; draft.types && i < draft.types->count; i++)
        read_type(user, package, draft.types->pairs[i].key, draft.types->pairs[i].value);
}

static bool field_type_known(const struct types_library *library, const char *type)
{
    size_t len = strlen(type);
    while (len > 6 && memcmp(type, "List<", 5) == 0 && type[len - 1] == '>') {
        type += 5;
        len -= 6;
    }
    autofree char *name = strndup(type, len);
    return !name || types_is_arrow(name) || types_library_find(library, name) || types_library_find_name(library, name);
}

static void check_fields(struct user_types *user)
{
    for (size_t t = 0; t < user->field_count; t++) {
        const struct types_type *type = &user->library->user[t];
        for (size_t f = 0; f < type->field_count; f++) {
            const char *name = type->fields[f].type;
            if (!name || field_type_known(user->library, name))
                continue;
            const char *near = types_library_suggest(user->library, name);
            finding_add(user->graph, user->graph->strict_types ? GRAPH_ERROR : GRAPH_WARNING, true,
                        user->fields[t]->items[f]->place,
                        near ? graph_format(user->graph, "did you mean `%s`?", near)
                             : "name an Arrow type, List<…>, a URN, or a type whose name no other has",
                        "the field `%s` of `%s` has an unknown type: `%s`",
                        type->fields[f].name ? type->fields[f].name : "", type->urn, name);
        }
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_types_file(const FTSENT *entry)
{
    const char *dot = strrchr(entry->fts_name, '.');
    bool file = entry->fts_info == FTS_F || entry->fts_info == FTS_SL;
    return file && dot && dot != entry->fts_name && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

int types_library_load(struct types_library *library, struct graph *graph, bool report)
{
    *library = (struct types_library){0};
    struct user_types user = {.graph = graph, .library = library};
    size_t before[] = {graph->finding_count, graph->error_count, graph->warning_count};

    const char *slash = strrchr(graph->path, '/');
    int directory = slash ? (int)(slash + 1 - graph->path) : 0;
    autofree char *root = NULL;
    if (asprintf(&root, "%.*stypes", directory, graph->path) < 0)
        return root = NULL, -ENOMEM;
    struct stat status;
    if (stat(root, &status) < 0)
        return 0;
    /* Links to folders are not followed: they can lead in circles. */
    FTS *walk = fts_open((char *[]){root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name);
    if (!walk)
        return -errno;
    for (FTSENT *entry; (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D && entry->fts_level > DEPTH_MAX)
            fts_set(walk, entry, FTS_SKIP);
        if (!is_types_file(entry))
            continue;
        const char *inside = entry->fts_path + strlen(root) + 1, *dot = strrchr(inside, '.');
        read_types(&user, entry->fts_path, graph_text_n(graph, inside, (size_t)(dot - inside)));
    }
    fts_close(walk);
    check_fields(&user);

    if (!report) {
        graph->finding_count = before[0];
        graph->error_count = before[1];
        graph->warning_count = before[2];
    }
    return graph->private->out_of_memory ? -ENOMEM : 0;
}
