/* Values of JSON objects that somebody else made: what is missing or of another kind is empty. */
#ifndef CLI_JSON_VALUE_H
#define CLI_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

static inline const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static inline double json_number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

#endif
