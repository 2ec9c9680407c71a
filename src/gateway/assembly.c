#include "gateway/assembly.h"

#include <errno.h>

#include "base/cleanup.h"
#include "gateway/stream.h"
#include "node/node_raw.h"

void assembly_drop(struct assembly *assembly)
{
    dora_sample_release(take_ptr(assembly->loan));
}

static size_t missing(const struct assembly *assembly)
{
    return dora_sample_size(assembly->loan) - assembly->filled;
}

static void add(struct assembly *assembly, const struct net_sample *sample)
{
    net_copy(sample, (char *)dora_sample_data(assembly->loan) + assembly->filled);
    assembly->filled += sample->len;
}

int assembly_part(struct assembly *assembly, dora_node *node, const struct net_sample *sample)
{
    struct stream_part part;
    if (stream_part_read(sample->attachment.data, sample->attachment.len, &part) < 0)
        return -EBADMSG;
    if (part.offset == 0) {
        assembly_drop(assembly);
        assembly->filled = 0;
        int rc = dora_loan(node, part.size, &assembly->loan);
        if (rc < 0)
            return assembly->loan = NULL, rc;
    }
    /* The tail has to come, too. */
    if (!assembly->loan || part.offset != assembly->filled || part.size != dora_sample_size(assembly->loan) ||
        sample->len >= missing(assembly))
        return -EBADMSG;
    add(assembly, sample);
    return 0;
}

static void fill(const void *sample, void *to)
{
    net_copy(sample, to);
}

int assembly_send(struct assembly *assembly, dora_node *node, const char *output, const struct net_sample *sample,
                  bool is_tail, bool wait)
{
    struct stream_message message;
    if (stream_message_read(sample->attachment.data, sample->attachment.len, &message) < 0)
        return -EBADMSG;
    struct node_raw raw = {.data = sample->piece_count == 1 ? sample->pieces->data : NULL,
                           .size = sample->len,
                           .fill = fill,
                           .context = sample,
                           .meta = message.meta,
                           .meta_len = message.meta_len,
                           .sequence = message.sequence,
                           .timestamp = message.timestamp,
                           .missed = message.missed,
                           .format = message.format};
    if (!is_tail)
        return node_raw_send(node, output, &raw, wait);
    int rc = -EBADMSG;
    if (assembly->loan && sample->len == missing(assembly)) {
        add(assembly, sample);
        raw.loan = assembly->loan;
        raw.size = dora_sample_size(assembly->loan);
        rc = node_raw_send(node, output, &raw, true);
    }
    assembly_drop(assembly);
    return rc;
}
