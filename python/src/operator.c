/* Operators in Python: the kind of operator that the host (src/operator) runs beside those in shared libraries. What an
 * operator's code is, and what is made of its exceptions, is in dora/_operator.py.
 *
 * A thread of the host has the GIL in the functions of the kind, and is without it between them.
 */
#include "operator.h"

#include <dlfcn.h>
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "event.h"
#include "gil.h"
#include "metadata.h"
#include "node.h"
#include "node/node_raw.h"
#include "operator/host.h"
#include "value.h"

struct host_context {
    struct state *state;
    PyObject *codes;  /* a dict: its `connect` → dora._operator.Code */
    PyObject *report; /* of dora._operator */
};

struct hosted {
    const struct host_context *host;
    PyObject *code; /* dora._operator.Code */
    PyObject *handle, *send;
    NodeObject *node; /* open from `joined` to `drop` */
};

/* ---- The host's threads ---- */

static _Thread_local bool is_inside, is_main;
static _Thread_local unsigned hosted_here; /* operators */

static void enter(void)
{
    gil_enter();
    is_inside = true;
}

static void leave(void)
{
    is_inside = false;
    gil_leave(hosted_here == 0 && !is_main);
}

/* A wait is the host's own, for events, where the thread is without the GIL anyway; else one of a send. */
static _Thread_local bool is_idle;
static _Thread_local int64_t idle_since;

static void wait_begin(void *node)
{
    is_idle = !is_inside && !PyGILState_Check();
    if (is_idle)
        idle_since = clock_now();
    else
        gil_wait_begin(node);
}

/* Handlers of signals, which are the main thread's, run with each event; where none comes, here. What one raises has
 * nowhere to go but to the end of the process. */
static void run_handlers(void)
{
    gil_enter();
    if (PyErr_CheckSignals() < 0) {
        PyErr_Print(); /* SystemExit ends it with its own status */
        Py_Exit(1);
    }
    gil_leave(false);
}

static int wait_end(void *node)
{
    if (!is_idle)
        return gil_wait_end(node);
    if (is_main && clock_now() - idle_since > 50 * CLOCK_MILLI)
        run_handlers();
    return 0;
}

/* ---- The kind ---- */

/* The exception, which is printed, as the failure's text. */
static int fail(const struct host_context *host, struct error *error)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    PyObject *text = value ? PyObject_CallOneArg(host->report, value) : NULL;
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    int rc = error_set(error, -EIO, "%s", message ? message : "an exception that can't be shown");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return rc;
}

static void free_hosted(struct hosted *hosted)
{
    Py_XDECREF(hosted->send);
    Py_XDECREF(hosted->handle);
    Py_XDECREF(hosted->node);
    Py_XDECREF(hosted->code);
    PyMem_RawFree(hosted);
}

static bool load(struct hosted *hosted, const struct host_context *host, const struct operator_config *config)
{
    hosted->code = PyMapping_GetItemString(host->codes, config->connect);
    PyObject *done = hosted->code ? PyObject_CallMethod(hosted->code, "load", "s", config->id) : NULL;
    Py_XDECREF(done);
    return done && (hosted->handle = PyObject_GetAttrString(hosted->code, "handle")) &&
           (hosted->node = node_alloc(host->state->node_type));
}

static int init(void *context, const struct operator_config *config, void **self, struct error *error)
{
    const struct host_context *host = context;
    struct hosted *hosted = PyMem_RawCalloc(1, sizeof *hosted);
    if (!hosted)
        return error_set(error, -ENOMEM, "no memory for it");
    int rc = 0;
    hosted->host = host;
    enter();
    if (load(hosted, host, config)) {
        hosted->node->is_hosted = true;
        hosted_here++;
        *self = hosted;
    } else {
        rc = fail(host, error);
        free_hosted(hosted);
    }
    leave();
    return rc;
}

static void options(void *self, dora_node_options *options)
{
    const struct hosted *hosted = self;
    options->wait_begin = wait_begin;
    options->wait_end = wait_end;
    options->wait_context = hosted->node;
}

static int joined(void *self, dora_node *node, struct error *error)
{
    struct hosted *hosted = self;
    int rc = 0;
    enter();
    hosted->node->node = node;
    PyObject *done = NULL;
    if ((hosted->send = PyObject_GetAttrString((PyObject *)hosted->node, "send_output")))
        done = PyObject_CallMethod(hosted->code, "join", "O", hosted->node);
    if (!done)
        rc = fail(hosted->host, error);
    Py_XDECREF(done);
    leave();
    return rc;
}

static int event(void *self, dora_event *event, struct error *error)
{
    struct hosted *hosted = self;
    enter();
    PyObject *dict = event_dict(hosted->node, event);
    PyObject *result = dict ? PyObject_CallFunctionObjArgs(hosted->handle, dict, hosted->send, NULL) : NULL;
    Py_XDECREF(dict);
    int rc = result ? (int)PyLong_AsLong(result) : -1;
    Py_XDECREF(result);
    if (PyErr_Occurred())
        rc = fail(hosted->host, error);
    leave();
    return rc;
}

/* The node is closed afterwards: nobody may be in it, such as a thread that the operator has started. */
static void leave_node(NodeObject *node)
{
    if (node->node)
        node_raw_cancel(node->node);
    node->users++;
    node->closed = true;
    node_leave(node);
    while (node->node) {
        gil_release();
        nanosleep(&(struct timespec){.tv_nsec = CLOCK_MILLI}, NULL);
        gil_take();
    }
}

static int drop(void *self, struct error *error)
{
    struct hosted *hosted = self;
    int rc = 0;
    enter();
    PyObject *done = PyObject_CallMethod(hosted->code, "release", NULL);
    if (!done)
        rc = fail(hosted->host, error);
    Py_XDECREF(done);
    leave_node(hosted->node);
    free_hosted(hosted);
    hosted_here--;
    leave();
    return rc;
}

/* ---- The host ---- */

/* Operators that use dora.h are linked with libdora.so, and shall meet the host's libdora, which is here. */
static void show_libdora(void)
{
    Dl_info info;
    if (dladdr((void *)dora_node_open, &info))
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

PyObject *operators_run(PyObject *module, PyObject *args)
{
    static const struct operator_kind kind = {
        .init = init, .options = options, .joined = joined, .event = event, .drop = drop};
    struct host_context host = {.state = module_state(module)};
    const char *text;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "sO!", &text, &PyDict_Type, &host.codes))
        return NULL;
    /* What the first event would have to wait for. */
    if (metadata_prepare() == 0 && value_prepare(host.state) == 0 &&
        (host.report = module_import("dora._operator", "report"))) {
        show_libdora();
        is_main = true;
        gil_release();
        int status = operator_host_run(
            text, &(struct operator_host_options){
                      .python = &kind, .python_context = &host, .tells_of_crashes = true, .hands_crashes_on = true});
        gil_take();
        is_main = false;
        result = PyLong_FromLong(status);
    }
    Py_XDECREF(host.report);
    return result;
}
