#include "listen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"

enum { INPUTS_MOST = 64 };

struct tally {
    uint64_t count, first, last, gaps, back, bad;
};

static void print_list(const dora_param *param)
{
    for (size_t i = 0; i < param->len; i++) {
        if (param->kind == DORA_PARAM_INTS)
            printf(" %" PRId64, param->value.integers[i]);
        else if (param->kind == DORA_PARAM_FLOATS)
            printf(" %g", param->value.reals[i]);
        else
            printf(" %s", param->value.strings[i]);
    }
}

static void print_params(const dora_params *params)
{
    static const char *const kinds[] = {"bool", "int", "float", "string", "ints", "floats", "strings", "timestamp"};
    const dora_param *param;
    for (size_t i = 0; (param = dora_params_at(params, i)); i++) {
        printf("param %s %s", param->key, kinds[param->kind]);
        if (param->kind == DORA_PARAM_BOOL)
            printf(" %s", param->value.boolean ? "true" : "false");
        else if (param->kind == DORA_PARAM_INT || param->kind == DORA_PARAM_TIMESTAMP)
            printf(" %" PRId64, param->value.integer);
        else if (param->kind == DORA_PARAM_FLOAT)
            printf(" %g", param->value.real);
        else if (param->kind == DORA_PARAM_STRING)
            printf(" %s", param->value.string);
        else
            print_list(param);
        putchar('\n');
    }
}

static struct tally *tally_of(const dora_node *node, struct tally *tallies, const char *id)
{
    const char *name;
    for (size_t i = 0; i < INPUTS_MOST && (name = dora_input_name(node, i)); i++)
        if (strcmp(name, id) == 0)
            return &tallies[i];
    return NULL;
}

static void count(struct tally *tally, uint64_t number, bool is_good)
{
    if (tally->count++ == 0)
        tally->first = number;
    else if (number <= tally->last)
        tally->back++;
    else
        tally->gaps += number - tally->last - 1;
    tally->last = number;
    tally->bad += !is_good;
}

static void take_input(dora_node *node, const struct listening *how, const dora_event *event, struct tally *tally)
{
    const char *id = dora_event_id(event);
    size_t size;
    const void *data = dora_event_data(event, &size);
    bool is_tick = strcmp(dora_event_format(event), "n") == 0;
    uint64_t number = is_tick || how->is_bare ? dora_event_sequence(event) : pattern_number(data, size);
    if (!is_tick && !how->is_bare && size < sizeof number && tally && tally->count)
        number = tally->last + 1;
    if (tally)
        count(tally, number, is_tick || how->is_bare || pattern_check(data, size, number));
    else
        printf("unknown input %s\n", id);
    if (!how->is_quiet && is_tick && how->shows_timestamp)
        printf("tick %s %" PRIu64 " %" PRIu64 "\n", id, number, dora_event_timestamp(event));
    else if (!how->is_quiet && is_tick)
        printf("tick %s %" PRIu64 "\n", id, number);
    else if (!how->is_quiet)
        printf("input %s %" PRIu64 " %zu\n", id, number, size);
    if (how->shows_params)
        print_params(dora_event_params(event));
    if (how->work_us)
        usleep(how->work_us);
    (void)node;
}

static int echo(dora_node *node, const char *output, const dora_event *event)
{
    size_t size;
    const void *data = dora_event_data(event, &size);
    int rc = dora_send(node, output, data, size, dora_event_params(event));
    if (rc < 0)
        printf("send: %s: %s\n", strerror(-rc), dora_node_error(node));
    return rc;
}

static void print_control(const dora_event *event)
{
    const char *id = dora_event_id(event), *text = dora_event_text(event);
    switch (dora_event_type(event)) {
    case DORA_EVENT_STOP:
        printf("stop %s\n", id);
        break;
    case DORA_EVENT_INPUT_CLOSED:
        printf("closed %s\n", id);
        break;
    case DORA_EVENT_INPUT_RECOVERED:
        printf("recovered %s\n", id);
        break;
    case DORA_EVENT_NODE_FAILED:
        printf("failed %s: %s\n", id, text);
        break;
    case DORA_EVENT_NODE_RESTARTED:
        printf("restarted %s\n", id);
        break;
    case DORA_EVENT_ERROR:
        printf("error %s\n", text);
        break;
    default:
        printf("event %d %s %s\n", (int)dora_event_type(event), id, text);
    }
}

static void print_summary(dora_node *node, const struct tally *tallies)
{
    const char *id;
    for (size_t i = 0; i < INPUTS_MOST && (id = dora_input_name(node, i)); i++) {
        const struct tally *tally = &tallies[i];
        dora_input_stats stats = {0};
        dora_get_input_stats(node, id, &stats);
        printf("summary %s count=%" PRIu64 " first=%" PRIu64 " last=%" PRIu64 " gaps=%" PRIu64 " bad=%" PRIu64
               " back=%" PRIu64 " dropped=%" PRIu64 " skipped=%" PRIu64 "\n",
               id, tally->count, tally->first, tally->last, tally->gaps, tally->bad, tally->back, stats.dropped,
               stats.skipped);
    }
}

int listen_run(dora_node *node, const struct listening *how)
{
    struct tally tallies[INPUTS_MOST] = {{0}};
    long inputs = 0;
    dora_event *event;
    int rc = 0, sent = 0;
    while (sent == 0 && (how->most == 0 || inputs < how->most) && (rc = dora_next(node, &event, DORA_FOREVER)) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            inputs++;
            take_input(node, how, event, tally_of(node, tallies, dora_event_id(event)));
            if (how->echo)
                sent = echo(node, how->echo, event);
        } else {
            print_control(event);
        }
        dora_event_free(event);
    }
    print_summary(node, tallies);
    if (rc == -ENODATA)
        puts("end");
    return sent < 0 ? sent : rc == -ENODATA ? 0 : rc;
}
