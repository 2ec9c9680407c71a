/* dora.SampleHandler: shared memory that is written in place and then sent. */
#ifndef PYTHON_LOAN_H
#define PYTHON_LOAN_H

#include "module.h"

extern PyType_Spec loan_spec;

#endif
