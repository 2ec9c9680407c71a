// Services and actions with dora-node-api.h: the roles adder, client, poller, countdown and caller.
#include <dora-node-api.h>

#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace
{
using Bytes = std::vector<std::uint8_t>;

rust::Slice<const std::uint8_t> slice(const Bytes &bytes)
{
    return {bytes.data(), bytes.size()};
}

// The next input with its metadata; nullopt when there will be no more.
std::optional<DoraInputWithMetadata> next_input(DoraNode &node)
{
    for (;;) {
        auto event = next_event(node.events);
        const auto ty = event_type(event);
        if (ty == DoraEventType::Stop || ty == DoraEventType::AllInputsClosed)
            return std::nullopt;
        if (ty == DoraEventType::Input)
            return event_as_input_with_metadata(std::move(event));
    }
}

int adder()
{
    auto node = init_dora_node();
    while (auto request = next_input(node)) {
        Bytes sum{static_cast<std::uint8_t>(request->data[0] + request->data[1])};
        if (!send_service_response(node.send_output, "response", slice(sum), std::move(request->metadata))
                 .error.empty())
            return 2;
    }
    return 0;
}

int client()
{
    auto node = init_dora_node();
    for (std::uint8_t i = 0; i < 3; i++) {
        Bytes pair{i, 10};
        auto request = send_service_request(node.send_output, "request", slice(pair), new_metadata());
        if (!request.error.empty() || request.request_id.size() != 36)
            return 2;
        auto outcome = recv_service_response(node.events, request.request_id, "adder", 10000);
        if (outcome.status != DoraPatternStatus::Matched)
            return 3;
        auto input = event_as_input(std::move(outcome.event));
        std::cout << unsigned(i) << " + 10 = " << unsigned(input.data[0]) << std::endl;
    }
    auto lost = recv_service_response(node.events, new_request_id(), "adder", 1);
    if (lost.status != DoraPatternStatus::Timeout || event_type(lost.event) != DoraEventType::Timeout)
        return 4;
    auto nobody = recv_service_response(node.events, "x", "", 1);
    return nobody.status == DoraPatternStatus::InvalidArgument ? 0 : 5;
}

// Several requests at once, none of them waited for.
int poller()
{
    auto node = init_dora_node();
    std::map<std::string, std::uint8_t> pending;
    for (std::uint8_t i = 0; i < 5; i++) {
        auto id = std::string(new_request_id());
        Bytes pair{i, 20};
        if (!send_service_request_with_id(node.send_output, "request", slice(pair), new_metadata(), id).error.empty())
            return 2;
        pending[id] = i;
    }
    unsigned total = 0;
    while (!pending.empty())
        for (auto entry = pending.begin(); entry != pending.end();) {
            auto result = try_recv_service_response(node.events, entry->first, "adder");
            if (result.status == DoraPatternStatus::NotReady) {
                ++entry;
                continue;
            }
            if (result.status != DoraPatternStatus::Matched)
                return 3;
            unsigned sum = event_as_input(std::move(result.event)).data[0];
            if (sum != entry->second + 20u)
                return 4;
            total += sum;
            entry = pending.erase(entry);
        }
    std::cout << "total " << total << std::endl;
    return 0;
}

int countdown()
{
    auto node = init_dora_node();
    auto send = [&](const char *output, const std::string &goal, const char *status, std::uint8_t value) {
        auto metadata = new_metadata();
        metadata->set_goal_id(goal);
        if (status)
            metadata->set_goal_status(status);
        Bytes bytes{value};
        return send_output_with_metadata(node.send_output, output, slice(bytes), std::move(metadata)).error.empty();
    };
    while (auto goal = next_input(node)) {
        const std::string id(goal->metadata->goal_id());
        for (std::uint8_t left = goal->data[0]; left > 0; left--)
            if (!send("feedback", id, nullptr, static_cast<std::uint8_t>(left - 1)))
                return 2;
        const std::string succeeded(goal_status_succeeded());
        if (!send("result", id, succeeded.c_str(), 0))
            return 3;
    }
    return 0;
}

int caller()
{
    auto node = init_dora_node();
    const std::string goal_id(new_goal_id());
    auto metadata = new_metadata();
    metadata->set_goal_id(goal_id);
    Bytes from{3};
    if (!send_output_with_metadata(node.send_output, "goal", slice(from), std::move(metadata)).error.empty())
        return 2;
    auto outcome = recv_action_result(node.events, goal_id, "countdown", 10000);
    if (outcome.status != DoraPatternStatus::Matched)
        return 3;
    auto result = event_as_input_with_metadata(std::move(outcome.event));
    std::cout << "result " << result.metadata->goal_status() << std::endl;
    // What was said while it waited comes now.
    for (int i = 0; i < 3; i++) {
        auto feedback = next_input(node);
        if (!feedback || std::string(feedback->metadata->goal_id()) != goal_id)
            return 4;
        std::cout << "feedback " << unsigned(feedback->data[0]) << std::endl;
    }
    return 0;
}
} // namespace

int main(int argc, char **argv)
try {
    static const std::map<std::string, int (*)()> roles = {
        {"adder", adder}, {"client", client}, {"poller", poller}, {"countdown", countdown}, {"caller", caller}};
    return roles.at(argc > 1 ? argv[1] : "")();
} catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
}
