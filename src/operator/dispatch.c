#include "operator/dispatch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "operator/library.h"
#include "operator/table.h"

struct Input {
    struct operator_face face;
    const dora_event *event;
    bool was_read;
};

struct library_operator {
    struct operator_face face; /* first: SendOutput_t's env_ptr points to it */
    dora_node *node;
    struct operator_library library;
    void *operator_context;
    SendOutput_t send_output;
    Input_t input;
    const dora_event *current;
    _Atomic bool has_warned;
};

/* ---- What an operator hands over ---- */

/* Takes over the result. `what` says in which call it failed. */
static int take(DoraResult_t result, struct error *error, const char *what, const char *id)
{
    if (!result.error)
        return 0;
    Vec_uint8_t *text = result.error;
    const char *quote = *id ? "`" : "";
    if (text->ptr && text->len > 0)
        error_set(error, -EIO, "%s%s%s%s: %.*s", what, *id ? " `" : "", id, quote, (int)text->len,
                  (const char *)text->ptr);
    else
        error_set(error, -EIO, "%s%s%s%s: the operator says that it failed, and not why", what, *id ? " `" : "", id,
                  quote);
    if (text->cap > 0)
        free(text->ptr);
    free(text);
    return -EIO;
}

/* The text becomes the operator's. What there is no memory for is a success that a line on standard error contradicts.
 */
static DoraResult_t failure(const char *text)
{
    Vec_uint8_t *error = malloc(sizeof *error);
    uint8_t *copy = (uint8_t *)strdup(text);
    if (error && copy) {
        *error = (Vec_uint8_t){copy, strlen(text), strlen(text) + 1};
        return (DoraResult_t){error};
    }
    fprintf(stderr, "dora_send_operator_output: %s\n", text);
    free(error);
    free(copy);
    return (DoraResult_t){NULL};
}

/* ---- What an operator calls ---- */

static char *read_id(const Input_t *input)
{
    return strdup(dora_event_id(input->event));
}

static Vec_uint8_t read_data(Input_t *input)
{
    static const Vec_uint8_t nothing;
    const char *format = dora_event_format(input->event);
    if (strcmp(format, "n") == 0)
        return nothing;
    if (strcmp(format, "C") != 0) {
        fprintf(stderr,
                "dora_read_data: input `%s` carries an Arrow array of type `%s`, not bytes: read it with operator.h\n",
                dora_event_id(input->event), format);
        return nothing;
    }
    if (input->was_read) {
        fprintf(stderr, "dora_read_data: input `%s` is read a second time during one event\n",
                dora_event_id(input->event));
        return nothing;
    }
    input->was_read = true;
    size_t size;
    const void *data = dora_event_data(input->event, &size);
    /* No bytes are not nothing: ptr isn't NULL. */
    size_t room = size > 0 ? size : 1;
    uint8_t *copy = malloc(room);
    if (!copy)
        return nothing;
    if (size > 0)
        memcpy(copy, data, size);
    return (Vec_uint8_t){copy, size, room};
}

static const dora_event *get_event(const Input_t *input)
{
    return input->event;
}

/* As dora does: an output that the descriptor doesn't have gets a warning, the first time. */
static void warn_unknown(struct library_operator *self, const char *id)
{
    /* relaxed: at worst two threads warn. */
    if (!atomic_exchange_explicit(&self->has_warned, true, memory_order_relaxed))
        fprintf(stderr, "dora: operator `%s` sends on `%s`, which is not among its outputs; nothing is sent\n",
                dora_node_id(self->node), id);
}

static DoraResult_t send(void *env, const char *id, const uint8_t *data, size_t size)
{
    struct library_operator *self = env;
    if (!id || (!data && size > 0))
        return failure(id ? "no data given" : "no output id given");
    int rc = dora_send(self->node, id, data, size, NULL);
    if (rc == -ENOENT)
        warn_unknown(self, id);
    /* That a stop cuts off what waits for room is no failure of the operator's. */
    return rc == 0 || rc == -ENOENT || rc == -ECANCELED ? (DoraResult_t){NULL} : failure(dora_node_error(self->node));
}

static dora_node *get_node(void *env)
{
    return ((struct library_operator *)env)->node;
}

static const dora_event *get_current(void *env)
{
    return ((struct library_operator *)env)->current;
}

static const void *get_data(const Input_t *input, size_t *size, const char **format)
{
    *format = dora_event_format(input->event);
    return dora_event_data(input->event, size);
}

static const struct operator_table table = {
    .size = sizeof table,
    .read_id = read_id,
    .read_data = read_data,
    .event = get_event,
    .send = send,
    .node = get_node,
    .current = get_current,
    .data = get_data,
};

/* ---- The kind ---- */

static void keep_env(void *env)
{
    (void)env; /* it lives as long as the operator */
}

static int init(void *context, const struct operator_config *config, void **out, struct error *error)
{
    (void)context;
    autofree struct library_operator *self = calloc(1, sizeof *self);
    if (!self)
        return error_set(error, -ENOMEM, "no memory for an operator");
    int rc = library_open(&self->library, config->file, error);
    if (rc < 0)
        return rc;
    self->face = self->input.face = (struct operator_face){OPERATOR_MAGIC, &table};
    self->send_output.send_output =
        (ArcDynFn1_DoraResult_Output_t){.env_ptr = self, .release = keep_env, .retain = keep_env};
    DoraInitResult_t result = self->library.init.init_operator();
    rc = take(result.result, error, "dora_init_operator", "");
    self->operator_context = result.operator_context;
    if (rc == 0)
        *out = take_ptr(self);
    return rc;
}

static int joined(void *pointer, dora_node *node, struct error *error)
{
    (void)error;
    ((struct library_operator *)pointer)->node = node;
    return 0;
}

static int on_event(struct library_operator *self, RawEvent_t *raw, struct error *error, const char *what,
                    const char *id)
{
    OnEventResult_t result = self->library.on_event.on_event(raw, &self->send_output, self->operator_context);
    int rc = take(result.result, error, what, id);
    if (rc < 0)
        return rc;
    switch (result.status) {
    case DORA_STATUS_CONTINUE:
        return OPERATOR_CONTINUE;
    case DORA_STATUS_STOP:
        return OPERATOR_STOP;
    case DORA_STATUS_STOP_ALL:
        return OPERATOR_STOP_ALL;
    default:
        return error_set(error, -EINVAL, "dora_on_event returned the status %u, which there is not", result.status);
    }
}

/* Without capacity, so that nobody takes it for his own. */
static Vec_uint8_t lend(const char *text)
{
    return (Vec_uint8_t){(uint8_t *)text, strlen(text), 0};
}

static int event(void *pointer, dora_event *event, struct error *error)
{
    struct library_operator *self = pointer;
    RawEvent_t raw = {0};
    self->current = event;
    switch (dora_event_type(event)) {
    case DORA_EVENT_INPUT:
        self->input.event = event;
        self->input.was_read = false;
        raw.input = &self->input;
        return on_event(self, &raw, error, "input", dora_event_id(event));
    case DORA_EVENT_INPUT_CLOSED:
        raw.input_closed = lend(dora_event_id(event));
        return on_event(self, &raw, error, "the end of input", dora_event_id(event));
    case DORA_EVENT_STOP:
        raw.stop = true;
        return on_event(self, &raw, error, "stop", "");
    case DORA_EVENT_ERROR:
        raw.error = lend(dora_event_text(event));
        return on_event(self, &raw, error, "an error", "");
    default: /* for operators that ask dora_operator_current which it is */
        return on_event(self, &raw, error, "an event", "");
    }
}

static int drop(void *pointer, struct error *error)
{
    autofree struct library_operator *self = pointer;
    return take(self->library.drop.drop_operator(self->operator_context), error, "dora_drop_operator", "");
}

const struct operator_kind library_kind = {.init = init, .joined = joined, .event = event, .drop = drop};
