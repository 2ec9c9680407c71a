#include "value.h"

#include <string.h>

static const char PLAIN_FORMATS[] = "cCsSiIlLefg";
static const char *const PLAIN_NAMES[PLAIN_TYPES] = {"int8",  "uint8",  "int16",   "uint16",  "int32",  "uint32",
                                                     "int64", "uint64", "float16", "float32", "float64"};

int value_prepare(struct state *state)
{
    if (state->arrow_tick)
        return 0;
    PyObject *pyarrow = PyImport_ImportModule("pyarrow");
    PyObject *array = pyarrow ? PyObject_GetAttrString(pyarrow, "Array") : NULL;
    if (array && !state->arrow_import)
        state->arrow_import = PyObject_GetAttrString(array, "_import_from_c");
    Py_XDECREF(array);
    for (int i = 0; i < PLAIN_TYPES && !PyErr_Occurred(); i++)
        if (!state->arrow_types[i])
            state->arrow_types[i] = PyObject_CallMethod(pyarrow, PLAIN_NAMES[i], NULL);
    if (!PyErr_Occurred())
        state->arrow_tick = PyObject_CallMethod(pyarrow, "nulls", "i", 0);
    Py_XDECREF(pyarrow);
    return PyErr_Occurred() ? -1 : 0;
}

/* The type is known where the format is one of the plain ones; that saves pyarrow making one of the schema. */
static PyObject *known_type(const struct state *state, const struct ArrowSchema *schema)
{
    if (schema->format[1] || schema->metadata || schema->dictionary || (schema->name && *schema->name))
        return NULL;
    const char *at = memchr(PLAIN_FORMATS, schema->format[0], PLAIN_TYPES);
    return at ? state->arrow_types[at - PLAIN_FORMATS] : NULL;
}

PyObject *value_of(struct state *state, const dora_event *event)
{
    if (value_prepare(state) < 0)
        return NULL;
    struct ArrowArray array;
    struct ArrowSchema schema;
    int rc = dora_event_arrow(event, &array, &schema);
    if (rc < 0)
        return PyErr_Format(PyExc_ValueError, "input `%s` has no valid Arrow array (error %d)", dora_event_id(event),
                            -rc);
    PyObject *type = known_type(state, &schema), *value = NULL;
    if (schema.format[0] == 'n' && array.length == 0 && !schema.metadata && !schema.dictionary)
        value = Py_NewRef(state->arrow_tick);
    PyObject *args[] = {PyLong_FromVoidPtr(&array), type ? Py_NewRef(type) : PyLong_FromVoidPtr(&schema)};
    if (!value && args[0] && args[1])
        value = PyObject_Vectorcall(state->arrow_import, args, 2, NULL);
    Py_XDECREF(args[0]);
    Py_XDECREF(args[1]);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return value;
}
