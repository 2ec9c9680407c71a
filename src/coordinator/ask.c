/* The same request to several daemons, and one answer of all of theirs. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

struct gathering {
    size_t left;
    json_t *list;
    bool has_answer;
    char *code, *message, *hint; /* of the first that failed */
    const char *key;
    ask_done *done;
    void *context;
};

/* One of the daemons. */
struct asked {
    struct gathering *gathering;
    const struct machine *machine;
};

static void one_less(struct gathering *gathering)
{
    if (--gathering->left > 0)
        return;
    const struct control_fault fault = {gathering->code ? gathering->code : "failed",
                                        gathering->message ? gathering->message : "no daemon can be asked",
                                        gathering->hint};
    gathering->done(gathering->context, gathering->has_answer ? gathering->list : NULL,
                    gathering->has_answer ? NULL : &fault);
    json_decref(gathering->list);
    free(gathering->code);
    free(gathering->message);
    free(gathering->hint);
    free(gathering);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asked *asked = context;
    struct gathering *gathering = asked->gathering;
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(result, gathering->key), i, entry)
    {
        json_object_set_new(entry, "machine", json_string(machine_label(asked->machine)));
        json_array_append(gathering->list, entry);
    }
    gathering->has_answer |= result != NULL;
    if (fault && !gathering->code) {
        gathering->code = strdup(fault->code);
        gathering->message = strdup(fault->message);
        gathering->hint = fault->hint ? strdup(fault->hint) : NULL;
    }
    one_less(gathering);
}

void ask_all(struct machine *const *machines, size_t count, const char *method, json_t *params, const char *key,
             ask_done *done, void *context)
{
    static const struct control_calls calls = {.done = on_answer};
    static const struct control_fault no_memory = {"internal", "the coordinator has no memory for this", NULL};
    struct gathering *gathering = calloc(1, sizeof *gathering);
    if (!gathering || !(gathering->list = json_array())) {
        free(gathering);
        json_decref(params);
        done(context, NULL, &no_memory);
        return;
    }
    gathering->left = 1;
    gathering->key = key;
    gathering->done = done;
    gathering->context = context;
    for (size_t i = 0; i < count; i++) {
        struct asked *asked = machines[i]->connection ? malloc(sizeof *asked) : NULL;
        if (!asked)
            continue;
        *asked = (struct asked){gathering, machines[i]};
        if (control_send(machines[i]->connection, method, json_deep_copy(params), &calls, asked) == 0)
            gathering->left++;
        else
            free(asked);
    }
    json_decref(params);
    one_less(gathering);
}

void ask_every(struct coordinator *coordinator, const char *method, json_t *params, const char *key, ask_done *done,
               void *context)
{
    struct machine *machines[MACHINES_MOST];
    size_t count = 0;
    for (struct machine *machine = &coordinator->here; machine && count < MACHINES_MOST; machine = machine->next)
        machines[count++] = machine;
    ask_all(machines, count, method, params, key, done, context);
}
