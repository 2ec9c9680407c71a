// What dora's C++ nodes do most, with dora-node-api.h: the roles counter, reader, threads, drain, fail.
#include <dora-node-api.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace
{
rust::Slice<const uint8_t> slice(const std::vector<unsigned char> &bytes)
{
    return {bytes.data(), bytes.size()};
}

int counter()
{
    auto dora_node = init_dora_node();
    auto id = node_id(dora_node.send_output);
    if (std::string(id) != "counter" || dataflow_id(dora_node.send_output).length() != 36)
        return 2;
    std::cout << "config " << node_config_json(dora_node.send_output) << std::endl;
    if (std::string(dataflow_descriptor_json(dora_node.send_output)).find("reader") == std::string::npos)
        return 3;
    auto poll = try_next_event(dora_node.events);
    if (event_type(poll) != DoraEventType::Empty && event_type(poll) != DoraEventType::Input)
        return 4;

    unsigned char counter = 0;
    while (counter < 20) {
        auto event = next_event(dora_node.events);
        auto ty = event_type(event);
        if (ty == DoraEventType::AllInputsClosed)
            break;
        if (ty != DoraEventType::Input)
            continue;
        auto input = event_as_input(std::move(event));
        if (input.id != "tick" || !input.data.empty())
            return 5;
        std::vector<unsigned char> out{++counter};
        auto result = send_output(dora_node.send_output, "counter", slice(out));
        if (!std::string(result.error).empty())
            return 6;
    }
    // Nobody has declared it: no error, and a warning.
    if (!send_output(dora_node.send_output, "elsewhere", {}).error.empty())
        return 7;
    log_message(dora_node.send_output, "warn", "that's enough");
    rust::Vec<rust::String> closing;
    closing.push_back("counter");
    if (!close_outputs(dora_node.send_output, std::move(closing)).error.empty())
        return 8;
    std::vector<unsigned char> late{0};
    std::cout << "closed: " << send_output(dora_node.send_output, "counter", slice(late)).error << std::endl;
    return 0;
}

int reader()
{
    auto dora_node = init_dora_node();
    auto events = dora_events_into_combined(std::move(dora_node.events));
    std::string seen;
    bool closed = false;
    for (;;) {
        auto combined = events.next();
        if (!combined.is_dora())
            break;
        auto event = downcast_dora(std::move(combined));
        switch (event_type(event)) {
        case DoraEventType::Input: {
            auto input = event_as_input_with_metadata(std::move(event));
            if (input.id == "counter")
                seen += ' ' + std::to_string(input.data.at(0));
            if (input.metadata->timestamp() == 0)
                return 2;
            break;
        }
        case DoraEventType::InputClosed:
            try {
                event_as_input(std::move(event));
                return 3;
            } catch (const rust::Error &error) {
                closed = true;
            }
            break;
        case DoraEventType::NodeFailed: {
            auto failed = event_as_node_failed(std::move(event));
            std::cout << "failed: " << failed.source_node_id << ':';
            for (const auto &input : failed.affected_input_ids)
                std::cout << ' ' << input;
            std::cout << std::endl;
            break;
        }
        default:
            break;
        }
    }
    std::cout << "read" << seen << std::endl;
    return closed ? 0 : 4;
}

// Sends from several threads at once.
int threads()
{
    auto dora_node = init_dora_node();
    auto safe_sender = clone_output_sender(dora_node.send_output);
    std::vector<std::thread> workers;
    for (unsigned char i = 0; i < 4; i++)
        workers.emplace_back([&safe_sender, i] {
            std::vector<uint8_t> bytes{i};
            for (int n = 0; n < 100; n++)
                if (!safe_send_output(*safe_sender, "counter", slice(bytes), new_metadata()).error.empty())
                    std::exit(2);
        });
    for (auto &worker : workers)
        worker.join();
    return 0;
}

int drain()
{
    auto dora_node = init_dora_node();
    std::size_t count = 0;
    for (;;) {
        auto event = next_event_timeout(dora_node.events, 10000);
        if (event_type(event) == DoraEventType::AllInputsClosed)
            break;
        count += event_type(event) == DoraEventType::Input;
        auto drained = drain_events(dora_node.events);
        std::size_t len = drained_events_len(drained), popped = 0;
        for (auto more = drained_events_next(drained); event_type(more) != DoraEventType::Empty;
             more = drained_events_next(drained)) {
            popped++;
            count += event_type(more) == DoraEventType::Input;
        }
        if (popped != len)
            return 2;
    }
    std::cout << "drained " << count << std::endl;
    return events_is_empty(dora_node.events) ? 0 : 3;
}
} // namespace

int main(int argc, char **argv)
try {
    std::string role = argc > 1 ? argv[1] : "";
    if (role == "fail") {
        auto dora_node = init_dora_node();
        std::_Exit(1);
    }
    return role == "counter" ? counter() : role == "reader" ? reader() : role == "threads" ? threads() : drain();
} catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
}
