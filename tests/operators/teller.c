/* An operator that prints what happens to it, "ID: EVENT", passes on the number of its inputs, and does what the
 * environment says:
 *
 *     DO_ID=VERB@N    at the Nth input of the operator ID: stop, stop_all, fail, crash, abort, free_twice,
 *                     hang
 *     DO_ID=VERB@end  when an input of it has ended
 *     DO_INIT=VERB    in its init: fail, crash
 *
 * It links with libdora.so: what it learns by it, it learns of the host's. */
#include <dora/operator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct teller {
    char name[100], will[100];
    unsigned count;
};

static DoraResult_t failed(const char *text)
{
    DoraResult_t result = {malloc(sizeof *result.error)};
    if (result.error)
        *result.error = (Vec_uint8_t){(uint8_t *)strdup(text), strlen(text), strlen(text) + 1};
    return result;
}

static void crash(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
}

DoraInitResult_t dora_init_operator(void)
{
    const char *verb = getenv("DO_INIT");
    if (verb && strcmp(verb, "crash") == 0)
        crash();
    if (verb && strcmp(verb, "fail") == 0)
        return (DoraInitResult_t){.result = failed("its init was told to fail")};
    return (DoraInitResult_t){.operator_context = calloc(1, sizeof(struct teller))};
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    struct teller *teller = operator_context;
    printf("%s: dropped\n", teller->name);
    free(teller);
    return (DoraResult_t){NULL};
}

static void meet(struct teller *teller, const dora_node *node)
{
    snprintf(teller->name, sizeof teller->name, "%s", dora_node_id(node));
    const char *slash = strrchr(teller->name, '/');
    char variable[110];
    snprintf(variable, sizeof variable, "DO_%s", slash ? slash + 1 : teller->name);
    snprintf(teller->will, sizeof teller->will, "%s", getenv(variable) ? getenv(variable) : "");
    printf("%s: process %d thread %d\n", teller->name, getpid(), gettid());
}

/* The compiler is not to see it. */
static void free_twice(void)
{
    void *volatile memory = malloc(32);
    free(memory);
    free(memory);
}

static OnEventResult_t act(const struct teller *teller, const char *moment)
{
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    const char *at = strchr(teller->will, '@');
    if (!at || strcmp(at + 1, moment) != 0)
        return result;
    char verb[20];
    snprintf(verb, sizeof verb, "%.*s", (int)(at - teller->will), teller->will);
    if (strcmp(verb, "stop") == 0)
        result.status = DORA_STATUS_STOP;
    else if (strcmp(verb, "stop_all") == 0)
        result.status = DORA_STATUS_STOP_ALL;
    else if (strcmp(verb, "fail") == 0)
        result.result = failed("it was told to fail");
    else if (strcmp(verb, "crash") == 0)
        crash();
    else if (strcmp(verb, "abort") == 0)
        abort();
    else if (strcmp(verb, "free_twice") == 0)
        free_twice();
    else if (strcmp(verb, "hang") == 0)
        for (;;)
            pause();
    return result;
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    struct teller *teller = operator_context;
    const dora_node *node = dora_operator_node(send_output);
    if (!teller->name[0])
        meet(teller, node);
    if (event->input) {
        char text[20];
        snprintf(text, sizeof text, "%u", ++teller->count);
        printf("%s: %s %s\n", teller->name, dora_event_id(dora_operator_event(event->input)), text);
        if (dora_output_name(node, 0)) {
            DoraResult_t sent = dora_send_operator_output(send_output, "out", (uint8_t *)text, strlen(text));
            if (sent.error)
                return (OnEventResult_t){.result = sent};
        }
        return act(teller, text);
    }
    if (event->input_closed.ptr) {
        printf("%s: %.*s closed\n", teller->name, (int)event->input_closed.len, (char *)event->input_closed.ptr);
        return act(teller, "end");
    }
    if (event->stop)
        printf("%s: stop\n", teller->name);
    return (OnEventResult_t){.status = DORA_STATUS_CONTINUE};
}
