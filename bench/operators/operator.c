#include "operator.h"

#include <sched.h>

static void pin(void)
{
    cpu_set_t allowed, one;
    int seen = 0;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        bench_die("no cores to choose from");
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &allowed) && seen++ == role_core)
            CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) < 0)
        bench_die("there are only %d cores", seen);
}

DoraInitResult_t dora_init_operator(void)
{
    if (bench_param("BENCH_PIN", 0))
        pin();
    return (DoraInitResult_t){{NULL}, NULL};
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    (void)operator_context;
    OnEventResult_t result = {{NULL}, DORA_STATUS_CONTINUE};
    if (event->input)
        result.status = role_event(dora_operator_node(send_output), dora_operator_event(event->input));
    return result;
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    (void)operator_context;
    role_end();
    return (DoraResult_t){NULL};
}
