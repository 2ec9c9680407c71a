/* What a node can say about itself. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "node/node.h"

const char *dora_version(void)
{
    return DORA_VERSION;
}

int node_fail_locked(dora_node *node, int code, const char *format, ...)
{
    /* First into a copy: the arguments may be the old message. */
    struct error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.message, sizeof error.message, format, args);
    va_end(args);
    node->error = error;
    return code;
}

int node_fail(dora_node *node, int code, const char *format, ...)
{
    struct error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.message, sizeof error.message, format, args);
    va_end(args);
    lock_take(&node->lock);
    node->error = error;
    lock_release(&node->lock);
    return code;
}

const char *dora_node_error(const dora_node *node)
{
    return node->error.message;
}

const char *dora_node_id(const dora_node *node)
{
    return node->id;
}

const char *dora_dataflow_id(const dora_node *node)
{
    return node->dataflow_id;
}

const char *dora_dataflow_descriptor(const dora_node *node)
{
    return node->descriptor;
}

unsigned dora_restart_count(const dora_node *node)
{
    return node->restart_count;
}

const char *dora_input_name(const dora_node *node, size_t index)
{
    return index < node->input_count ? node->inputs[index].id : NULL;
}

const char *dora_output_name(const dora_node *node, size_t index)
{
    return index < node->output_count ? node->outputs[index].id : NULL;
}

int dora_get_input_stats(dora_node *node, const char *id, dora_input_stats *stats)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct input *input = &node->inputs[i];
        if (strcmp(input->id, id) != 0)
            continue;
        *stats = (dora_input_stats){.received = input->received, .dropped = input->dropped, .skipped = input->skipped};
        for (const struct source *s = input->sources; s; s = s->next) {
            stats->dropped += link_rx_dropped(s->link->rx, s->edge);
            stats->queued += link_rx_queued(s->link->rx, s->edge);
        }
        return 0;
    }
    return node_fail(node, -ENOENT, "this node has no input `%s`", id);
}

int dora_get_output_stats(dora_node *node, const char *id, dora_output_stats *stats)
{
    lock_take(&node->lock);
    const struct output *output = publish_find(node, id, strlen(id));
    int rc = output ? 0 : publish_no_output(node, id, strlen(id));
    if (output) {
        *stats = (dora_output_stats){
            .sent = output->sequence, .dropped = output->dropped, .subscribers = output->route_count};
        for (size_t i = 0; i < output->route_count; i++)
            stats->dropped += output->routes[i].link->tx.edges[output->routes[i].edge].dropped;
    }
    lock_release(&node->lock);
    return rc;
}
