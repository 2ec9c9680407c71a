/* An operator that lacks dora_on_event. */
#include "dora/operator_types.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT DoraInitResult_t dora_init_operator(void);
EXPORT DoraResult_t dora_drop_operator(void *operator_context);

DoraInitResult_t dora_init_operator(void)
{
    return (DoraInitResult_t){.operator_context = NULL};
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    (void)operator_context;
    return (DoraResult_t){NULL};
}
