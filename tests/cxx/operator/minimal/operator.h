// An operator with no more than dora's first interface had, which uses the node's interface as well.
#pragma once

#include <memory>

#include "dora-node-api.h"

struct Operator {
    unsigned char counter = 0;
};

#include "dora-operator-api.h"

std::unique_ptr<Operator> new_operator();

DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &output_sender);
