/* dora.h for C++17 and newer: the same calls, with objects that end by themselves. Header-only; link libdora.
 *
 *     #include <dora/dora.hpp>
 *
 *     int main()
 *     {
 *         dora::Node node;
 *         for (dora::Input &input : node.inputs())
 *             node.send("echo", input.bytes());
 *     }
 *
 * or, with all that can happen:
 *
 *     for (dora::Event &event : node)
 *         if (auto *input = std::get_if<dora::Input>(&event)) {
 *             auto image = node.loan<float>(640 * 480); // shared memory, filled in place, sent without a copy
 *             render(image.values());
 *             node.send("image", std::move(image), dora::Params{{"encoding", "mono32"}});
 *         } else if (auto *failed = std::get_if<dora::NodeFailed>(&event)) {
 *             node.log(dora::LogLevel::warn, failed->message());
 *         }
 *
 * Cost: that of the calls of dora.h. Receiving and sending allocate nothing, but where parameters are made.
 *
 * Errors: functions throw dora::Error, whose code is dora.h's negative errno; those that are noexcept return that code
 * instead (try_next, try_send, try_loan), or can't fail.
 *
 * Threads: as in dora.h. One thread at a time receives (next, the ranges, the waits for answers, fd, input_stats); any
 * number may send, loan and log at the same time. Moving or ending a Node is for a moment at which nobody uses it. */
#ifndef DORA_DORA_HPP
#define DORA_DORA_HPP

#include "cpp/arrow.hpp"
#include "cpp/error.hpp"
#include "cpp/event.hpp"
#include "cpp/node.hpp"
#include "cpp/params.hpp"
#include "cpp/range.hpp"
#include "cpp/sample.hpp"
#include "cpp/span.hpp"
#include "cpp/stream.hpp"

#endif
