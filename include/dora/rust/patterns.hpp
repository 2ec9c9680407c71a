/* The part of dora-node-api.h that is about services and actions; it includes this itself. */
#ifndef DORA_RUST_PATTERNS_HPP
#define DORA_RUST_PATTERNS_HPP

#include "send.hpp"

struct DoraRequestId {
    rust::String request_id; /* "" on failure */
    rust::String error;
};

enum class DoraPatternStatus : std::uint8_t {
    Matched,
    Timeout,
    ServerRestarted, /* or has failed: the request is lost with it */
    StreamEnded,     /* or a Stop came, which the next event is */
    StreamError,
    InvalidArgument,
    NotReady, /* of try_recv_*: not yet */
};

struct DoraPatternResult {
    DoraPatternStatus status;
    rust::String error;
    rust::Box<DoraEvent> event; /* the answer if Matched; else Timeout, AllInputsClosed or Empty */
};

inline rust::String new_request_id()
{
    char id[DORA_ID_SIZE];
    dora_new_id(id);
    return id;
}

inline rust::String new_goal_id()
{
    return new_request_id();
}

inline rust::String goal_status_succeeded()
{
    return dora_goal_status_name(DORA_GOAL_SUCCEEDED);
}

inline rust::String goal_status_aborted()
{
    return dora_goal_status_name(DORA_GOAL_ABORTED);
}

inline rust::String goal_status_canceled()
{
    return dora_goal_status_name(DORA_GOAL_CANCELED);
}

inline DoraResult send_service_request_with_id(rust::Box<OutputSender> &sender, rust::String output_id,
                                               rust::Slice<const std::uint8_t> data, rust::Box<Metadata> metadata,
                                               rust::Str request_id)
{
    metadata->set_request_id(rust::String(request_id));
    return send_output_with_metadata(sender, std::move(output_id), data, std::move(metadata));
}

/* With a new id, which replaces one in `metadata`. */
inline DoraRequestId send_service_request(rust::Box<OutputSender> &sender, rust::String output_id,
                                          rust::Slice<const std::uint8_t> data, rust::Box<Metadata> metadata)
{
    rust::String id = new_request_id();
    rust::String error =
        send_service_request_with_id(sender, std::move(output_id), data, std::move(metadata), id).error;
    return {error.empty() ? id : rust::String(), error};
}

inline DoraRequestId send_arrow_service_request(rust::Box<OutputSender> &sender, rust::String output_id,
                                                std::uint8_t *array_ptr, std::uint8_t *schema_ptr,
                                                rust::Box<Metadata> metadata)
{
    rust::String id = new_request_id();
    metadata->set_request_id(id);
    rust::String error =
        send_arrow_output(sender, std::move(output_id), array_ptr, schema_ptr, std::move(metadata)).error;
    return {error.empty() ? id : rust::String(), error};
}

/* `metadata` is the request's, with its request_id. */
inline DoraResult send_service_response(rust::Box<OutputSender> &sender, rust::String output_id,
                                        rust::Slice<const std::uint8_t> data, rust::Box<Metadata> metadata)
{
    return send_output_with_metadata(sender, std::move(output_id), data, std::move(metadata));
}

namespace dora
{
namespace detail
{
/* Waits for an answer by `wait(node, id, server, timeout, &event)`. */
template <class Wait>
DoraPatternResult await(rust::Box<Events> &events, rust::Str id, rust::Str server, std::int64_t timeout_ns, Wait wait)
{
    std::string name(server);
    if (name.find('/') != std::string::npos)
        return {DoraPatternStatus::InvalidArgument, "`" + name + "` can't be the id of a node",
                Events::reason(DoraEventType::Empty)};
    dora_event *event;
    int code = wait(events->get(), std::string(id).c_str(), name.empty() ? nullptr : name.c_str(), timeout_ns, &event);
    if (code == 0)
        return {DoraPatternStatus::Matched, {}, events->take(event)};
    rust::String error = dora_node_error(events->get());
    switch (code) {
    case -ETIMEDOUT:
        return {DoraPatternStatus::Timeout, error, Events::reason(DoraEventType::Timeout)};
    case -ECONNRESET:
        return {DoraPatternStatus::ServerRestarted, error, Events::reason(DoraEventType::Empty)};
    case -ECANCELED:
    case -ENODATA:
        return {DoraPatternStatus::StreamEnded, error, Events::reason(DoraEventType::AllInputsClosed)};
    default:
        return {DoraPatternStatus::StreamError, error, Events::reason(DoraEventType::Empty)};
    }
}

inline int await_result(dora_node *node, const char *id, const char *server, std::int64_t timeout_ns,
                        dora_event **event)
{
    return dora_await_result(node, id, server, timeout_ns, event, nullptr);
}

inline DoraPatternResult no_server()
{
    return {DoraPatternStatus::InvalidArgument, "no node is named that answers", Events::reason(DoraEventType::Empty)};
}

/* What a wait of no time found. */
inline DoraPatternResult tried(DoraPatternResult result)
{
    if (result.status != DoraPatternStatus::Timeout)
        return result;
    return {DoraPatternStatus::NotReady, {}, Events::reason(DoraEventType::Empty)};
}
} // namespace detail
} // namespace dora

/* Wait for the response to a request, or a goal's result; other events, such as feedback, are kept for later calls. */
inline DoraPatternResult recv_service_response(rust::Box<Events> &events, rust::Str request_id,
                                               rust::Str server_node_id, std::uint64_t timeout_ms)
{
    if (server_node_id.empty())
        return dora::detail::no_server();
    return dora::detail::await(events, request_id, server_node_id, dora::detail::ms_to_ns(timeout_ms),
                               dora_await_reply);
}

inline DoraPatternResult recv_action_result(rust::Box<Events> &events, rust::Str goal_id, rust::Str server_node_id,
                                            std::uint64_t timeout_ms)
{
    if (server_node_id.empty())
        return dora::detail::no_server();
    return dora::detail::await(events, goal_id, server_node_id, dora::detail::ms_to_ns(timeout_ms),
                               dora::detail::await_result);
}

/* The same without waiting: NotReady. No server's name: any node may answer. */
inline DoraPatternResult try_recv_service_response(rust::Box<Events> &events, rust::Str request_id,
                                                   rust::Str server_node_id)
{
    return dora::detail::tried(dora::detail::await(events, request_id, server_node_id, 0, dora_await_reply));
}

inline DoraPatternResult try_recv_action_result(rust::Box<Events> &events, rust::Str goal_id, rust::Str server_node_id)
{
    return dora::detail::tried(dora::detail::await(events, goal_id, server_node_id, 0, dora::detail::await_result));
}

#endif
