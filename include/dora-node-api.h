/* dora's C++ node interface: the names, types and meaning that nodes written against dora-rs use, in the global
 * namespace and header-only over dora.h. Such a node compiles unchanged and links with -ldora (or by the name
 * -ldora_node_api_cxx). New code is better off with <dora/dora.hpp>, which copies nothing.
 *
 *     auto node = init_dora_node();
 *     for (;;) {
 *         auto event = node.events->next();
 *         if (event_type(event) == DoraEventType::AllInputsClosed)
 *             break;
 *         if (event_type(event) == DoraEventType::Input) {
 *             auto input = event_as_input(std::move(event));
 *             send_output(node.send_output, "echo", rust::Slice<const uint8_t>(input.data));
 *         }
 *     }
 *
 * Errors: functions that return a struct with an `error` leave that empty on success; the others throw rust::Error
 * where they say so. Sending on an output that the descriptor doesn't have is no error: nothing is sent, and a line on
 * standard error says so the first time.
 *
 * Threads: Events and OutputSender are each for one thread at a time, which need not be the same; SafeOutputSender for
 * any number. Events may outlive the node that they came from.
 *
 * What isn't here: ROS 2 (there, CombinedEvents has more sources than dora), and memory pools. */
#ifndef DORA_NODE_API_CXX_H
#define DORA_NODE_API_CXX_H

#include "dora/rust/combined.hpp"
#include "dora/rust/node.hpp"
#include "dora/rust/patterns.hpp"
#include "dora/rust/send.hpp"

struct DoraNode {
    rust::Box<Events> events;
    rust::Box<OutputSender> send_output; /* when it is gone, the node's outputs are closed */
};

struct DoraInput {
    rust::String id;
    rust::Vec<std::uint8_t> data; /* a copy */
};

struct DoraInputWithMetadata {
    rust::String id;
    rust::Vec<std::uint8_t> data;
    rust::Box<Metadata> metadata;
};

struct DoraNodeFailed {
    rust::Vec<rust::String> affected_input_ids; /* this node's inputs that come from there */
    rust::String error;
    rust::String source_node_id;
};

struct ArrowInputInfo {
    rust::String id;
    rust::Box<Metadata> metadata;
    rust::String error;
};

/* ---- Life ---- */

/* Joins the dataflow and waits until all of its nodes have. Throws rust::Error. */
inline DoraNode init_dora_node()
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, nullptr, &error) < 0)
        throw rust::Error(error.message);
    dora::detail::SharedNode shared(node);
    auto sender = std::make_shared<dora::detail::Sender>(shared);
    return {rust::Box<Events>::from_raw(new Events(shared)),
            rust::Box<OutputSender>::from_raw(new OutputSender(std::move(sender)))};
}

inline rust::String node_id(const rust::Box<OutputSender> &sender)
{
    return dora_node_id(sender->get());
}

inline rust::String dataflow_id(const rust::Box<OutputSender> &sender)
{
    return dora_dataflow_id(sender->get());
}

/* {"inputs": …, "outputs": …} of this node, as they stand in the descriptor. */
inline rust::String node_config_json(const rust::Box<OutputSender> &sender)
{
    std::string inputs = dora::detail::node_value(sender->get(), "inputs");
    std::string outputs = dora::detail::node_value(sender->get(), "outputs");
    return "{\"inputs\":" + (inputs.empty() ? "{}" : inputs) + ",\"outputs\":" + (outputs.empty() ? "[]" : outputs) +
           '}';
}

/* The dataflow as this node joined it, with the `env` of its nodes. */
inline rust::String dataflow_descriptor_json(const rust::Box<OutputSender> &sender)
{
    return dora_dataflow_descriptor(sender->get());
}

/* ---- Receiving ---- */

inline rust::Box<DoraEvent> next_event(rust::Box<Events> &events)
{
    return events->next();
}

/* Timeout: none came in time. */
inline rust::Box<DoraEvent> next_event_timeout(rust::Box<Events> &events, std::uint64_t timeout_ms)
{
    return events->next(dora::detail::ms_to_ns(timeout_ms), DoraEventType::Timeout);
}

/* Empty: none is ready. */
inline rust::Box<DoraEvent> try_next_event(rust::Box<Events> &events)
{
    return events->next(0, DoraEventType::Empty);
}

/* Whether no message is queued: a hint, since one may come at any time, and other events aren't counted. */
inline bool events_is_empty(const rust::Box<Events> &events)
{
    std::uint64_t queued = 0;
    for (std::size_t i = 0; const char *name = dora_input_name(events->get(), i); i++) {
        dora_input_stats stats;
        if (dora_get_input_stats(events->get(), name, &stats) == 0)
            queued += stats.queued;
    }
    return queued == 0;
}

/* Takes all events that are ready. */
inline rust::Box<DrainedEvents> drain_events(rust::Box<Events> &events)
{
    rust::Box<DrainedEvents> drained = rust::Box<DrainedEvents>::from_raw(new DrainedEvents);
    for (;;) {
        rust::Box<DoraEvent> event = try_next_event(events);
        if (!event->get())
            return drained;
        drained->events.push_back(std::move(event));
    }
}

inline std::size_t drained_events_len(const rust::Box<DrainedEvents> &drained)
{
    return drained->events.size();
}

/* Empty: that were all. */
inline rust::Box<DoraEvent> drained_events_next(rust::Box<DrainedEvents> &drained)
{
    if (drained->events.empty())
        return Events::reason(DoraEventType::Empty);
    rust::Box<DoraEvent> event = std::move(drained->events.front());
    drained->events.pop_front();
    return event;
}

inline DoraEventType event_type(const rust::Box<DoraEvent> &event)
{
    return event->type();
}

namespace dora
{
namespace detail
{
inline const dora_event *input_of(const rust::Box<DoraEvent> &event)
{
    if (event->type() != DoraEventType::Input)
        throw rust::Error("the event is no input");
    return event->get();
}

inline rust::Vec<std::uint8_t> bytes_of(const dora_event *event)
{
    const char *format = dora_event_format(event);
    if (std::strcmp(format, "C") != 0 && std::strcmp(format, "n") != 0)
        throw rust::Error("input `" + std::string(dora_event_id(event)) + "` carries an Arrow array of type `" +
                          format + "`, not bytes: use event_as_arrow_input");
    std::size_t size;
    const std::uint8_t *data = static_cast<const std::uint8_t *>(dora_event_data(event, &size));
    return size ? rust::Vec<std::uint8_t>(std::vector<std::uint8_t>(data, data + size)) : rust::Vec<std::uint8_t>();
}

inline rust::Box<Metadata> metadata_of(const dora_event *event)
{
    return rust::Box<Metadata>::in_place(dora_event_params(event), dora_event_timestamp(event));
}
} // namespace detail
} // namespace dora

/* These three throw rust::Error where the event is of another type, or an input's data isn't bytes. */
inline DoraInput event_as_input(rust::Box<DoraEvent> event)
{
    const dora_event *input = dora::detail::input_of(event);
    return {dora_event_id(input), dora::detail::bytes_of(input)};
}

inline DoraInputWithMetadata event_as_input_with_metadata(rust::Box<DoraEvent> event)
{
    const dora_event *input = dora::detail::input_of(event);
    return {dora_event_id(input), dora::detail::bytes_of(input), dora::detail::metadata_of(input)};
}

inline DoraNodeFailed event_as_node_failed(rust::Box<DoraEvent> event)
{
    if (event->type() != DoraEventType::NodeFailed)
        throw rust::Error("the event is not that a node failed");
    DoraNodeFailed failed = {{}, dora_event_text(event->get()), dora_event_id(event->get())};
    dora::detail::inputs_from(event->node(), dora_event_id(event->get()),
                              [&](const std::string &input) { failed.affected_input_ids.push_back(input); });
    return failed;
}

/* Fill in the two structs of the Arrow C data interface, which the caller releases; the data is not copied, and may
 * outlive event and node. */
inline ArrowInputInfo event_as_arrow_input_with_info(rust::Box<DoraEvent> event, std::uint8_t *out_array,
                                                     std::uint8_t *out_schema)
{
    ArrowInputInfo info = {{}, new_metadata(), {}};
    if (event->type() != DoraEventType::Input) {
        info.error = "the event is no input";
        return info;
    }
    info.id = dora_event_id(event->get());
    if (!out_array || !out_schema) {
        info.error = "there is no struct to fill in";
        return info;
    }
    info.metadata = dora::detail::metadata_of(event->get());
    if (dora_event_arrow(event->get(), reinterpret_cast<ArrowArray *>(out_array),
                         reinterpret_cast<ArrowSchema *>(out_schema)) < 0)
        info.error = "the data can't be read as an Arrow array";
    return info;
}

inline DoraResult event_as_arrow_input(rust::Box<DoraEvent> event, std::uint8_t *out_array, std::uint8_t *out_schema)
{
    return {event_as_arrow_input_with_info(std::move(event), out_array, out_schema).error};
}

#endif
