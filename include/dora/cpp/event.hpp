/* What a node receives: dora::Event is one of the types here.
 *
 *     std::visit(dora::overloaded{
 *                    [&](dora::Input &input) { use(input.as<float>()); },
 *                    [&](dora::NodeFailed &failed) { warn(failed.node(), failed.message()); },
 *                    [](auto &) {},
 *                },
 *                event);
 *
 * Each owns the event's memory: whatever it returned as a view ends with it. All are move-only; what was moved from, or
 * made by the default constructor, is empty, and only get() and assignment are allowed on it. Several threads may read
 * one event; any one may end it. Events end before their node. */
#ifndef DORA_CPP_EVENT_HPP
#define DORA_CPP_EVENT_HPP

#include <memory>
#include <string_view>
#include <variant>

#include "arrow.hpp"
#include "params.hpp"
#include "sample.hpp"

namespace dora
{
enum class StopCause { manual = DORA_STOP_MANUAL, all_inputs_closed = DORA_STOP_ALL_INPUTS_CLOSED };

namespace detail
{
struct EventFree {
    void operator()(dora_event *event) const noexcept
    {
        dora_event_free(event);
    }
};

/* What all events have. */
class Owned
{
  public:
    Owned() noexcept = default;
    explicit Owned(dora_event *event) noexcept : event_(event)
    {
    }
    dora_event *get() const noexcept
    {
        return event_.get();
    }
    /* Gives the event to the caller, who owes it dora_event_free. */
    dora_event *release() noexcept
    {
        return event_.release();
    }

  protected:
    std::string_view subject() const noexcept
    {
        return dora_event_id(get());
    }
    std::string_view text() const noexcept
    {
        return dora_event_text(get());
    }

  private:
    std::unique_ptr<dora_event, EventFree> event_;
};

inline std::string_view or_empty(const char *text) noexcept
{
    return text ? text : std::string_view();
}
} // namespace detail

/* A message, or the tick of a timer, which has no data. */
class Input : public detail::Owned
{
  public:
    using Owned::Owned;

    /* The input it came on. */
    std::string_view id() const noexcept
    {
        return subject();
    }
    /* The data where it lies in shared memory, read-only, 64-byte aligned; empty for a tick. Of arrays with more than
     * one buffer, such as texts, it is all of them: see arrow(). */
    span<const std::uint8_t> bytes() const noexcept
    {
        std::size_t size;
        const void *data = dora_event_data(get(), &size);
        return {static_cast<const std::uint8_t *>(data), size};
    }
    std::size_t size_bytes() const noexcept
    {
        return dora_event_size(get());
    }
    /* The data as text, which need not end with NUL. */
    std::string_view text() const noexcept
    {
        span<const std::uint8_t> all = bytes();
        return {reinterpret_cast<const char *>(all.data()), all.size()};
    }
    /* The Arrow type: "C" for bytes, "g" for double, "n" for a tick, …; see dora_event_format. */
    const char *format() const noexcept
    {
        return dora_event_format(get());
    }
    /* Whether the data is an array of T, or bytes that are a whole number of T. */
    template <class T> bool is() const noexcept
    {
        std::string_view found = format();
        return (found == detail::format_of<T>() || found == "C") && size_bytes() % sizeof(T) == 0;
    }
    /* The data as values of T, in place. Throws Error (-EINVAL) unless is<T>(). */
    template <class T> span<const T> as() const
    {
        if (!is<T>())
            not_of_type(sizeof(T), detail::format_of<T>());
        span<const std::uint8_t> all = bytes();
        return {reinterpret_cast<const T *>(all.data()), all.size() / sizeof(T)};
    }

    /* Keeps the data beyond this event, without copying. Throws Error: as for as(), -ENODATA for a tick, -ENOMEM. */
    template <class T = std::uint8_t> Sample<T> keep() const
    {
        if (!is<T>())
            not_of_type(sizeof(T), detail::format_of<T>());
        dora_sample *sample = dora_event_keep(get());
        if (!sample)
            throw Error(-errno, errno == ENODATA ? "a tick has no data to keep" : "no memory to keep data");
        return Sample<T>(sample);
    }
    /* The data as an Arrow array of any type, without copying: read-only, and alive as long as the struct, which may be
     * longer than event and node. */
    ArrowData arrow() const
    {
        ArrowData data;
        int code = dora_event_arrow(get(), &data.array, &data.schema);
        if (code < 0)
            throw Error(code, code == -ENODATA ? "the event has no data" : "the data can't be read as an Arrow array");
        return data;
    }
#if DORA_HAS_ARROW
    /* The same for Arrow C++. Throws Error (-EINVAL) where that doesn't know the type. */
    std::shared_ptr<::arrow::Array> array() const
    {
        return detail::import_array(arrow());
    }
#endif

    ParamsView params() const noexcept
    {
        return dora_event_params(get());
    }
    std::uint64_t sequence() const noexcept /* of the output it came from, from 0 */
    {
        return dora_event_sequence(get());
    }
    std::uint64_t timestamp() const noexcept /* when it was sent: NTP64, hybrid logical clock */
    {
        return dora_event_timestamp(get());
    }
    /* Of requests, replies, goals and what belongs to them; empty for others. */
    std::string_view request_id() const noexcept
    {
        return detail::or_empty(dora_event_request_id(get()));
    }
    std::string_view goal_id() const noexcept
    {
        return detail::or_empty(dora_event_goal_id(get()));
    }
    /* Where it is in its stream of chunks; nullopt: it is none. Its session is valid as long as this. */
    std::optional<dora_chunk> chunk() const noexcept
    {
        dora_chunk chunk;
        if (dora_event_chunk(get(), &chunk) < 0)
            return std::nullopt;
        return chunk;
    }

  private:
    [[noreturn, gnu::cold, gnu::noinline]] void not_of_type(std::size_t size, const char *wanted) const
    {
        std::string what = "input `" + std::string(id()) + "` has " + std::to_string(size_bytes()) +
                           " bytes of the Arrow type `" + format() + "`, not values of type `" + wanted + "` and " +
                           std::to_string(size) + " bytes each";
        throw Error(-EINVAL, what.c_str());
    }
};

/* An input is at its end; all it had has been delivered. */
class InputClosed : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view id() const noexcept
    {
        return subject();
    }
};

/* An input that input_timeout had closed delivers again. */
class InputRecovered : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view id() const noexcept
    {
        return subject();
    }
};

/* A node that this one listens to failed. */
class NodeFailed : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view node() const noexcept
    {
        return subject();
    }
    std::string_view message() const noexcept /* how it failed */
    {
        return text();
    }
};

/* A node that this one listens to was restarted. */
class NodeRestarted : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view node() const noexcept
    {
        return subject();
    }
};

/* A parameter of this node was set. */
class ParamUpdate : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view key() const noexcept
    {
        return subject();
    }
    std::string_view json() const noexcept /* its value */
    {
        std::size_t size;
        const void *data = dora_event_data(get(), &size);
        return {static_cast<const char *>(data), size};
    }
};

/* A parameter of this node was taken away. */
class ParamDeleted : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view key() const noexcept
    {
        return subject();
    }
};

class Reload : public detail::Owned
{
  public:
    using Owned::Owned;
};

/* Finish: asked to, or every input has ended. What is queued still comes, then the stream ends. */
class Stop : public detail::Owned
{
  public:
    using Owned::Owned;
    StopCause cause() const noexcept
    {
        return get() ? static_cast<StopCause>(dora_event_stop_cause(get())) : StopCause::manual;
    }
};

/* Something is wrong with the dataflow, and the node may go on. */
class StreamError : public detail::Owned
{
  public:
    using Owned::Owned;
    std::string_view message() const noexcept
    {
        return text();
    }
};

using Event = std::variant<Input, InputClosed, InputRecovered, NodeFailed, NodeRestarted, ParamUpdate, ParamDeleted,
                           Reload, Stop, StreamError>;

/* A visitor of lambdas: overloaded{[](Input &) {…}, [](auto &) {…}}. */
template <class... Lambdas> struct overloaded : Lambdas... {
    using Lambdas::operator()...;
};
template <class... Lambdas> overloaded(Lambdas...) -> overloaded<Lambdas...>;

/* Takes over an event of dora.h's. */
inline Event make_event(dora_event *event) noexcept
{
    switch (dora_event_type(event)) {
    case DORA_EVENT_STOP:
        return Stop(event);
    case DORA_EVENT_INPUT:
        return Input(event);
    case DORA_EVENT_INPUT_CLOSED:
        return InputClosed(event);
    case DORA_EVENT_INPUT_RECOVERED:
        return InputRecovered(event);
    case DORA_EVENT_NODE_FAILED:
        return NodeFailed(event);
    case DORA_EVENT_NODE_RESTARTED:
        return NodeRestarted(event);
    case DORA_EVENT_PARAM_UPDATE:
        return ParamUpdate(event);
    case DORA_EVENT_PARAM_DELETED:
        return ParamDeleted(event);
    case DORA_EVENT_RELOAD:
        return Reload(event);
    case DORA_EVENT_ERROR:
        break;
    }
    return StreamError(event);
}
} // namespace dora

#endif
