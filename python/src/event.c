#include "event.h"

#include <string.h>

#include "metadata.h"
#include "value.h"

/* Stores and gives up the value; false when it is NULL, or there is no memory. */
static bool put(PyObject *dict, PyObject *key, PyObject *value)
{
    bool done = value && PyDict_SetItem(dict, key, value) == 0;
    Py_XDECREF(value);
    return done;
}

static PyObject *new_dict(const struct state *state, dora_event_kind kind)
{
    PyObject *dict = PyDict_New();
    if (dict && (PyDict_SetItem(dict, state->names.kind, state->names.dora) < 0 ||
                 PyDict_SetItem(dict, state->names.type, state->event_names[kind]) < 0))
        Py_CLEAR(dict);
    return dict;
}

PyObject *event_error(struct state *state, const char *text)
{
    PyObject *dict = new_dict(state, DORA_EVENT_ERROR);
    if (dict && !put(dict, state->names.error, PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace")))
        Py_CLEAR(dict);
    return dict;
}

/* The name of an input that delivers is the same text until the node is closed. */
static PyObject *input_name(NodeObject *self, const dora_event *event)
{
    const char *id = dora_event_id(event);
    if (id != self->last_id) {
        PyObject *name = PyUnicode_FromString(id);
        if (!name)
            return NULL;
        Py_XSETREF(self->last_name, name);
        self->last_id = id;
    }
    return Py_NewRef(self->last_name);
}

static bool put_input(NodeObject *self, PyObject *dict, const dora_event *event)
{
    const struct names *names = &self->state->names;
    return put(dict, names->id, input_name(self, event)) && put(dict, names->value, value_of(self->state, event)) &&
           put(dict, names->metadata, metadata_of(self->state, event));
}

/* What dora's Python files make of it. */
static PyObject *made_of(NodeObject *self, const char *function, const char *id, const char *text)
{
    PyObject *args = Py_BuildValue("(ss)", id, text);
    PyObject *value = args ? node_delegate(self, "_node", function, args, NULL) : NULL;
    Py_XDECREF(args);
    return value;
}

static bool put_others(NodeObject *self, PyObject *dict, const dora_event *event)
{
    const struct names *names = &self->state->names;
    dora_event_kind kind = dora_event_type(event);
    const char *id = dora_event_id(event);
    if (kind == DORA_EVENT_ERROR)
        return put(dict, names->error, PyUnicode_FromString(dora_event_text(event)));
    if (*id && !put(dict, names->id, PyUnicode_FromString(id)))
        return false;
    if (kind == DORA_EVENT_NODE_FAILED)
        return put(dict, names->value, made_of(self, "failure", id, dora_event_text(event)));
    if (kind == DORA_EVENT_PARAM_UPDATE) {
        size_t size;
        const char *json = dora_event_data(event, &size);
        return put(dict, names->value, made_of(self, "parameter", "", json ? json : "null"));
    }
    return true;
}

static PyObject *dict_of(NodeObject *self, const dora_event *event)
{
    dora_event_kind kind = dora_event_type(event);
    PyObject *dict = new_dict(self->state, kind);
    if (dict && !(kind == DORA_EVENT_INPUT ? put_input(self, dict, event) : put_others(self, dict, event)))
        Py_CLEAR(dict);
    return dict;
}

/* An Error event instead of what the input's sender got wrong; the exception says what. */
static PyObject *refuse(NodeObject *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    PyObject *dict = message ? event_error(self->state, message) : NULL;
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return dict;
}

PyObject *event_dict(NodeObject *self, const dora_event *event)
{
    PyObject *dict = dict_of(self, event);
    if (!dict && dora_event_type(event) == DORA_EVENT_INPUT && PyErr_ExceptionMatches(PyExc_ValueError))
        dict = refuse(self);
    return dict;
}
