// A node as dora's users write it in C++.
#include "dora-node-api.h"

#include <iostream>
#include <vector>

int main()
{
    try {
        auto dora_node = init_dora_node();
        for (;;) {
            auto event = dora_node.events->next();
            auto ty = event_type(event);
            if (ty == DoraEventType::AllInputsClosed)
                break;
            if (ty != DoraEventType::Input)
                continue;
            auto input = event_as_input(std::move(event));
            std::vector<unsigned char> out_vec(input.data.begin(), input.data.end());
            rust::Slice<const uint8_t> out_slice{out_vec.data(), out_vec.size()};
            auto result = send_output(dora_node.send_output, "reply", out_slice);
            if (!std::string(result.error).empty())
                return 2;
        }
        return 0;
    } catch (const std::exception &error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
}
