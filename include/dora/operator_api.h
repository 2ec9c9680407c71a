/* dora's C operator interface: the three functions that an operator defines. It is a shared library, which a host loads
 * as the descriptor's `shared-library` says; it links with libdora_operator_api_c.a. What this interface can't do,
 * operator.h can.
 *
 * dora_init_operator is called first; then dora_on_event for each event; then dora_drop_operator, also after a failure
 * of dora_on_event. One library may be several operators at once, in one process: each has its own operator_context,
 * and they share what the library has as static variables. */
#ifndef __RUST_DORA_OPERATOR_API_C_WRAPPER__
#define __RUST_DORA_OPERATOR_API_C_WRAPPER__

#include "operator_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EXPORT __attribute__((visibility("default")))

EXPORT DoraInitResult_t dora_init_operator(void);
EXPORT DoraResult_t dora_drop_operator(void *operator_context);
EXPORT OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context);

/* That what the host will call is what is declared. */
__attribute__((unused)) static void __dora_type_assertions(void)
{
    DoraInitOperator_t init = {dora_init_operator};
    DoraDropOperator_t drop = {dora_drop_operator};
    DoraOnEvent_t on_event = {dora_on_event};
    (void)init;
    (void)drop;
    (void)on_event;
}

#ifdef __cplusplus
}
#endif

#endif
