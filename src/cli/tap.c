#include "cli/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_value.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"

static const char CONFIG[] = "DORA_NODE_CONFIG";
static const int64_t NAP = 10 * CLOCK_MILLI;   /* between two looks at a busy topic */
static const int64_t REST = 100 * CLOCK_MILLI; /* between two looks for a signal at a quiet one */

dora_node *tap_join(struct control_client *client, const char *method, json_t *params, char **machine)
{
    json_t *result = session_call_here(client, method, params, SESSION_PATIENCE, machine);
    if (!result)
        return NULL;
    dora_node *node = NULL;
    dora_error error = {0};
    int rc = setenv(CONFIG, json_text(result, "config"), 1) == 0 ? dora_node_open(&node, NULL, &error) : -ENOMEM;
    unsetenv(CONFIG);
    json_decref(result);
    if (rc == 0)
        return node;
    report_error("can't join the dataflow: %s", *error.message ? error.message : strerror(-rc));
    return NULL;
}

static json_t *all_topics(struct control_client *client, json_t *params)
{
    json_t *result = session_call(client, "topic.list", json_deep_copy(params), SESSION_PATIENCE);
    if (!result)
        return NULL;
    json_t *names = json_array(), *topic;
    const char *here = json_text(result, "here"); /* of several machines: a process joins its own alone */
    size_t i;
    json_array_foreach(json_object_get(result, "topics"), i, topic) if (strcmp(json_text(topic, "machine"), here) == 0)
        json_array_append(names, json_object_get(topic, "name"));
    bool is_one_of_several = *here;
    json_decref(result);
    if (json_array_size(names))
        return names;
    report_error(is_one_of_several ? "the dataflow has no outputs on this machine" : "the dataflow has no outputs");
    if (is_one_of_several)
        report_hint("name those of another machine; `dora topic list` shows them");
    json_decref(names);
    return NULL;
}

static json_t *choose_topics(struct control_client *client, const struct options *options, int operand, json_t *params)
{
    if (operand >= options->operand_count)
        return all_topics(client, params);
    json_t *names = json_array();
    for (; operand < options->operand_count; operand++) {
        const char *topic = options->operands[operand], *slash = strchr(topic, '/');
        if (!slash || slash == topic || !slash[1] || json_array_append_new(names, json_string(topic)) < 0) {
            report_error("`%s` is no topic", topic);
            report_hint("a topic is NODE/OUTPUT; `dora topic list` shows those there are");
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

static int run_there(struct control_client *client, const struct options *options, const char *machine,
                     const json_t *params)
{
    json_t *words = remote_words(options);
    remote_add_rest(words, json_object_get(params, "dataflow"), options);
    return remote_run(client, machine, words);
}

bool tap_open(struct tap *tap, const struct options *options, int operand, int64_t queue_size, bool is_prompt)
{
    *tap = (struct tap){.is_prompt = is_prompt, .status = COMMAND_FAILED};
    autofree char *machine = NULL;
    struct control_client *client = session_open(options);
    json_t *params = json_object();
    if (client && session_choose(client, options, -1, "dataflow", params))
        tap->topics = choose_topics(client, options, operand, params);
    if (tap->topics) {
        json_object_set(params, "topics", tap->topics);
        json_object_set_new(params, "queue_size", json_integer(queue_size));
        tap->node = tap_join(client, "topic.watch", json_incref(params), &machine);
    }
    if (machine)
        tap->status = run_there(client, options, machine, params);
    json_decref(params);
    control_client_close(client);
    if (tap->node)
        interrupt_catch();
    return tap->node != NULL;
}

/* Tells of an event that is no message, and frees it. */
static void tell(dora_event *event)
{
    const char *id = dora_event_id(event), *text = dora_event_text(event);
    switch (dora_event_type(event)) {
    case DORA_EVENT_INPUT_CLOSED:
        fprintf(stderr, "%s has ended\n", id);
        break;
    case DORA_EVENT_NODE_FAILED:
        fprintf(stderr, "node %s failed: %s\n", id, text);
        break;
    case DORA_EVENT_NODE_RESTARTED:
        fprintf(stderr, "node %s was restarted\n", id);
        break;
    case DORA_EVENT_ERROR:
        report_error("%s", text);
        break;
    default:
        break;
    }
    dora_event_free(event);
}

bool tap_goes_on(const struct tap *tap)
{
    return !tap->has_ended && !interrupt_seen();
}

/* One look, after a rest where nothing is there: 0, -ETIMEDOUT, … as dora_next. */
static int look(struct tap *tap, dora_event **event, int64_t deadline)
{
    int rc = dora_next(tap->node, event, 0);
    if (rc != -ETIMEDOUT)
        return rc;
    int64_t now = clock_now();
    if (now >= deadline)
        return rc;
    fflush(stdout);
    if (tap->has_come && !tap->is_prompt) {
        tap->has_come = false;
        interrupt_sleep(clock_after(now, NAP) < deadline ? clock_after(now, NAP) : deadline);
        return dora_next(tap->node, event, 0);
    }
    return dora_next(tap->node, event, deadline - now < REST ? deadline - now : REST);
}

dora_event *tap_next(struct tap *tap, int64_t deadline)
{
    while (tap_goes_on(tap)) {
        dora_event *event;
        int rc = look(tap, &event, deadline);
        if (rc == 0 && dora_event_type(event) == DORA_EVENT_INPUT) {
            tap->has_come = true;
            return event;
        }
        if (rc == 0) {
            tell(event);
            continue;
        }
        if (rc == -ETIMEDOUT && clock_now() < deadline)
            continue;
        if (rc == -ETIMEDOUT)
            return NULL;
        tap->has_ended = true;
        if (rc != -ENODATA) {
            report_error("%s", dora_node_error(tap->node));
            tap->is_faulty = true;
        }
    }
    return NULL;
}

void tap_close(struct tap *tap)
{
    json_t *topic;
    size_t i;
    json_array_foreach(tap->topics, i, topic)
    {
        dora_input_stats stats;
        if (tap->node && dora_get_input_stats(tap->node, json_string_value(topic), &stats) == 0 && stats.dropped)
            fprintf(stderr, "%s: %" PRIu64 " messages came faster than they were read here, and were left out\n",
                    json_string_value(topic), stats.dropped);
    }
    dora_node_close(tap->node);
    json_decref(tap->topics);
    *tap = (struct tap){0};
}
