/* Whatever can be sent, seen as an Arrow array, without copying. */
#ifndef PYTHON_PAYLOAD_H
#define PYTHON_PAYLOAD_H

#include "node.h"

struct payload {
    struct ArrowArray array; /* what they name is `keeper`'s, or that of the data or what it was converted to: their
                                `release` does nothing */
    struct ArrowSchema schema;
    bool large; /* worth giving up the GIL while it is copied */

    const void *buffers[2];
    char format[2];
    Py_buffer view; /* .obj is NULL if there is none */
    PyObject *keeper, *converted;
};

/* Until payload_close, if it gives 0. Bytes, buffers and Arrow arrays are taken as they are, everything else as
 * dora/_convert.py makes an array of it. 1: it is a buffer whose elements don't lie side by side. */
int payload_open(NodeObject *self, PyObject *data, struct payload *payload);
void payload_close(struct payload *payload);

/* The plain Arrow type (one character) of elements that the buffer protocol calls `format`; 0: none. */
char payload_plain(const char *format, Py_ssize_t size);

#endif
