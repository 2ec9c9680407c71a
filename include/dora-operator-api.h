/* dora's C++ operator interface: the names, types and meaning that operators written against dora-rs use. Such an
 * operator compiles unchanged: its sources and dora's bridge, src/dora-operator-api.cc, are compiled to a shared
 * library that is linked with -ldora_operator_api_cxx. New code is better off with <dora/operator.hpp>, which has
 * loans, parameters and data of all types.
 *
 * The bridge finds the operator through the user's own header, which must be called operator.h:
 *
 *     #pragma once
 *     #include <memory>
 *     class Operator { … };
 *     #include "dora-operator-api.h"
 *
 *     std::unique_ptr<Operator> new_operator(); // called before the dataflow starts
 *     DoraOnInputResult on_input(Operator &op, rust::Str id, rust::Slice<const uint8_t> data, OutputSender &sender);
 *     DoraOnInputResult on_input_closed(Operator &op, rust::Str id, OutputSender &sender);
 *     DoraOnInputResult on_stop(Operator &op, OutputSender &sender);
 *     DoraOnInputResult on_input_parse_error(Operator &op, rust::Str id, rust::Str error, OutputSender &sender);
 *
 * dora-rs needs all of them; here one of the last three that operator.h doesn't declare is an event that is passed
 * over. `data` is the input's bytes where they lie in shared memory, none for a timer's tick; an input with data of
 * another type than bytes is a parse error, which fails the operator unless on_input_parse_error takes it. What any of
 * them throws fails the operator with its what(), as an error in the result does.
 *
 * Threads: all are called by one thread, one after another. `sender`, `id` and `data` end with their call. */
#ifndef DORA_OPERATOR_API_CXX_H
#define DORA_OPERATOR_API_CXX_H

#include "dora/rust/sender.hpp"
#include "dora/rust/types.hpp"

struct DoraOnInputResult {
    rust::String error; /* not empty: the operator has failed */
    bool stop = false;  /* the operator is done */
};

struct DoraSendOutputResult {
    rust::String error; /* empty on success */
};

/* Sends a copy of `data` as bytes on the operator's output `id`. */
DoraSendOutputResult send_output(OutputSender &sender, rust::Str id, rust::Slice<const std::uint8_t> data);

/* As the header of dora-rs does, so that a source that includes this one has its operator too. */
#if defined __has_include
#if __has_include("operator.h")
#include "operator.h"
#endif
#endif

#endif
