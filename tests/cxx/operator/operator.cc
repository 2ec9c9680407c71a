// Repeats what it is told, and does what it says: "fail", "throw", "throw a number", "stop".
#include "operator.h"

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <vector>

#include "dora-operator-api.h"

static bool told_at_start(const char *what)
{
    const char *told = std::getenv("OPERATOR_TEST");
    return told && std::string(told) == what;
}

Operator::Operator()
{
    if (told_at_start("throw in new"))
        throw std::runtime_error("no camera");
}

Operator::~Operator() noexcept(false)
{
    std::cout << "dropped after " << inputs << " inputs" << std::endl;
    if (told_at_start("throw in drop"))
        throw std::runtime_error("the camera is stuck");
}

std::unique_ptr<Operator> new_operator()
{
    return told_at_start("none") ? nullptr : std::make_unique<Operator>();
}

static DoraOnInputResult say(OutputSender &output_sender, const std::string &text)
{
    rust::Slice<const uint8_t> slice{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
    auto send_result = send_output(output_sender, rust::Str("said"), slice);
    DoraOnInputResult result = {send_result.error, false};
    return result;
}

DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &output_sender)
{
    op.inputs++;
    op.last = std::string(data.begin(), data.end());
    std::cout << "on " << id.data() << ": " << op.last << " (" << op.inputs << ")" << std::endl;
    if (op.last == "fail")
        return {"that was too much", false};
    if (op.last == "throw")
        throw std::out_of_range("that was out of range");
    if (op.last == "throw a number")
        throw 42;
    if (op.last == "stop")
        return {rust::String(), true};
    return say(output_sender, op.last);
}

DoraOnInputResult on_input_closed(Operator &, rust::Str id, OutputSender &output_sender)
{
    return say(output_sender, "closed: " + std::string(id));
}

DoraOnInputResult on_stop(Operator &op, OutputSender &output_sender)
{
    return say(output_sender, "stop after " + std::to_string(op.inputs));
}

DoraOnInputResult on_input_parse_error(Operator &, rust::Str id, rust::Str error, OutputSender &output_sender)
{
    return say(output_sender, "not read: " + std::string(id) + ": " + std::string(error));
}
