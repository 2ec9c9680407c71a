// An operator as dora's users write it in C++, with all functions there are.
#pragma once

#include <memory>
#include <string>

class Operator
{
  public:
    Operator();
    ~Operator() noexcept(false);
    unsigned int inputs = 0;
    std::string last;
};

#include "dora-operator-api.h"

std::unique_ptr<Operator> new_operator();

DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &output_sender);
DoraOnInputResult on_input_closed(Operator &op, rust::Str id, OutputSender &output_sender);
DoraOnInputResult on_stop(Operator &op, OutputSender &output_sender);
DoraOnInputResult on_input_parse_error(Operator &op, rust::Str id, rust::Str error, OutputSender &output_sender);
