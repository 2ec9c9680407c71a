/* The host of operators in this process. */
#ifndef PYTHON_OPERATOR_H
#define PYTHON_OPERATOR_H

#include "module.h"

/* (config, codes): runs what DORA_RUNTIME_CONFIG says, a str, until all operators have ended; `codes` is a dict from
 * the operators in Python to their dora._operator.Code. The process's exit status. */
PyObject *operators_run(PyObject *module, PyObject *args);

#endif
