/* Sending: send_output() and its kin. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "gil.h"
#include "metadata.h"
#include "payload.h"

/* output_id, data, metadata, in this order or by name. */
struct args {
    PyObject *output, *data, *metadata;
};

static bool take_args(const char *function, Py_ssize_t least, PyObject *const *args, Py_ssize_t count, PyObject *names,
                      struct args *out)
{
    static const char *const keys[] = {"output_id", "data", "metadata"};
    PyObject *found[3] = {0};
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < count && i < 3; i++)
        found[i] = args[i];
    for (Py_ssize_t i = 0; i < named; i++) {
        int key = 0;
        while (key < 3 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), keys[key]) != 0)
            key++;
        if (key == 3 || found[key]) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected or repeated argument %R", function,
                         PyTuple_GET_ITEM(names, i));
            return false;
        }
        found[key] = args[count + i];
    }
    if (count > 3 || !found[0] || !found[1] || (least > 2 && !found[2])) {
        PyErr_Format(PyExc_TypeError, "%s() takes output_id, data%s", function,
                     least > 2 ? " and metadata" : ", and may take metadata");
        return false;
    }
    *out = (struct args){found[0], found[1], found[2] ? found[2] : Py_None};
    if (PyUnicode_Check(out->output))
        return true;
    PyErr_Format(PyExc_TypeError, "output_id must be a str, not %s", Py_TYPE(out->output)->tp_name);
    return false;
}

static bool is_id(const char *id)
{
    for (const char *c = id; *c; c++)
        if (!((*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || strchr("_./-", *c)))
            return false;
    return *id;
}

/* An output that the descriptor doesn't know is warned of, once, and nothing else. */
static int unknown_output(NodeObject *self, PyObject *output)
{
    const char *id = PyUnicode_AsUTF8(output);
    if (id && is_id(id) && strlen(id) == (size_t)PyUnicode_GET_LENGTH(output))
        return node_warn_once(self, output, "Ignoring output `%U` not in node's output list.", output);
    if (id)
        PyErr_Format(PyExc_RuntimeError,
                     "invalid output_id %R: an id has letters, digits and the characters . _ / and -", output);
    return -1;
}

/* Copies elements that don't lie side by side straight to a loan. */
static int send_strided(NodeObject *self, const struct args *args)
{
    PyObject *all = PyTuple_Pack(3, args->output, args->data, args->metadata);
    PyObject *done = all ? node_delegate(self, "_convert", "send_strided", all, NULL) : NULL;
    Py_XDECREF(all);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int send_payload(NodeObject *self, const struct args *args, struct payload *payload)
{
    Py_ssize_t len;
    const char *output = PyUnicode_AsUTF8AndSize(args->output, &len);
    if (output && strlen(output) != (size_t)len)
        return unknown_output(self, args->output);
    dora_params *params;
    if (!output || metadata_params(self, args->metadata, &params) < 0)
        return -1;
    if (payload->large)
        gil_release();
    int rc = dora_send_arrow(self->node, output, &payload->array, &payload->schema, params);
    if (payload->large)
        gil_take();
    dora_params_free(params);
    if (rc == -ENOENT)
        return unknown_output(self, args->output);
    return rc < 0 ? (error_raise(self, rc), -1) : 0;
}

static PyObject *send(NodeObject *self, const struct args *args)
{
    if (!node_enter(self))
        return NULL;
    struct payload payload;
    int rc = payload_open(self, args->data, &payload);
    if (rc == 0) {
        rc = send_payload(self, args, &payload);
        payload_close(&payload);
    } else if (rc == 1) {
        rc = send_strided(self, args);
    }
    node_leave(self);
    return rc < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *node_send_output(NodeObject *self, PyObject *const *items, Py_ssize_t count, PyObject *names)
{
    struct args args;
    return take_args("send_output", 2, items, count, names, &args) ? send(self, &args) : NULL;
}

/* Warns by the node's log, once for this key; what can't be sent is found by send(). */
static int warn(NodeObject *self, PyObject *key, const char *text)
{
    if (!node_enter(self))
        return -1;
    int rc = node_warn_once(self, key, "%s", text);
    node_leave(self);
    return rc;
}

static bool has_request(const NodeObject *self, PyObject *metadata)
{
    return PyDict_Check(metadata) && PyDict_GetItemWithError(metadata, self->state->names.request_id);
}

PyObject *node_send_service_request(NodeObject *self, PyObject *const *items, Py_ssize_t count, PyObject *names)
{
    struct args args;
    if (!take_args("send_service_request", 2, items, count, names, &args))
        return NULL;
    if (args.metadata != Py_None && !PyDict_Check(args.metadata))
        return PyErr_Format(PyExc_TypeError, "metadata must be a dict or None, not %s",
                            Py_TYPE(args.metadata)->tp_name);
    PyObject *key = self->state->names.request_id;
    if (has_request(self, args.metadata) &&
        warn(self, key, "send_service_request: overwriting caller-provided 'request_id' with auto-generated value") < 0)
        return NULL;
    char text[DORA_ID_SIZE];
    dora_new_id(text);
    PyObject *id = PyUnicode_FromString(text);
    PyObject *metadata = args.metadata == Py_None ? PyDict_New() : PyDict_Copy(args.metadata), *sent = NULL;
    if (id && metadata && PyDict_SetItem(metadata, key, id) == 0)
        sent = send(self, &(struct args){args.output, args.data, metadata});
    Py_XDECREF(metadata);
    if (!sent)
        Py_CLEAR(id);
    Py_XDECREF(sent);
    return id;
}

PyObject *node_send_service_response(NodeObject *self, PyObject *const *items, Py_ssize_t count, PyObject *names)
{
    struct args args;
    if (!take_args("send_service_response", 3, items, count, names, &args))
        return NULL;
    if (!PyDict_Check(args.metadata))
        return PyErr_Format(PyExc_TypeError, "metadata must be the request's, a dict, not %s",
                            Py_TYPE(args.metadata)->tp_name);
    if (!has_request(self, args.metadata) &&
        (PyErr_Occurred() || warn(self, args.output,
                                  "send_service_response: metadata is missing 'request_id': the response will not be "
                                  "matched to a request") < 0))
        return NULL;
    return send(self, &args);
}

PyObject *node_close_output(NodeObject *self, PyObject *output)
{
    const char *id = PyUnicode_Check(output) ? PyUnicode_AsUTF8(output) : NULL;
    if (!id)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "output_id must be a str");
    if (!node_enter(self))
        return NULL;
    int rc = dora_close_output(self->node, id);
    PyObject *result = rc < 0 ? error_raise(self, rc) : Py_NewRef(Py_None);
    node_leave(self);
    return result;
}
