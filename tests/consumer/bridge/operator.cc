#include "operator.h"

#include <iostream>
#include <vector>

#include "dora-operator-api.h"

Operator::Operator() : counter(0) {}

std::unique_ptr<Operator> new_operator()
{
    return std::make_unique<Operator>();
}

DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &output_sender)
{
    op.counter += 1;
    std::cout << "input `" << id.data() << "` of " << data.size() << " bytes" << std::endl;

    std::vector<unsigned char> out_vec{op.counter};
    rust::Slice<const uint8_t> out_slice{out_vec.data(), out_vec.size()};
    auto send_result = send_output(output_sender, rust::Str("status"), out_slice);
    DoraOnInputResult result = {send_result.error, false};
    return result;
}

DoraOnInputResult on_input_closed(Operator &op, rust::Str id, OutputSender &output_sender)
{
    (void)op;
    (void)id;
    (void)output_sender;
    DoraOnInputResult result = {rust::String(), false};
    return result;
}

DoraOnInputResult on_stop(Operator &op, OutputSender &output_sender)
{
    (void)op;
    (void)output_sender;
    return DoraOnInputResult{rust::String(), false};
}

DoraOnInputResult on_input_parse_error(Operator &op, rust::Str id, rust::Str error, OutputSender &output_sender)
{
    (void)op;
    (void)output_sender;
    std::cerr << std::string(id) << ": " << std::string(error) << std::endl;
    DoraOnInputResult result;
    result.error = error.operator std::string();
    return result;
}
