// An operator as dora's users write it in C++.
#pragma once
#include <memory>
#include "operator_api.h"

class Operator
{
public:
    Operator();
    unsigned char counter;
};

#include "dora-operator-api.h"

std::unique_ptr<Operator> new_operator();

DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &output_sender);
DoraOnInputResult on_input_closed(Operator &op, rust::Str id, OutputSender &output_sender);
DoraOnInputResult on_stop(Operator &op, OutputSender &output_sender);
DoraOnInputResult on_input_parse_error(Operator &op, rust::Str id, rust::Str error, OutputSender &output_sender);
