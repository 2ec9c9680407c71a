/* What goes over the links and what the nodes use, for whoever looks at the dataflows. */
#include "agent/parts.h"

#include <string.h>
#include <time.h>

#include "agent/usage.h"

/* Over less time than this the processor's use says little. */
static const int64_t window_least = CLOCK_SECOND;

/* Percent of one core since it was asked for before, at least `window_least` ago; where it wasn't, since the process
 * was started. So who asks often doesn't shorten the time for another. */
static double percent(struct cpu_window *window, pid_t pid, int64_t used, int64_t now)
{
    if (window->pid != pid)
        *window = (struct cpu_window){.pid = pid, .since_ns = now - usage_age(pid), .last_ns = now, .last_used = used};
    if (now - window->last_ns >= window_least) {
        window->since_ns = window->last_ns;
        window->since_used = window->last_used;
        window->last_ns = now;
        window->last_used = used;
    }
    /* What a process takes to start says nothing of what it takes. */
    int64_t elapsed = now - window->since_ns > window_least ? now - window->since_ns : window_least;
    return used > window->since_used ? 100.0 * (double)(used - window->since_used) / (double)elapsed : 0;
}

struct usage metrics_usage(struct participant *participant)
{
    pid_t pid = participant->pid, partner = participant->peer ? participant->peer->pid : 0;
    if (partner == pid)
        partner = 0;
    struct usage usage = {0};
    if (participant->host && participant->peer) { /* relaxed: only for show */
        usage.cpu_ns =
            usage_thread_cpu(partner, atomic_load_explicit(&participant->peer->page->thread, memory_order_relaxed));
    } else if (!participant->host) {
        usage.cpu_ns = usage_cpu(pid) + usage_cpu(partner);
        usage.memory = usage_memory(pid) + usage_memory(partner);
    }
    usage.cpu = percent(&participant->cpu, pid ? pid : partner, usage.cpu_ns, clock_now());
    return usage;
}

static json_t *source_of(const struct participant *subscriber, uint32_t input)
{
    const struct participant *publisher;
    uint32_t output;
    return wiring_source(subscriber, input, &publisher, &output)
               ? json_sprintf("%s/%s", publisher->node->id, publisher->node->outputs[output].id)
               : json_null();
}

/* [upper bound in ns, messages] of each bucket that has any. */
static json_t *delays_json(const uint64_t counts[LINK_DELAYS])
{
    json_t *delays = json_array();
    for (size_t i = 0; i < LINK_DELAYS; i++)
        if (counts[i])
            json_array_append_new(delays, json_pack("[I, I]", (json_int_t)link_delay_ns(i), (json_int_t)counts[i]));
    return delays;
}

json_t *metrics_inputs(struct participant *participant)
{
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < participant->node->input_count; i++) {
        if (participant->node->inputs[i].kind != GRAPH_INPUT_NODE)
            continue;
        struct port_count count = participant->received[i];
        uint64_t queued = 0, delays[LINK_DELAYS] = {0};
        for (uint32_t k = 0; k < participant->in_count; k++) {
            struct wire *wire = participant->in[k];
            struct link_counters now;
            for (uint32_t e = 0; e < wire->edge_count; e++) {
                if (wire->edges[e].input != i || !counters_read(wire, e, &now))
                    continue;
                /* They are read one by one, while messages flow. */
                uint64_t gone = now.dropped + now.queued;
                count.messages += now.sent > gone ? now.sent - gone : 0;
                count.dropped += now.dropped;
                count.bytes += now.bytes;
                queued += now.queued;
                counters_delays(wire, e, delays);
            }
        }
        json_array_append_new(inputs,
                              json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:o}", "id", participant->node->inputs[i].id,
                                        "source", source_of(participant, i), "received", (json_int_t)count.messages,
                                        "dropped", (json_int_t)count.dropped, "queued", (json_int_t)queued, "bytes",
                                        (json_int_t)count.bytes, "delays", delays_json(delays)));
    }
    return inputs;
}

json_t *metrics_outputs(struct participant *participant)
{
    json_t *outputs = json_array();
    counters_sample(participant);
    for (uint32_t i = 0; i < participant->node->output_count; i++) {
        int subscribers = 0;
        for (uint32_t k = 0; k < participant->out_count; k++)
            for (uint32_t e = 0; e < participant->out[k]->edge_count; e++)
                subscribers += participant->out[k]->edges[e].output == i && participant->out[k]->link &&
                               !participant->out[k]->states[e].is_down;
        json_array_append_new(outputs, json_pack("{s:s, s:I, s:I, s:i}", "id", participant->node->outputs[i].id, "sent",
                                                 (json_int_t)participant->sent[i].messages, "bytes",
                                                 (json_int_t)participant->sent[i].bytes, "subscribers", subscribers));
    }
    return outputs;
}

static json_t *describe_briefly(const struct run *run, struct participant *participant)
{
    /* Who adds them up shall not count an operator, which its host has in it. */
    struct usage usage = participant->host ? (struct usage){0} : metrics_usage(participant);
    return json_pack("{s:s, s:s, s:f, s:I}", "dataflow", run->uuid, "node", participant->node->id, "cpu", usage.cpu,
                     "memory", (json_int_t)usage.memory);
}

static json_t *describe(const struct run *run, struct participant *participant)
{
    json_t *node = node_describe(participant);
    struct usage usage = metrics_usage(participant);
    json_t *object =
        json_pack("{s:s, s:o, s:s, s:O, s:O, s:O, s:f, s:I, s:I, s:o, s:o}", "dataflow", run->uuid, "name",
                  json_from_bytes(run->name), "node", participant->node->id, "status", json_object_get(node, "status"),
                  "pid", json_object_get(node, "pid"), "restarts", json_object_get(node, "restarts"), "cpu", usage.cpu,
                  "cpu_time", (json_int_t)usage.cpu_ns, "memory", (json_int_t)usage.memory, "inputs",
                  metrics_inputs(participant), "outputs", metrics_outputs(participant));
    if (object && participant->host)
        json_object_set_new(object, "host", json_string(participant->host->node->id));
    json_decref(node);
    return object;
}

void agent_metrics(struct agent *agent, struct control_request *request, json_t *params)
{
    struct run *only = NULL;
    if (json_get_text(params, "dataflow") && !(only = agent_run(agent, request, params)))
        return;
    bool is_brief = json_is_true(json_object_get(params, "brief"));
    json_t *(*as)(const struct run *, struct participant *) = is_brief ? describe_briefly : describe;
    json_t *nodes = json_array();
    for (struct run *run = agent->runs; run; run = run->next) {
        if (!run->dataflow || (only && run != only))
            continue;
        for (uint32_t i = 0; i < run->dataflow->count; i++)
            if (population_is_own(run->dataflow->participants[i]))
                json_array_append_new(nodes, as(run, run->dataflow->participants[i]));
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    json_t *result = json_pack("{s:f, s:o}", "time", (double)now.tv_sec + (double)now.tv_nsec / 1e9, "nodes", nodes);
    if (is_brief || !gateway_is_open(agent->gateway))
        control_answer(request, result);
    else
        gateway_metrics(agent, request, result, only);
}
