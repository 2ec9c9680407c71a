#include <cstring>
#include <dora/dora.h>
#include <iostream>
#include <memory>
#include <node_api.h>

int main()
{
    if (std::strcmp(dora_version(), DORA_VERSION) != 0)
        return 2;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, nullptr, &error) < 0) {
        std::cerr << error.message << '\n';
        return 1;
    }
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        std::unique_ptr<dora_event, void (*)(dora_event *)> owner(event, dora_event_free);
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            dora_send(node, "reply", "hello", 5, nullptr);
    }
    dora_node_close(node);
}
