#include "daemon/environment.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/proto.h"

#define RUNTIME_CONFIG_ENV "DORA_RUNTIME_CONFIG"

/* Never inherited: what dora itself sets, and what would load foreign code into the node. */
static const char *const scrubbed[] = {
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DORA_AUTH_TOKEN",
    "DORA_ALLOW_SHELL_NODES",
    PROTO_CONFIG_ENV,
    RUNTIME_CONFIG_ENV,
    "DORA_ZENOH_LISTEN",
    "DORA_ZENOH_LISTEN_EXTRA",
    "DORA_ZENOH_CONNECT",
    "DORA_ZENOH_MULTICAST",
    "DORA_RUN_PARENT_PID",
};

static size_t key_len(const char *item)
{
    return strcspn(item, "=");
}

static bool is_scrubbed(const char *item)
{
    size_t len = key_len(item);
    for (size_t i = 0; i < sizeof scrubbed / sizeof *scrubbed; i++)
        if (strlen(scrubbed[i]) == len && memcmp(scrubbed[i], item, len) == 0)
            return true;
    return false;
}

/* The list is written in front of the strings that are made here; others stay where they are. */
struct writer {
    const char **items;
    size_t count;
    char *text;
};

static void put(struct writer *writer, const char *item)
{
    size_t len = key_len(item);
    for (size_t i = 0; i < writer->count; i++) {
        if (strncmp(writer->items[i], item, len) == 0 && writer->items[i][len] == '=') {
            writer->items[i] = item;
            return;
        }
    }
    writer->items[writer->count++] = item;
}

static void put_pair(struct writer *writer, const char *key, const char *value)
{
    char *item = writer->text;
    writer->text = stpcpy(stpcpy(stpcpy(item, key), "="), value) + 1;
    put(writer, item);
}

char **environment_make(const struct spawn_request *request)
{
    const struct graph_node *node = request->node;
    size_t count = node->env_count + 3, text = 0;
    if (request->config)
        text += sizeof PROTO_CONFIG_ENV "=" + strlen(request->config);
    if (request->runtime)
        text += sizeof RUNTIME_CONFIG_ENV "=" + strlen(request->runtime);
    for (char **item = environ; item && *item; item++)
        count++;
    for (const char *const *item = request->env; item && *item; item++)
        count++;
    for (size_t i = 0; i < node->env_count; i++)
        text += strlen(node->env[i].name) + strlen(node->env[i].value) + 2;

    char **list = malloc(count * sizeof *list + text);
    if (!list)
        return NULL;
    struct writer writer = {.items = (const char **)list, .text = (char *)(list + count)};
    for (char **item = environ; item && *item; item++)
        if (!is_scrubbed(*item))
            writer.items[writer.count++] = *item;
    for (const char *const *item = request->env; item && *item; item++)
        put(&writer, *item);
    for (size_t i = 0; i < node->env_count; i++)
        if (!is_scrubbed(node->env[i].name))
            put_pair(&writer, node->env[i].name, node->env[i].value);
    if (request->config)
        put_pair(&writer, PROTO_CONFIG_ENV, request->config);
    if (request->runtime)
        put_pair(&writer, RUNTIME_CONFIG_ENV, request->runtime);
    writer.items[writer.count] = NULL;
    return list;
}
