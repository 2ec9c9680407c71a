/* How the links to other machines do, as the gateway tells. */
#include "agent/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Who looks at the nodes doesn't wait longer for the gateway. */
static const int64_t patience = CLOCK_SECOND / 2;

struct metrics_wait {
    struct control_request *request; /* NULL: answered without the gateway */
    json_t *result;
    char only[DATAFLOW_ID_MOST]; /* "": all */
    struct alarm *alarm;
};

static void answer(struct metrics_wait *wait)
{
    alarm_close(take_ptr(wait->alarm));
    if (wait->request)
        control_answer(take_ptr(wait->request), take_ptr(wait->result));
}

static void on_late(void *context)
{
    answer(context);
}

static void on_told(void *context, json_t *told, const struct control_fault *fault)
{
    autofree struct metrics_wait *wait = context;
    (void)fault;
    json_t *edges = json_object_get(told, "edges"), *machines = json_object_get(told, "machines"), *edge;
    size_t i;
    if (wait->result && json_is_array(machines) && json_is_array(edges)) {
        json_t *wanted = json_array();
        json_array_foreach(edges, i, edge)
        {
            const char *dataflow = json_get_text(edge, "dataflow");
            if (!*wait->only || (dataflow && strcmp(dataflow, wait->only) == 0))
                json_array_append(wanted, edge);
        }
        json_object_set(wait->result, "machines", machines);
        json_object_set_new(wait->result, "edges", wanted);
    }
    answer(wait);
}

void gateway_metrics(struct agent *agent, struct control_request *request, json_t *result, const struct run *only)
{
    struct metrics_wait *wait = calloc(1, sizeof *wait);
    if (!wait || alarm_open(&wait->alarm, agent->loop, on_late, wait, NULL) < 0) {
        free(wait);
        control_answer(request, result);
        return;
    }
    wait->request = request;
    wait->result = result;
    strcpy(wait->only, only ? only->uuid : "");
    if (gateway_ask(agent->gateway, "metrics", NULL, &(struct control_calls){.done = on_told}, wait) < 0) {
        answer(wait);
        free(wait);
        return;
    }
    alarm_set(wait->alarm, patience);
}
