// Sends a greeting whenever an input arrives.
#include <dora/dora.h>

#include <iostream>
#include <memory>
#include <string>

// dora's objects, freed at the end of their scope.
using Node = std::unique_ptr<dora_node, decltype(&dora_node_close)>;
using Event = std::unique_ptr<dora_event, decltype(&dora_event_free)>;

int main()
{
    dora_node *opened;
    dora_error error;
    if (dora_node_open(&opened, nullptr, &error) < 0) {
        std::cerr << error.message << '\n';
        return 1;
    }
    Node node(opened, dora_node_close);
    const std::string greeting = "Hello from talker_2";
    dora_event *next;
    while (dora_next(node.get(), &next, DORA_FOREVER) == 0) {
        Event event(next, dora_event_free);
        if (dora_event_type(event.get()) != DORA_EVENT_INPUT)
            continue;
        if (dora_send(node.get(), "speech", greeting.data(), greeting.size(), nullptr) < 0) {
            std::cerr << dora_node_error(node.get()) << '\n';
            return 1;
        }
    }
}
