/* A node as dora's users write it. Its own functions may have names that libdora uses within, too. */
#include <stdio.h>
#include <string.h>

#include "node_api.h"

int publish(void);
int publish(void)
{
    return 0;
}

int main(void)
{
    void *context = init_dora_context_from_env();
    if (context == NULL)
        return 1;
    void *event;
    while ((event = dora_next_event(context)) != NULL) {
        if (read_dora_event_type(event) == DoraEventType_Input)
            dora_send_output(context, "reply", strlen("reply"), "hello", strlen("hello"));
        free_dora_event(event);
    }
    free_dora_context(context);
    return publish();
}
