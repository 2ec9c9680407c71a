/* libdora_operator_api_c.a: each function looks who the host is, and calls it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator/table.h"

static const char FOREIGN[] = "this operator is built with dora's C library for operators, which is not for this host";

static const struct operator_table *table_of(const void *face)
{
    const struct operator_face *known = face;
    if (known && known->magic == OPERATOR_MAGIC)
        return known->table;
    fprintf(stderr, "%s\n", FOREIGN);
    return NULL;
}

char *dora_read_input_id(const Input_t *input)
{
    const struct operator_table *table = table_of(input);
    return table ? table->read_id(input) : strdup("");
}

void dora_free_input_id(char *input_id)
{
    free(input_id);
}

Vec_uint8_t dora_read_data(Input_t *input)
{
    const struct operator_table *table = table_of(input);
    return table ? table->read_data(input) : (Vec_uint8_t){0};
}

void dora_free_data(Vec_uint8_t data)
{
    if (data.cap > 0)
        free(data.ptr);
}

DoraResult_t dora_send_operator_output(const SendOutput_t *send_output, const char *id, const uint8_t *data_ptr,
                                       size_t data_len)
{
    void *env = send_output->send_output.env_ptr;
    const struct operator_table *table = table_of(env);
    if (table)
        return table->send(env, id, data_ptr, data_len);
    Vec_uint8_t *error = malloc(sizeof *error);
    if (error)
        *error = (Vec_uint8_t){(uint8_t *)strdup(FOREIGN), sizeof FOREIGN - 1, sizeof FOREIGN};
    return (DoraResult_t){error};
}

dora_node *dora_operator_node(const SendOutput_t *send_output)
{
    void *env = send_output->send_output.env_ptr;
    const struct operator_table *table = table_of(env);
    return table ? table->node(env) : NULL;
}

const dora_event *dora_operator_event(const Input_t *input)
{
    const struct operator_table *table = table_of(input);
    return table ? table->event(input) : NULL;
}

const dora_event *dora_operator_current(const SendOutput_t *send_output)
{
    void *env = send_output->send_output.env_ptr;
    const struct operator_table *table = table_of(env);
    return table ? table->current(env) : NULL;
}

const void *dora_operator_data(const Input_t *input, size_t *size, const char **format)
{
    const struct operator_table *table = table_of(input);
    if (table)
        return table->data(input, size, format);
    *size = 0;
    *format = "";
    return NULL;
}
