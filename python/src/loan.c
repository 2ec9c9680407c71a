/* Memory on loan from the node: dora.SampleHandler. A plain one gives buffers, and is sent when none is open; one of
 * node.loan() gives a numpy array, which its user may well keep, and which keeps the memory: after it was sent the
 * array can't be written to any more, and the memory serves nothing else until it is gone. */
#include "loan.h"

#include <errno.h>

#include "error.h"
#include "metadata.h"
#include "payload.h"

typedef struct {
    PyObject ob_base;
    NodeObject *node;
    PyObject *output, *metadata;
    PyObject *shape, *dtype; /* of an array; NULL: a plain one */
    PyObject *array;         /* a weak reference to it, as it has this object for its base; NULL: not made yet */
    dora_sample *sample;
    Py_ssize_t views;
    char format[2];
    bool sent;
} LoanObject;

/* A plain one needs its memory no more when there is no view. Arrays are no views, but keep this object. */
static void release_unused(LoanObject *self)
{
    if (self->shape || self->views)
        return;
    dora_sample_release(self->sample);
    self->sample = NULL;
}

/* ---- Making one ---- */

static bool has_output(const NodeObject *self, const char *id)
{
    const char *output;
    for (size_t i = 0; (output = dora_output_name(self->node, i)); i++)
        if (strcmp(output, id) == 0)
            return true;
    return false;
}

static LoanObject *loan(NodeObject *self, PyObject *output, size_t size, PyObject *metadata, char format)
{
    const char *id = PyUnicode_AsUTF8(output);
    if (!id)
        return NULL;
    if (!has_output(self, id))
        return PyErr_Format(PyExc_RuntimeError, "Output `%U` not in node's output list.", output), NULL;
    if (metadata != Py_None && !PyDict_Check(metadata))
        return PyErr_Format(PyExc_TypeError, "metadata must be a dict or None, not %s", Py_TYPE(metadata)->tp_name),
               NULL;
    LoanObject *loan = PyObject_GC_New(LoanObject, self->state->loan_type);
    if (!loan)
        return NULL;
    loan->node = (NodeObject *)Py_NewRef((PyObject *)self);
    loan->output = Py_NewRef(output);
    loan->metadata = Py_NewRef(metadata);
    loan->shape = loan->dtype = loan->array = NULL;
    loan->sample = NULL;
    loan->views = 0;
    loan->format[0] = format;
    loan->format[1] = '\0';
    loan->sent = false;
    PyObject_GC_Track(loan);
    int rc = dora_loan(self->node, size, &loan->sample);
    if (rc == 0)
        return loan;
    error_raise(self, rc);
    Py_DECREF(loan);
    return NULL;
}

PyObject *node_send_output_raw(NodeObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"output_id", "data_length", "metadata", NULL};
    PyObject *output, *metadata = Py_None;
    Py_ssize_t length;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Un|O:send_output_raw", names, &output, &length, &metadata))
        return NULL;
    if (length < 0)
        return PyErr_Format(PyExc_OverflowError, "data_length can't be negative"), NULL;
    if (!node_enter(self))
        return NULL;
    LoanObject *result = loan(self, output, (size_t)length, metadata, 'C');
    node_leave(self);
    return (PyObject *)result;
}

/* The bytes of an array of this shape, a tuple; -1 with an exception. */
static Py_ssize_t size_of(PyObject *shape, Py_ssize_t width)
{
    Py_ssize_t size = width;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(shape) && size >= 0; i++) {
        Py_ssize_t extent = PyNumber_AsSsize_t(PyTuple_GET_ITEM(shape, i), PyExc_OverflowError);
        if (extent == -1 && PyErr_Occurred())
            size = -1;
        else if (extent < 0 || __builtin_mul_overflow(size, extent, &size)) {
            PyErr_Format(PyExc_ValueError, "there is no array of shape %R", shape);
            size = -1;
        }
    }
    return size;
}

/* The plain Arrow type of a numpy dtype; 0 with an exception. */
static char plain_of(PyObject *dtype, Py_ssize_t *width)
{
    PyObject *native = PyObject_GetAttrString(dtype, "isnative"), *code = PyObject_GetAttrString(dtype, "char");
    PyObject *size = PyObject_GetAttrString(dtype, "itemsize");
    const char *text = code ? PyUnicode_AsUTF8(code) : NULL;
    char plain = 0;
    if (text && size && native) {
        *width = PyLong_AsSsize_t(size);
        plain = native == Py_True ? payload_plain(text, *width) : 0;
        if (!plain && !PyErr_Occurred())
            PyErr_Format(PyExc_TypeError,
                         "no array of %R can be loaned: only integers and floats of 16 to 64 bits, and bytes", dtype);
    }
    Py_XDECREF(native);
    Py_XDECREF(code);
    Py_XDECREF(size);
    return plain;
}

/* Within node_enter. */
static LoanObject *loan_array(NodeObject *self, PyObject *output, PyObject *shape, PyObject *dtype, PyObject *metadata)
{
    Py_ssize_t width = 0;
    char format = plain_of(dtype, &width);
    Py_ssize_t size = format ? size_of(shape, width) : -1;
    LoanObject *result = size >= 0 ? loan(self, output, (size_t)size, metadata, format) : NULL;
    if (result) {
        result->shape = Py_NewRef(shape);
        result->dtype = Py_NewRef(dtype);
    }
    return result;
}

PyObject *node_loan(NodeObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"output_id", "shape", "dtype", "metadata", NULL};
    PyObject *output, *shape, *type = NULL, *metadata = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO|OO:loan", names, &output, &shape, &type, &metadata) ||
        !node_enter(self))
        return NULL;
    PyObject *numpy = PyImport_ImportModule("numpy"), *dtype = NULL;
    if (numpy)
        dtype = type ? PyObject_CallMethod(numpy, "dtype", "O", type) : PyObject_CallMethod(numpy, "dtype", "s", "u1");
    PyObject *extents = !dtype ? NULL : PyIndex_Check(shape) ? PyTuple_Pack(1, shape) : PySequence_Tuple(shape);
    LoanObject *result = extents ? loan_array(self, output, extents, dtype, metadata) : NULL;
    Py_XDECREF(extents);
    Py_XDECREF(dtype);
    Py_XDECREF(numpy);
    node_leave(self);
    return (PyObject *)result;
}

/* ---- Sending it ---- */

/* The array, if it was made and is alive. */
static PyObject *existing_array(const LoanObject *self)
{
    PyObject *array = NULL;
#if PY_VERSION_HEX >= 0x030d0000
    if (self->array)
        PyWeakref_GetRef(self->array, &array);
#else
    if (self->array && PyWeakref_GetObject(self->array) != Py_None)
        array = Py_NewRef(PyWeakref_GetObject(self->array));
#endif
    return array;
}

/* A caller that keeps the array must not change what was sent. */
static int freeze(LoanObject *self)
{
    PyObject *array = existing_array(self);
    if (!array)
        return 0;
    PyObject *flags = PyObject_GetAttrString(array, "flags");
    int rc = flags ? PyObject_SetAttrString(flags, "writeable", Py_False) : -1;
    Py_XDECREF(flags);
    Py_DECREF(array);
    return rc;
}

/* Within node_enter. */
static int transmit(LoanObject *self)
{
    NodeObject *node = self->node;
    const char *output = PyUnicode_AsUTF8(self->output);
    dora_params *params = NULL;
    self->sent = true; /* from the start: what is called meanwhile may try to send it too */
    if (!output || metadata_params(node, self->metadata, &params) < 0 || freeze(self) < 0) {
        dora_params_free(params);
        self->sent = false;
        return -1;
    }
    int rc = dora_share_sample(node->node, output, self->sample, self->format, params);
    dora_params_free(params);
    release_unused(self);
    return rc < 0 ? (error_raise(node, rc), -1) : 0;
}

static PyObject *loan_send(LoanObject *self, PyObject *unused)
{
    (void)unused;
    if (self->sent)
        return PyErr_Format(PyExc_RuntimeError, "Sample has already been sent");
    if (self->views && !self->shape)
        return PyErr_Format(PyExc_RuntimeError,
                            "Cannot send: %zd buffer view(s) are still open. Release all memoryview / numpy references "
                            "before calling send().",
                            self->views);
    if (!node_enter(self->node))
        return NULL;
    int rc = transmit(self);
    node_leave(self->node);
    return rc < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- As a buffer, and as a context ---- */

static int get_buffer(LoanObject *self, Py_buffer *view, int flags)
{
    if (self->sent || !self->sample) {
        PyErr_SetString(PyExc_BufferError, "Cannot access buffer: the sample has already been sent");
        view->obj = NULL;
        return -1;
    }
    int rc = PyBuffer_FillInfo(view, (PyObject *)self, dora_sample_data(self->sample),
                               (Py_ssize_t)dora_sample_size(self->sample), 0, flags);
    self->views += rc == 0;
    return rc;
}

static void release_buffer(LoanObject *self, Py_buffer *view)
{
    (void)view;
    self->views--;
    if (self->sent)
        release_unused(self);
}

static PyObject *as_array(LoanObject *self)
{
    PyObject *array = existing_array(self);
    if (array)
        return array;
    PyObject *make = module_import("numpy", "ndarray");
    array = make ? PyObject_CallFunction(make, "OOO", self->shape, self->dtype, self) : NULL;
    Py_XDECREF(make);
    PyObject *reference = array ? PyWeakref_NewRef(array, NULL) : NULL;
    if (!reference)
        Py_CLEAR(array);
    else
        Py_XSETREF(self->array, reference);
    return array;
}

static PyObject *as_buffer(LoanObject *self, PyObject *unused)
{
    (void)unused;
    if (self->sent)
        return PyErr_Format(PyExc_RuntimeError, "Cannot access buffer: the sample has already been sent");
    return self->shape ? as_array(self) : Py_NewRef((PyObject *)self);
}

static PyObject *as_memoryview(LoanObject *self, PyObject *unused)
{
    (void)unused;
    if (self->sent)
        return PyErr_Format(PyExc_RuntimeError, "Cannot access buffer: the sample has already been sent");
    return PyMemoryView_FromObject((PyObject *)self);
}

static PyObject *loan_exit(LoanObject *self, PyObject *args)
{
    if (PyTuple_GET_SIZE(args) < 1 || PyTuple_GET_ITEM(args, 0) == Py_None) {
        PyObject *done = self->sent ? Py_NewRef(Py_None) : loan_send(self, NULL);
        Py_XDECREF(done);
        return done ? Py_NewRef(Py_False) : NULL;
    }
    /* The memory goes back with the last view of it. */
    self->sent = true;
    release_unused(self);
    Py_RETURN_FALSE;
}

static Py_ssize_t loan_length(LoanObject *self)
{
    return self->sample ? (Py_ssize_t)dora_sample_size(self->sample) : 0;
}

/* ---- The type ---- */

static int loan_traverse(LoanObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->node);
    Py_VISIT(self->metadata);
    Py_VISIT(self->shape);
    Py_VISIT(self->dtype);
    return 0;
}

static int loan_clear(LoanObject *self)
{
    Py_CLEAR(self->array);
    Py_CLEAR(self->shape);
    Py_CLEAR(self->dtype);
    Py_CLEAR(self->metadata);
    return 0;
}

static void loan_dealloc(LoanObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    loan_clear(self);
    dora_sample_release(self->sample);
    Py_XDECREF(self->output);
    Py_XDECREF(self->node);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"as_buffer", (PyCFunction)as_buffer, METH_NOARGS,
     "as_buffer($self, /)\n--\n\nAn object to write through, by Python's buffer protocol."},
    {"as_memoryview", (PyCFunction)as_memoryview, METH_NOARGS,
     "as_memoryview($self, /)\n--\n\nA memoryview of the bytes. It has to be released before they are sent."},
    {"send", (PyCFunction)loan_send, METH_NOARGS, "send($self, /)\n--\n\nSend what was written."},
    {"__enter__", (PyCFunction)as_buffer, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)loan_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Shared memory to write to, and to send without a copy: see Node.send_output_raw and Node.loan."},
    {Py_tp_dealloc, loan_dealloc},
    {Py_tp_traverse, loan_traverse},
    {Py_tp_clear, loan_clear},
    {Py_bf_getbuffer, get_buffer},
    {Py_bf_releasebuffer, release_buffer},
    {Py_sq_length, loan_length},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec loan_spec = {
    .name = "dora.SampleHandler",
    .basicsize = sizeof(LoanObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
