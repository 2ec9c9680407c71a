#include "cli/dataflow_outcome.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/json_value.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/summary.h"

static bool is_one_of(const char *word, const char *first, const char *second)
{
    return strcmp(word, first) == 0 || strcmp(word, second) == 0;
}

bool dataflow_has_ended(const json_t *dataflow)
{
    return is_one_of(json_text(dataflow, "status"), "finished", "failed");
}

bool dataflow_report_outcome(const json_t *dataflow)
{
    if (strcmp(json_text(dataflow, "status"), "failed") != 0)
        return true;
    progress_clear();
    const json_t *list = json_object_get(dataflow, "nodes");
    size_t count = json_array_size(list);
    autofree struct node_result *nodes = calloc(count + 1, sizeof *nodes);
    if (!nodes) {
        report_error("Dataflow failed");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *node = json_array_get(list, i);
        const char *status = json_text(node, "status"), *because = json_text(node, "because");
        nodes[i] = (struct node_result){
            .id = json_text(node, "id"),
            .ok = strcmp(status, "failed") != 0,
            .dynamic = strcmp(json_text(node, "kind"), "dynamic") == 0,
            .cause = *because                        ? NODE_CASCADING
                     : strcmp(status, "failed") == 0 ? NODE_EXITED
                                                     : NODE_FINISHED,
            .because = *because ? because : NULL,
            .message = json_text(node, "message"),
            .stderr_tail = json_text(node, "stderr"),
        };
    }
    struct dataflow_result result = {.node_count = count, .nodes = nodes};
    if (*json_text(dataflow, "error"))
        result.error = json_text(dataflow, "error");
    summary_print(&result, json_text(dataflow, "uuid"));
    return false;
}

size_t dataflow_count_started(const json_t *dataflow, size_t *all)
{
    const json_t *list = json_object_get(dataflow, "nodes");
    size_t started = 0;
    *all = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *node = json_array_get(list, i);
        const char *status = json_text(node, "status");
        if (strcmp(json_text(node, "kind"), "dynamic") == 0)
            continue;
        ++*all;
        started += is_one_of(status, "running", "finished");
    }
    return started;
}
