#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator/table.h"

struct Input {
    struct operator_face face;
    struct fake_input as;
};

struct fake {
    struct operator_face face;
    dora_node *node;
    const dora_event *event;
    const char *refuses;
    void *context;
    char error[256], sent[256];
};

static char *read_id(const Input_t *input)
{
    return strdup(input->as.id);
}

static Vec_uint8_t read_data(Input_t *input)
{
    (void)input;
    return (Vec_uint8_t){0};
}

static const void *data(const Input_t *input, size_t *size, const char **format)
{
    *size = input->as.text ? strlen(input->as.text) : 0;
    *format = input->as.format;
    return input->as.text;
}

static const dora_event *event(const Input_t *input)
{
    (void)input;
    return NULL;
}

static DoraResult_t send(void *env, const char *id, const uint8_t *bytes, size_t size)
{
    struct fake *fake = env;
    if (!fake->refuses) {
        snprintf(fake->sent, sizeof fake->sent, "%s: %.*s", id, (int)size, (const char *)bytes);
        return (DoraResult_t){NULL};
    }
    Vec_uint8_t *error = malloc(sizeof *error);
    if (!error)
        abort();
    *error = (Vec_uint8_t){(uint8_t *)strdup(fake->refuses), strlen(fake->refuses), strlen(fake->refuses) + 1};
    return (DoraResult_t){error};
}

static dora_node *node(void *env)
{
    return ((struct fake *)env)->node;
}

static const dora_event *current(void *env)
{
    return ((struct fake *)env)->event;
}

static const struct operator_table table = {sizeof table, read_id, read_data, event, send, node, current, data};
static struct fake fake = {.face = {OPERATOR_MAGIC, &table}};

void fake_set(dora_node *its_node, const dora_event *its_event)
{
    fake.node = its_node;
    fake.event = its_event;
}

const void *fake_outputs(void)
{
    static SendOutput_t outputs = {{.env_ptr = &fake}};
    return &outputs;
}

void fake_refuse(const char *error)
{
    fake.refuses = error;
}

/* The text of a result, which is freed. */
static const char *error_of(DoraResult_t result)
{
    fake.error[0] = '\0';
    if (!result.error)
        return fake.error;
    snprintf(fake.error, sizeof fake.error, "%.*s", (int)result.error->len, (const char *)result.error->ptr);
    if (result.error->cap)
        free(result.error->ptr);
    free(result.error);
    return fake.error;
}

static struct fake_result on_event(RawEvent_t raw)
{
    fake.sent[0] = '\0';
    OnEventResult_t result = dora_on_event(&raw, fake_outputs(), fake.context);
    return (struct fake_result){error_of(result.result), result.status, fake.sent};
}

const char *fake_init(void)
{
    DoraInitResult_t result = dora_init_operator();
    fake.context = result.operator_context;
    return error_of(result.result);
}

struct fake_result fake_input(struct fake_input input)
{
    struct Input passed = {{OPERATOR_MAGIC, &table}, input};
    return on_event((RawEvent_t){.input = &passed});
}

struct fake_result fake_input_closed(const char *id)
{
    return on_event((RawEvent_t){.input_closed = {(uint8_t *)id, strlen(id), 0}});
}

struct fake_result fake_stop(void)
{
    return on_event((RawEvent_t){.stop = true});
}

struct fake_result fake_nothing(void)
{
    return on_event((RawEvent_t){0});
}

const char *fake_drop(void)
{
    return error_of(dora_drop_operator(fake.context));
}
