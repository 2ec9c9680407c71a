/* Collects the words of a segment and prints it when it is complete. Interrupts the speaker when it has heard a 5. */
#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

struct segment {
    char text[8192]; /* what has come of it; longer ones are cut */
    size_t len;
};

static void append(struct segment *segment, const char *word, size_t len)
{
    if (len > sizeof segment->text - segment->len - 2)
        return;
    segment->text[segment->len++] = ' ';
    memcpy(segment->text + segment->len, word, len);
    segment->len += len;
    segment->text[segment->len] = '\0';
}

static int hear(dora_node *node, struct segment *segment, const dora_event *event)
{
    size_t len;
    const char *word = dora_event_data(event, &len);
    dora_chunk chunk;
    if (dora_event_chunk(event, &chunk) < 0)
        return 0;
    if (chunk.flush) {
        printf("segment %lld was given up after:%s\n", (long long)chunk.segment - 1, segment->text);
        segment->len = 0;
    }
    append(segment, word, len);
    if (chunk.last) {
        printf("segment %lld:%s\n", (long long)chunk.segment, segment->text);
        segment->len = 0;
    }
    return len == 1 && *word == '5' ? dora_send(node, "interrupt", NULL, 0, NULL) : 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    struct segment segment = {"", 0};
    int rc = 0;
    dora_event *event;
    while (rc == 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT && dora_event_data(event, NULL))
            rc = hear(node, &segment, event);
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
