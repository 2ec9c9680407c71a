#include "module.h"

#include <stddef.h>

#include "loan.h"
#include "metadata.h"
#include "node.h"
#include "operator.h"

struct state *module_state(PyObject *module)
{
    return PyModule_GetState(module);
}

PyObject *module_import(const char *name, const char *attribute)
{
    PyObject *module = PyImport_ImportModule(name);
    PyObject *value = module ? PyObject_GetAttrString(module, attribute) : NULL;
    Py_XDECREF(module);
    return value;
}

static int make_names(struct state *state)
{
    static const char *const events[EVENT_KINDS] = {
        [DORA_EVENT_STOP] = "STOP",
        [DORA_EVENT_INPUT] = "INPUT",
        [DORA_EVENT_INPUT_CLOSED] = "INPUT_CLOSED",
        [DORA_EVENT_INPUT_RECOVERED] = "INPUT_RECOVERED",
        [DORA_EVENT_NODE_FAILED] = "NODE_FAILED",
        [DORA_EVENT_NODE_RESTARTED] = "NODE_RESTARTED",
        [DORA_EVENT_PARAM_UPDATE] = "PARAM_UPDATE",
        [DORA_EVENT_PARAM_DELETED] = "PARAM_DELETED",
        [DORA_EVENT_RELOAD] = "RELOAD",
        [DORA_EVENT_ERROR] = "ERROR",
    };
    for (int i = 0; i < EVENT_KINDS; i++)
        if (!(state->event_names[i] = PyUnicode_InternFromString(events[i])))
            return -1;
#define X(name)                                                                                                        \
    if (!(state->names.name = PyUnicode_InternFromString(#name)))                                                      \
        return -1;
    NAMES(X)
#undef X
    return 0;
}

static int make_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type ? PyModule_AddType(module, *type) : -1;
}

static int fill(PyObject *module)
{
    struct state *state = module_state(module);
    return make_names(state) < 0 || make_type(module, &node_spec, &state->node_type) < 0 ||
                   make_type(module, &loan_spec, &state->loan_type) < 0 ||
                   PyModule_AddStringConstant(module, "__version__", dora_version()) < 0
               ? -1
               : 0;
}

/* Calls `visit` on every reference of the state. */
static int each(struct state *state, int (*visit)(PyObject **, void *), void *context)
{
    PyObject **const single[] = {(PyObject **)&state->node_type, (PyObject **)&state->loan_type, &state->arrow_import,
                                 &state->arrow_tick, (PyObject **)&state->buffer_type};
    int rc = 0;
    for (size_t i = 0; i < sizeof single / sizeof *single && rc == 0; i++)
        rc = visit(single[i], context);
    for (int i = 0; i < EVENT_KINDS && rc == 0; i++)
        rc = visit(&state->event_names[i], context);
    for (int i = 0; i < PLAIN_TYPES && rc == 0; i++)
        rc = visit(&state->arrow_types[i], context);
    PyObject **names = (PyObject **)&state->names;
    for (size_t i = 0; i < sizeof state->names / sizeof *names && rc == 0; i++)
        rc = visit(&names[i], context);
    return rc;
}

struct visit {
    visitproc visit;
    void *arg;
};

static int visit_one(PyObject **object, void *context)
{
    struct visit *visit = context;
    return *object ? visit->visit(*object, visit->arg) : 0;
}

static int clear_one(PyObject **object, void *context)
{
    (void)context;
    Py_CLEAR(*object);
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    return each(module_state(module), visit_one, &(struct visit){visit, arg});
}

static int clear(PyObject *module)
{
    return each(module_state(module), clear_one, NULL);
}

static void release(void *module)
{
    clear(module);
}

static PyMethodDef functions[] = {{"_run_operators", operators_run, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_mod_multiple_interpreters
    /* An interpreter with a GIL of its own is refused: pyarrow has state that all share. */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,          .m_name = "dora._dora", .m_doc = "The extension under the package dora.",
    .m_size = sizeof(struct state), .m_methods = functions, .m_slots = slots,
    .m_traverse = traverse,         .m_clear = clear,       .m_free = release,
};

PyMODINIT_FUNC PyInit__dora(void);

PyMODINIT_FUNC PyInit__dora(void)
{
    return PyModuleDef_Init(&definition);
}
