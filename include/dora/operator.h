/* Beyond dora's operator interface: the node and the event behind it, and with them all of dora.h: data in place,
 * loans, parameters, Arrow arrays. Every operator is a node of its own, also where several share a process.
 *
 *     OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
 *     {
 *         OnEventResult_t result = {{NULL}, DORA_STATUS_CONTINUE};
 *         dora_sample *frame;
 *         if (event->input && dora_loan(dora_operator_node(send_output), SIZE, &frame) == 0) {
 *             render(dora_sample_data(frame), dora_event_data(dora_operator_event(event->input), NULL));
 *             dora_send_sample(dora_operator_node(send_output), "frame", frame, NULL, NULL);
 *         }
 *         return result;
 *     }
 *
 * An operator that uses dora.h links with libdora.so besides libdora_operator_api_c.a: its calls go to the library that
 * the host has already. Not with libdora.a. */
#ifndef DORA_OPERATOR_H
#define DORA_OPERATOR_H

#include "dora.h"
#include "operator_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The operator's node: send, loan and log by it from any thread, until dora_drop_operator has returned. Receiving and
 * closing it is the host's. NULL: the host isn't this dora's. */
dora_node *dora_operator_node(const SendOutput_t *send_output);

/* The message or tick, to look at during dora_on_event; what is to stay goes by dora_event_keep or dora_event_arrow.
 * NULL: the host isn't this dora's. */
const dora_event *dora_operator_event(const Input_t *input);

/* The event that dora_on_event is called for, of whatever kind, as dora_operator_event. NULL: the host isn't this
 * dora's. */
const dora_event *dora_operator_current(const SendOutput_t *send_output);

/* The data of a message in place, as dora_event_data and dora_event_format say it, for operators that do without
 * libdora.so. NULL and 0: it has none. `*format` is "" where the host isn't this dora's. */
const void *dora_operator_data(const Input_t *input, size_t *size, const char **format);

#ifdef __cplusplus
}
#endif

#endif
