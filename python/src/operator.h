/* The host of operators in this process. */
#ifndef PYTHON_OPERATOR_H
#define PYTHON_OPERATOR_H

#include "module.h"

/* (config, codes): runs what DORA_RUNTIME_CONFIG says, a str, until all operators have ended; `codes` is a dict from
 * what each operator in Python connects with to its dora._operator.Code. The process's exit status. */
PyObject *operators_run(PyObject *module, PyObject *args);

#endif
