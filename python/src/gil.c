#include "gil.h"

#include <errno.h>

#include "node.h"

/* Of this thread, while it is without the GIL because of us. */
static _Thread_local PyThreadState *parked;
/* Whether it was without the GIL already when the wait began. */
static _Thread_local bool was_parked;

void gil_release(void)
{
    parked = PyEval_SaveThread();
}

void gil_take(void)
{
    PyThreadState *thread = parked;
    parked = NULL;
    PyEval_RestoreThread(thread);
}

static _Thread_local PyGILState_STATE adopted;
static _Thread_local bool is_adopted;

void gil_enter(void)
{
    if (parked) {
        gil_take();
        return;
    }
    adopted = PyGILState_Ensure();
    is_adopted = true;
}

void gil_leave(bool for_good)
{
    if (for_good && is_adopted) {
        is_adopted = false;
        PyGILState_Release(adopted);
    } else {
        gil_release();
    }
}

void gil_wait_begin(void *context)
{
    (void)context;
    was_parked = parked;
    if (!was_parked)
        gil_release();
}

int gil_wait_end(void *context)
{
    /* A signal's handler may wait too. */
    bool again = was_parked;
    gil_take();
    NodeObject *self = context;
    int rc = PyErr_CheckSignals() < 0 ? -EINTR : self->closed ? -ESHUTDOWN : 0;
    if (again)
        gil_release();
    return rc;
}
