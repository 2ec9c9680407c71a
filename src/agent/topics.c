/* Topics: what there is, and who wants to look at it. */
#include "agent/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { TOPICS_MOST = 4096 };

static json_t *subscribers_of(const struct participant *publisher, uint32_t output)
{
    json_t *subscribers = json_array();
    for (uint32_t i = 0; i < publisher->out_count; i++) {
        const struct wire *wire = publisher->out[i];
        for (uint32_t k = 0; k < wire->edge_count; k++)
            if (wire->edges[k].output == output && !wire->states[k].is_down && !wire->subscriber->is_watcher)
                json_array_append_new(subscribers,
                                      json_sprintf("%s/%s", wire->subscriber->node->id,
                                                   wire->subscriber->node->inputs[wire->edges[k].input].id));
    }
    return subscribers;
}

void topic_list(struct run *run, struct control_request *request, json_t *params)
{
    json_t *topics = json_array();
    (void)params;
    for (uint32_t i = 0; i < run->dataflow->count; i++) {
        const struct participant *publisher = run->dataflow->participants[i];
        if (!population_is_own(publisher))
            continue;
        for (uint32_t k = 0; k < publisher->node->output_count; k++) {
            const struct graph_output *output = &publisher->node->outputs[k];
            json_array_append_new(topics, json_pack("{s:o, s:s, s:s, s:o, s:o}", "name",
                                                    json_sprintf("%s/%s", publisher->node->id, output->id), "node",
                                                    publisher->node->id, "output", output->id, "type",
                                                    json_from_bytes(output->type), "subscribers",
                                                    subscribers_of(publisher, k)));
        }
    }
    control_answer(request, json_pack("{s:o}", "topics", topics));
}

static bool is_twice(const char *const *topics, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(topics[i], topics[index]) == 0)
            return true;
    return false;
}

void topic_watch(struct run *run, struct control_request *request, json_t *params)
{
    json_t *list = json_object_get(params, "topics"), *queue = json_object_get(params, "queue_size");
    size_t count = json_array_size(list);
    autofree const char **topics = calloc(count + 1, sizeof *topics);
    char config[PROTO_CONFIG_TEXT_MOST];
    struct error error = ERROR_INIT;
    bool is_right = topics && count > 0 && count <= TOPICS_MOST && (!queue || json_integer_value(queue) > 0);
    for (size_t i = 0; is_right && i < count; i++) {
        topics[i] = json_string_value(json_array_get(list, i));
        is_right = topics[i] && !is_twice(topics, i);
    }
    if (!is_right)
        control_refusef(request, "invalid", NULL,
                        "`topics` must be a list of 1 to %d different topics, `queue_size` above 0", TOPICS_MOST);
    else if (watcher_open(run->dataflow, topics, count, queue ? (uint64_t)json_integer_value(queue) : 10, config,
                          &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_pack("{s:s}", "config", config));
}

void topic_publish(struct run *run, struct control_request *request, json_t *params)
{
    const char *topic = json_get_text(params, "topic");
    char config[PROTO_CONFIG_TEXT_MOST];
    struct error error = ERROR_INIT;
    if (!topic)
        control_refusef(request, "invalid", NULL, "`topic` is needed");
    else if (watcher_publish(run->dataflow, topic, config, &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_pack("{s:s}", "config", config));
}
