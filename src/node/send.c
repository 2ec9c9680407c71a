/* Sending, as dora.h offers it; publish.c does it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/arrow.h"
#include "node/event.h"
#include "node/node.h"

struct dora_sample {
    dora_node *node;   /* of a loan */
    dora_event *event; /* of one received */
    void *data;
    size_t size;
    uint32_t block;
};

/* What is large is copied before publish takes the lock, so that no other thread has to wait for that. */
static int copy_large(dora_node *node, const char *id, struct publish_data *what)
{
    enum { LARGE = 64 * 1024 };
    if (what->size < LARGE || node_check(node) < 0)
        return 0;
    void *copy = NULL;
    lock_take(&node->lock);
    const struct output *output = publish_find(node, id, strlen(id));
    int rc = output && !output->closed && output->route_count ? publish_alloc(node, what->size, &what->block) : 0;
    if (what->block != ARENA_NONE)
        copy = arena_data(&node->arena, what->block);
    lock_release(&node->lock);
    if (copy)
        memcpy(copy, what->bytes, what->size);
    return rc;
}

int dora_send(dora_node *node, const char *output, const void *data, size_t size, const dora_params *params)
{
    if (!data && size)
        return node_fail(node, -EINVAL, "output `%s`: %zu bytes, but no data", output, size);
    struct publish_data what = {.bytes = data, .size = size, .block = ARENA_NONE, .format = 'C'};
    int rc = copy_large(node, output, &what);
    return rc < 0 ? rc : publish(node, output, strlen(output), what, params);
}

static int loan(dora_node *node, size_t size, uint32_t *block, void **data)
{
    int rc = node_check(node);
    if (rc < 0)
        return rc;
    lock_take(&node->lock);
    rc = publish_alloc(node, size, block);
    if (rc == 0)
        *data = arena_data(&node->arena, *block);
    lock_release(&node->lock);
    return rc;
}

static void give_back(dora_node *node, uint32_t block)
{
    lock_take(&node->lock);
    arena_unref(&node->arena, block);
    lock_release(&node->lock);
}

int dora_loan(dora_node *node, size_t size, dora_sample **out)
{
    dora_sample *sample = malloc(sizeof *sample);
    if (!sample)
        return node_fail(node, -ENOMEM, "no memory for a sample");
    *sample = (dora_sample){.node = node, .size = size};
    int rc = loan(node, size, &sample->block, &sample->data);
    if (rc < 0) {
        free(sample);
        return rc;
    }
    ref_take(&node->refs);
    *out = sample;
    return 0;
}

int dora_share_sample(dora_node *node, const char *output, dora_sample *sample, const char *format,
                      const dora_params *params)
{
    char type = format ? format[0] : 'C';
    if (!sample || sample->node != node)
        return node_fail(node, -EINVAL, "output `%s`: what is sent is no loan of this node", output);
    if (arrow_plain_width(type) == 0 || (format && format[1]))
        return node_fail(node, -EINVAL, "output `%s`: `%s` is no primitive Arrow type", output, format);
    if (sample->size % (size_t)arrow_plain_width(type))
        return node_fail(node, -EINVAL, "output `%s`: %zu bytes are no whole number of `%s`", output, sample->size,
                         format);
    struct publish_data what = {
        .bytes = sample->data, .size = sample->size, .block = sample->block, .keep = true, .format = type};
    if (sample->size <= 64) {
        /* It travels in the message itself. */
        what.block = ARENA_NONE;
        what.keep = false;
    }
    return publish(node, output, strlen(output), what, params);
}

void sample_lend(const dora_sample *loan, struct publish_data *data)
{
    data->bytes = loan->data;
    data->size = loan->size;
    data->keep = loan->size > 64;
    data->block = data->keep ? loan->block : ARENA_NONE;
}

int dora_send_sample(dora_node *node, const char *output, dora_sample *sample, const char *format,
                     const dora_params *params)
{
    int rc = dora_share_sample(node, output, sample, format, params);
    dora_sample_release(sample);
    return rc;
}

static int send_nested(dora_node *node, const char *output, const struct ArrowArray *array,
                       const struct ArrowSchema *schema, const dora_params *params)
{
    struct error error = ERROR_INIT;
    struct publish_data what = {.block = ARENA_NONE, .format = PUBLISH_NESTED};
    int rc = arrow_measure(array, schema, &what.size, &what.type_len, &error);
    if (rc < 0)
        return node_fail(node, rc, "output `%s`: %s", output, error.message);
    autofree void *type = malloc(what.type_len);
    if (!type)
        return node_fail(node, -ENOMEM, "no memory for the type of an array");
    void *payload = NULL;
    rc = loan(node, what.size, &what.block, &payload);
    if (rc < 0)
        return rc;
    arrow_write(array, schema, payload, type);
    what.type = type;
    return publish(node, output, strlen(output), what, params);
}

int dora_send_arrow(dora_node *node, const char *output, struct ArrowArray *array, struct ArrowSchema *schema,
                    const dora_params *params)
{
    struct publish_data what = {.block = ARENA_NONE};
    int rc;
    if (!array->release || !schema->release)
        rc = node_fail(node, -EINVAL, "output `%s`: the array has been released already", output);
    else if (arrow_is_plain(array, schema, &what.bytes, &what.size)) {
        what.format = schema->format[0];
        rc = copy_large(node, output, &what);
        if (rc == 0)
            rc = publish(node, output, strlen(output), what, params);
    } else
        rc = send_nested(node, output, array, schema, params);
    if (array->release)
        array->release(array);
    if (schema->release)
        schema->release(schema);
    return rc;
}

int dora_close_output(dora_node *node, const char *id)
{
    int rc = node_check(node);
    if (rc < 0)
        return rc;
    lock_take(&node->lock);
    if (id && !publish_find(node, id, strlen(id)))
        rc = publish_no_output(node, id, strlen(id));
    for (size_t i = 0; i < node->output_count && rc == 0; i++) {
        struct output *output = &node->outputs[i];
        if (output->closed || (id && strcmp(output->id, id) != 0))
            continue;
        struct proto_packet packet = {.type = PROTO_CLOSE_OUTPUT,
                                      .body = &(struct proto_index){(uint32_t)i},
                                      .body_len = sizeof(struct proto_index)};
        rc = proto_send(node->socket, &packet, 0);
        if (rc < 0)
            rc = node_fail_locked(node, rc, "can't tell the daemon that output `%s` is closed", output->id);
        else
            output->closed = true;
    }
    lock_release(&node->lock);
    return rc;
}

/* ---- Samples ---- */

dora_sample *dora_event_keep(const dora_event *event)
{
    if (event->kind != DORA_EVENT_INPUT || event->size == 0) {
        errno = ENODATA;
        return NULL;
    }
    dora_sample *sample = malloc(sizeof *sample);
    if (!sample)
        return NULL;
    *sample = (dora_sample){.event = (dora_event *)event, .data = (void *)event->data, .size = event->size};
    ref_take(&sample->event->refs);
    return sample;
}

void *dora_sample_data(dora_sample *sample)
{
    return sample->data;
}

size_t dora_sample_size(const dora_sample *sample)
{
    return sample->size;
}

void dora_sample_release(dora_sample *sample)
{
    if (!sample)
        return;
    if (sample->event) {
        event_unref(sample->event);
    } else {
        if (node_check(sample->node) < 0)
            return; /* it is the parent's */
        give_back(sample->node, sample->block);
        node_unref(sample->node);
    }
    free(sample);
}
