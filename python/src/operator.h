/* The host of operators in this process. */
#ifndef PYTHON_OPERATOR_H
#define PYTHON_OPERATOR_H

#include "module.h"

/* Runs what DORA_RUNTIME_CONFIG says, a str, until all operators have ended. The process's exit status. */
PyObject *operators_run(PyObject *module, PyObject *config);

#endif
