/* The same request to several daemons, and one answer of all of theirs. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

/* A machine that is cut off has its connection for a while yet: the others' answers are worth having without it. */
enum { PATIENCE_MS = 2000 };

struct gathering {
    size_t left;   /* daemons that have not answered */
    size_t users;  /* these, and the timer */
    json_t *lists; /* by key */
    bool has_answer, is_done;
    char *code, *message, *hint; /* of the first that failed */
    const char *const *keys;
    ask_done *done;
    void *context;
    uv_timer_t patience;
};

/* One of the daemons. */
struct asked {
    struct gathering *gathering;
    const struct machine *machine;
};

static void leave(struct gathering *gathering)
{
    if (--gathering->users > 0)
        return;
    json_decref(gathering->lists);
    free(gathering->code);
    free(gathering->message);
    free(gathering->hint);
    free(gathering);
}

static void on_timer_closed(uv_handle_t *handle)
{
    leave(handle->data);
}

static void finish(struct gathering *gathering)
{
    if (gathering->is_done)
        return;
    const struct control_fault fault = {.code = gathering->code ? gathering->code : "failed",
                                        .message = gathering->message ? gathering->message : "no daemon answers",
                                        .hint = gathering->hint};
    gathering->is_done = true;
    uv_close((uv_handle_t *)&gathering->patience, on_timer_closed);
    gathering->done(gathering->context, gathering->has_answer ? gathering->lists : NULL,
                    gathering->has_answer ? NULL : &fault);
}

static void on_patience(uv_timer_t *timer)
{
    finish(timer->data);
}

static void take(struct gathering *gathering, const struct machine *machine, const json_t *result)
{
    json_t *entry;
    size_t i;
    for (const char *const *key = gathering->keys; *key; key++)
        json_array_foreach(json_object_get(result, *key), i, entry)
        {
            /* What it says of another machine has that one's name already. */
            const char *whose = json_object_get(entry, "machine") ? "seen_by" : "machine";
            json_object_set_new(entry, whose, json_string(machine_label(machine)));
            json_array_append(json_object_get(gathering->lists, *key), entry);
        }
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asked *asked = context;
    struct gathering *gathering = asked->gathering;
    if (!gathering->is_done && result)
        take(gathering, asked->machine, result);
    gathering->has_answer |= result != NULL;
    if (fault && !gathering->code) {
        gathering->code = strdup(fault->code);
        gathering->message = strdup(fault->message);
        gathering->hint = fault->hint ? strdup(fault->hint) : NULL;
    }
    if (--gathering->left == 0)
        finish(gathering);
    leave(gathering);
}

static bool ask(struct gathering *gathering, const struct machine *machine, const char *method, json_t *params)
{
    static const struct control_calls calls = {.done = on_answer};
    struct asked *asked = machine->connection ? malloc(sizeof *asked) : NULL;
    if (!asked)
        return false;
    *asked = (struct asked){gathering, machine};
    if (control_send(machine->connection, method, json_deep_copy(params), &calls, asked) == 0)
        return true;
    free(asked);
    return false;
}

void ask_all(struct coordinator *coordinator, struct machine *const *machines, size_t count, const char *method,
             json_t *params, const char *const *keys, ask_done *done, void *context)
{
    static const struct control_fault no_memory = {.code = "internal",
                                                   .message = "the coordinator has no memory for this"};
    struct gathering *gathering = calloc(1, sizeof *gathering);
    if (!gathering || !(gathering->lists = json_object())) {
        free(gathering);
        json_decref(params);
        done(context, NULL, &no_memory);
        return;
    }
    gathering->users = 1;
    gathering->keys = keys;
    for (size_t i = 0; keys[i]; i++)
        json_object_set_new(gathering->lists, keys[i], json_array());
    gathering->done = done;
    gathering->context = context;
    gathering->patience.data = gathering;
    uv_timer_init(&coordinator->loop, &gathering->patience);
    for (size_t i = 0; i < count; i++)
        if (ask(gathering, machines[i], method, params)) {
            gathering->left++;
            gathering->users++;
        }
    json_decref(params);
    uv_update_time(&coordinator->loop);
    if (gathering->left > 0)
        uv_timer_start(&gathering->patience, on_patience, PATIENCE_MS, 0);
    else
        finish(gathering);
}

void ask_every(struct coordinator *coordinator, const char *method, json_t *params, const char *const *keys,
               ask_done *done, void *context)
{
    struct machine *machines[MACHINES_MOST];
    size_t count = 0;
    for (struct machine *machine = &coordinator->here; machine && count < MACHINES_MOST; machine = machine->next)
        machines[count++] = machine;
    ask_all(coordinator, machines, count, method, params, keys, done, context);
}
