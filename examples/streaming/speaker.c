/* Says one word on each tick, in three segments: a greeting; numbers, until it is interrupted or has come to 1000; and
 * a last word. */
#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

static const char *const GREETING[] = {"Hello,", "I", "can", "count."}, *const END[] = {"I", "have", "finished."};

enum { WORDS = sizeof GREETING / sizeof *GREETING, END_WORDS = sizeof END / sizeof *END, NUMBERS = 1000 };

static int say(dora_node *node, dora_stream *stream)
{
    int64_t at = stream->sequence;
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)at + 1);
    const char *word = stream->segment == 0 ? GREETING[at] : stream->segment == 1 ? number : END[at];
    int64_t words = stream->segment == 0 ? WORDS : stream->segment == 1 ? NUMBERS : END_WORDS;
    return dora_stream_send(node, "words", stream, word, strlen(word), at + 1 == words);
}

static int handle(dora_node *node, dora_stream *stream, const dora_event *event)
{
    if (dora_event_type(event) != DORA_EVENT_INPUT)
        return 0;
    if (strcmp(dora_event_id(event), "tick") == 0)
        return say(node, stream);
    if (stream->segment != 1)
        return 0; /* too late to interrupt it */
    return dora_stream_flush(node, "words", stream, END[0], strlen(END[0]));
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    dora_stream stream;
    dora_stream_begin(&stream);
    int rc = 0;
    dora_event *event;
    while (rc == 0 && stream.segment < 3 && dora_next(node, &event, DORA_FOREVER) == 0) {
        rc = handle(node, &stream, event);
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
