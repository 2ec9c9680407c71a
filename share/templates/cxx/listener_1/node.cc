// Prints what it hears, until nothing more can come.
#include <dora/dora.h>

#include <iostream>
#include <memory>
#include <string_view>

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
    dora_event *next;
    while (dora_next(node.get(), &next, DORA_FOREVER) == 0) {
        Event event(next, dora_event_free);
        if (dora_event_type(event.get()) != DORA_EVENT_INPUT)
            continue;
        std::size_t size;
        const char *data = static_cast<const char *>(dora_event_data(event.get(), &size));
        const std::string_view text(data, size);
        std::cout << "I heard on " << dora_event_id(event.get()) << ": " << text << std::endl;
    }
}
