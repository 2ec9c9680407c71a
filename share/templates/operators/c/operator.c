/* Sends a greeting whenever an input arrives. */
#include <dora/operator.h>
#include <stdlib.h>
#include <string.h>

/* What the operator keeps between events. */
struct greeter {
    unsigned long long sent;
};

DoraInitResult_t dora_init_operator(void)
{
    DoraInitResult_t result = {.operator_context = calloc(1, sizeof(struct greeter))};
    return result;
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    free(operator_context);
    DoraResult_t result = {NULL};
    return result;
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    struct greeter *greeter = operator_context;
    if (!greeter) { /* there was no memory */
        result.status = DORA_STATUS_STOP;
    } else if (event->input) {
        const char *greeting = "Hello from greeter-1";
        result.result = dora_send_operator_output(send_output, "speech", (const uint8_t *)greeting, strlen(greeting));
        greeter->sent++;
    }
    return result;
}
