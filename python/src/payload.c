#include "payload.h"

#include <string.h>

enum { LARGE = 32 * 1024 };

/* ---- Buffers ---- */

char payload_plain(const char *format, Py_ssize_t size)
{
    static const char signed_types[] = "bhilqn", unsigned_types[] = "BcHILQN";
    static const char signed_plain[] = "\0cs\0i\0\0\0l", unsigned_plain[] = "\0CS\0I\0\0\0L",
                      real_plain[] = "\0\0e\0f\0\0\0g";
    if (!format)
        return 'C';
    if (*format == '@' || *format == '=' || *format == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>'))
        format++;
    if (!*format || format[1] || size < 1 || size > 8)
        return 0;
    return strchr(signed_types, *format)     ? signed_plain[size]
           : strchr(unsigned_types, *format) ? unsigned_plain[size]
           : strchr("efd", *format)          ? real_plain[size]
                                             : 0;
}

static bool is_plain(const char *format)
{
    return !format[1] && strchr("cCsSiIlLefg", format[0]);
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void describe(struct payload *payload, const void *data, Py_ssize_t size, char format, Py_ssize_t width)
{
    payload->buffers[0] = NULL;
    payload->buffers[1] = data;
    payload->format[0] = format;
    payload->format[1] = '\0';
    payload->array = (struct ArrowArray){
        .length = size / width, .n_buffers = 2, .buffers = payload->buffers, .release = release_array};
    payload->schema = (struct ArrowSchema){.format = payload->format, .release = release_schema};
    payload->large = size >= LARGE;
}

enum opened { OPENED, STRIDED, UNKNOWN, FAILED };

static enum opened open_buffer(PyObject *data, struct payload *payload)
{
    Py_buffer *view = &payload->view;
    if (PyObject_GetBuffer(data, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) {
        view->obj = NULL;
        if (!PyErr_ExceptionMatches(PyExc_BufferError) && !PyErr_ExceptionMatches(PyExc_ValueError))
            return FAILED;
        PyErr_Clear();
        return UNKNOWN;
    }
    char format = payload_plain(view->format, view->itemsize);
    enum opened result = !format ? UNKNOWN : PyBuffer_IsContiguous(view, 'C') ? OPENED : STRIDED;
    if (result == OPENED)
        describe(payload, view->buf, view->len, format, view->itemsize);
    else
        PyBuffer_Release(view);
    return result;
}

/* ---- Arrow ---- */

static enum opened open_arrow(PyObject *capsules, struct payload *payload)
{
    payload->keeper = capsules;
    if (!PyTuple_Check(capsules) || PyTuple_GET_SIZE(capsules) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__() must give two capsules, of the schema and of the array");
        return FAILED;
    }
    const struct ArrowSchema *schema = PyCapsule_GetPointer(PyTuple_GET_ITEM(capsules, 0), "arrow_schema");
    const struct ArrowArray *array = schema ? PyCapsule_GetPointer(PyTuple_GET_ITEM(capsules, 1), "arrow_array") : NULL;
    if (!array)
        return FAILED;
    if (!array->release || !schema->release || !schema->format) {
        PyErr_SetString(PyExc_ValueError, "the Arrow array has been released already");
        return FAILED;
    }
    /* The capsules release what they have, with the GIL. */
    payload->array = *array;
    payload->array.release = release_array;
    payload->schema = *schema;
    payload->schema.release = release_schema;
    payload->large = array->length >= LARGE / 8 || !is_plain(schema->format);
    return OPENED;
}

/* Of a type that is a buffer, and no Arrow array; one look serves all of its objects. */
static bool is_mere_buffer(struct state *state, PyObject *data)
{
    if (Py_TYPE(data) == state->buffer_type)
        return true;
    if (!PyObject_CheckBuffer(data) || PyObject_HasAttr(data, state->names.__arrow_c_array__))
        return false;
    Py_XSETREF(state->buffer_type, (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(data)));
    return true;
}

static enum opened open_as_it_is(struct state *state, PyObject *data, struct payload *payload)
{
    if (PyBytes_CheckExact(data)) {
        describe(payload, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), 'C', 1);
        return OPENED;
    }
    if (is_mere_buffer(state, data))
        return open_buffer(data, payload);
    if (PyType_Check(data))
        return UNKNOWN; /* what has the method are its objects */
    PyObject *export = PyObject_GetAttr(data, state->names.__arrow_c_array__);
    if (!export && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return UNKNOWN;
    }
    PyObject *capsules = export ? PyObject_CallNoArgs(export) : NULL;
    Py_XDECREF(export);
    return capsules ? open_arrow(capsules, payload) : FAILED;
}

static enum opened open_converted(struct state *state, PyObject *data, struct payload *payload)
{
    PyObject *convert = module_import("dora._convert", "to_arrow");
    PyObject *array = convert ? PyObject_CallOneArg(convert, data) : NULL;
    Py_XDECREF(convert);
    if (!array)
        return FAILED;
    payload->converted = array;
    enum opened result = open_as_it_is(state, array, payload);
    if (result == OPENED || result == FAILED)
        return result;
    PyErr_Format(PyExc_RuntimeError, "can't send data of type %s", Py_TYPE(data)->tp_name);
    return FAILED;
}

int payload_open(NodeObject *self, PyObject *data, struct payload *payload)
{
    payload->keeper = payload->converted = NULL;
    payload->view.obj = NULL;
    enum opened result = open_as_it_is(self->state, data, payload);
    if (result == UNKNOWN)
        result = open_converted(self->state, data, payload);
    if (result == FAILED)
        payload_close(payload);
    return result == OPENED ? 0 : result == STRIDED ? 1 : -1;
}

void payload_close(struct payload *payload)
{
    if (payload->view.obj)
        PyBuffer_Release(&payload->view);
    Py_CLEAR(payload->keeper);
    Py_CLEAR(payload->converted);
}
