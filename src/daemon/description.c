/* The dataflow as it is now, in the words of a descriptor: nodes come and go, and inputs are connected anew. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/write.h"

/* One that takes another's place stands for both as soon as it is there. */
static bool is_succeeded(const struct participant *participant)
{
    const struct dataflow *dataflow = participant->dataflow;
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (dataflow->participants[i]->replaces == participant && !dataflow->participants[i]->is_removed)
            return true;
    return participant->is_replaced;
}

/* Copies the inputs as they are connected to `inputs`; those that aren't are left out. */
static size_t copy_inputs(const struct participant *participant, struct graph_input *inputs)
{
    size_t count = 0;
    for (uint32_t i = 0; i < participant->node->input_count; i++) {
        const struct participant *publisher;
        uint32_t output;
        inputs[count] = participant->node->inputs[i];
        if (inputs[count].kind == GRAPH_INPUT_NODE) {
            if (!wiring_source(participant, i, &publisher, &output))
                continue;
            inputs[count].source = publisher->node->id;
            inputs[count].source_output = publisher->node->outputs[output].id;
        }
        count++;
    }
    return count;
}

int description_write(const struct dataflow *dataflow, struct buf *yaml, struct buf *json, struct error *error)
{
    size_t input_count = 0, used = 0;
    for (uint32_t i = 0; i < dataflow->count; i++)
        input_count += dataflow->participants[i]->node->input_count;
    autofree struct graph_node *nodes = calloc(dataflow->count + 1, sizeof *nodes);
    autofree struct graph_input *inputs = calloc(input_count + 1, sizeof *inputs);
    if (!nodes || !inputs)
        return error_set(error, -ENOMEM, "no memory to describe the dataflow");
    struct graph graph = *dataflow->graph;
    graph.nodes = nodes;
    graph.node_count = 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct participant *participant = dataflow->participants[i];
        if (participant->is_watcher || participant->is_removed || is_succeeded(participant))
            continue;
        struct graph_node *node = &nodes[graph.node_count++];
        *node = *participant->node;
        node->inputs = &inputs[used];
        node->input_count = copy_inputs(participant, node->inputs);
        used += node->input_count;
    }
    int rc = yaml ? graph_expand(&graph, yaml, error) : 0;
    return rc == 0 && json ? graph_json(&graph, json, error) : rc;
}

/* ---- What the nodes get ---- */

static int seal(const struct dataflow *dataflow, int *sealed, struct error *error)
{
    autobuf struct buf json = {0};
    int rc = description_write(dataflow, NULL, &json, error);
    if (rc < 0)
        return rc;
    autoclose int fd = memfd_create("dora-dataflow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_sys(error, -errno, "make shared memory for the descriptor");
    const char *text = json.data ? json.data : "";
    rc = write_all(fd, text, json.len + 1);
    if (rc < 0)
        return error_sys(error, rc, "write the descriptor to shared memory");
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return error_sys(error, -errno, "seal the descriptor's memory");
    *sealed = take_fd(&fd);
    return 0;
}

int description_seal(struct dataflow *dataflow, struct error *error)
{
    int sealed = -1;
    int rc = seal(dataflow, &sealed, error);
    if (rc < 0)
        return rc;
    cleanup_close(&dataflow->json);
    dataflow->json = sealed;
    dataflow->is_json_old = false;
    return 0;
}

/* ---- Checking ---- */

void description_warnings(const struct graph *graph, uint32_t lines_before, struct buf *warnings)
{
    for (size_t i = 0; warnings && i < graph->finding_count; i++) {
        const struct graph_finding *finding = &graph->findings[i];
        if (finding->severity == GRAPH_WARNING && finding->place.line > lines_before)
            buf_printf(warnings, "%s%s", warnings->len ? "\n" : "", finding->message);
    }
}

int description_check_types(const struct participant *publisher, uint32_t output, const struct participant *subscriber,
                            uint32_t input, struct buf *warnings, struct error *error)
{
    const struct dataflow *dataflow = publisher->dataflow;
    /* An operator of a host can't be described without the others. */
    if (!subscriber->node->inputs[input].type || publisher->host || subscriber->host)
        return 0;
    struct graph_node nodes[] = {*publisher->node, *subscriber->node};
    struct graph_input joined = subscriber->node->inputs[input];
    struct graph two = *dataflow->graph;
    joined.source = publisher->node->id;
    joined.source_output = publisher->node->outputs[output].id;
    nodes[0].input_count = 0;
    nodes[1].inputs = &joined;
    nodes[1].input_count = 1;
    two.nodes = publisher == subscriber ? &nodes[1] : nodes;
    two.node_count = publisher == subscriber ? 1 : 2;
    autobuf struct buf text = {0};
    int rc = graph_expand(&two, &text, error);
    if (rc < 0)
        return rc;
    struct graph *graph = graph_parse(text.data, text.len, dataflow->graph->path, NULL, error);
    if (!graph)
        return error && error->code < 0 ? error->code : -ENOMEM;
    for (size_t i = 0; i < graph->finding_count && rc == 0; i++)
        if (graph->findings[i].severity == GRAPH_ERROR && graph->findings[i].is_type)
            rc = error_set(error, -EINVAL, "%s", graph->findings[i].message);
    if (rc == 0)
        description_warnings(graph, 0, warnings);
    graph_free(graph);
    return rc;
}
