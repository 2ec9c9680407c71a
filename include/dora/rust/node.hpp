/* What stands behind dora-node-api.h's opaque types: a node of dora.h that several objects hold. */
#ifndef DORA_RUST_NODE_HPP
#define DORA_RUST_NODE_HPP

#include <cerrno>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>

#include "metadata.hpp"
#include "sender.hpp"

enum class DoraEventType : std::uint8_t {
    Stop,
    Input,
    InputClosed,
    Error,
    Unknown,         /* whatever else may come: ignore it */
    AllInputsClosed, /* the stream has ended */
    Empty,           /* none was ready */
    Timeout,         /* none came in time */
    NodeFailed,
    Reload,
};

namespace dora
{
namespace detail
{
/* Ends the node when the last who holds it does. */
class SharedNode
{
  public:
    SharedNode() noexcept = default;
    explicit SharedNode(dora_node *node) : node_(node, dora_node_close)
    {
    }
    dora_node *get() const noexcept
    {
        return node_.get();
    }

  private:
    std::shared_ptr<dora_node> node_;
};

inline std::int64_t ms_to_ns(std::uint64_t ms) noexcept
{
    const std::uint64_t most = static_cast<std::uint64_t>(DORA_FOREVER) / 1000000;
    return ms > most ? DORA_FOREVER : static_cast<std::int64_t>(ms) * 1000000;
}

/* The sending half, which several senders may hold. When the last is gone, its outputs end. */
struct Sender {
    explicit Sender(SharedNode shared) : node(std::move(shared))
    {
    }
    Sender(const Sender &) = delete;
    ~Sender()
    {
        dora_close_output(node.get(), nullptr);
    }

    /* "" if `send` succeeded. A message for an undeclared output is dropped with one warning, as dora does. The lock
     * keeps one thread's message of an error from being another's. */
    template <class Send> rust::String result(const rust::String &output, Send send)
    {
        std::lock_guard<std::mutex> guard(lock);
        int code = send(node.get(), output.c_str());
        if (code == -ENOENT && !output.empty()) {
            if (!std::exchange(warned, true))
                std::fprintf(stderr, "dora: node `%s` sends on `%s`, which is not among its outputs; nothing is sent\n",
                             dora_node_id(node.get()), output.c_str());
            return rust::String();
        }
        return code < 0 ? rust::String(dora_node_error(node.get())) : rust::String();
    }

    SharedNode node;
    std::mutex lock;
    bool warned = false;
};
} // namespace detail
} // namespace dora

/* An event, or why there is none. */
class DoraEvent final
{
  public:
    DoraEvent(dora::detail::SharedNode node, dora_event *event) : node_(std::move(node)), event_(event)
    {
    }
    explicit DoraEvent(DoraEventType reason) : event_(nullptr), reason_(reason)
    {
    }
    DoraEvent(const DoraEvent &) = delete;
    ~DoraEvent()
    {
        dora_event_free(event_);
    }

    DoraEventType type() const noexcept
    {
        if (!event_)
            return reason_;
        switch (dora_event_type(event_)) {
        case DORA_EVENT_STOP:
            return DoraEventType::Stop;
        case DORA_EVENT_INPUT:
            return DoraEventType::Input;
        case DORA_EVENT_INPUT_CLOSED:
            return DoraEventType::InputClosed;
        case DORA_EVENT_ERROR:
            return DoraEventType::Error;
        case DORA_EVENT_NODE_FAILED:
            return DoraEventType::NodeFailed;
        case DORA_EVENT_RELOAD:
            return DoraEventType::Reload;
        default:
            return DoraEventType::Unknown;
        }
    }
    const dora_event *get() const noexcept
    {
        return event_;
    }
    dora_node *node() const noexcept
    {
        return node_.get();
    }

  private:
    dora::detail::SharedNode node_;
    dora_event *event_;
    DoraEventType reason_ = DoraEventType::Empty;
};

/* The receiving half. One thread at a time. */
class Events final
{
  public:
    explicit Events(dora::detail::SharedNode node) : node_(std::move(node))
    {
    }
    Events(const Events &) = delete;

    /* Waits for the next event, for ever; AllInputsClosed: the stream has ended. */
    rust::Box<DoraEvent> next()
    {
        return next(DORA_FOREVER, DoraEventType::Timeout);
    }
    rust::Box<DoraEvent> next(std::int64_t timeout_ns, DoraEventType none)
    {
        dora_event *event;
        int code = dora_next(node_.get(), &event, timeout_ns);
        if (code == 0)
            return take(event);
        if (code != -ETIMEDOUT && code != -ENODATA)
            std::fprintf(stderr, "dora: receiving failed: %s\n", dora_node_error(node_.get()));
        return reason(code == -ETIMEDOUT ? none : DoraEventType::AllInputsClosed);
    }

    rust::Box<DoraEvent> take(dora_event *event) const
    {
        return rust::Box<DoraEvent>::from_raw(new DoraEvent(node_, event));
    }
    static rust::Box<DoraEvent> reason(DoraEventType type)
    {
        return rust::Box<DoraEvent>::from_raw(new DoraEvent(type));
    }
    dora_node *get() const noexcept
    {
        return node_.get();
    }

  private:
    dora::detail::SharedNode node_;
};

inline dora_node *OutputSender::get() const noexcept
{
    return sender_->node.get();
}

/* OutputSender for any number of threads. */
class SafeOutputSender final
{
  public:
    explicit SafeOutputSender(std::shared_ptr<dora::detail::Sender> sender) : sender_(std::move(sender))
    {
    }
    SafeOutputSender(const SafeOutputSender &) = delete;

    dora::detail::Sender &sender() const noexcept
    {
        return *sender_;
    }

  private:
    std::shared_ptr<dora::detail::Sender> sender_;
};

/* Events that were ready when they were drained. */
class DrainedEvents final
{
  public:
    std::deque<rust::Box<DoraEvent>> events;
};

#endif
