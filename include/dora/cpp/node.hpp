/* dora::Node; dora.hpp includes this itself, and says more. */
#ifndef DORA_CPP_NODE_HPP
#define DORA_CPP_NODE_HPP

#include <string>
#include <vector>

#include "event.hpp"

namespace dora
{
using Options = dora_node_options;
using InputStats = dora_input_stats;
using OutputStats = dora_output_stats;

/* A timeout that never comes. */
constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();
static_assert(forever.count() == DORA_FOREVER, "a timeout's forever is dora.h's");

enum class GoalStatus { succeeded = DORA_GOAL_SUCCEEDED, aborted = DORA_GOAL_ABORTED, canceled = DORA_GOAL_CANCELED };

enum class LogLevel {
    error = DORA_LOG_ERROR,
    warn = DORA_LOG_WARN,
    info = DORA_LOG_INFO,
    debug = DORA_LOG_DEBUG,
    trace = DORA_LOG_TRACE
};

/* Of a request or a goal: a UUID's text. */
class Id
{
  public:
    const char *c_str() const noexcept
    {
        return text_;
    }
    std::string_view view() const noexcept
    {
        return text_;
    }
    operator std::string_view() const noexcept
    {
        return text_;
    }
    char *data() noexcept /* DORA_ID_SIZE bytes */
    {
        return text_;
    }

    static Id make() noexcept /* a new one, UUID version 7 */
    {
        Id id;
        dora_new_id(id.text_);
        return id;
    }

  private:
    char text_[DORA_ID_SIZE] = "";
};

struct Result { /* of a goal */
    GoalStatus status;
    Input input;
};

template <class T> class Events;

namespace detail
{
/* What is sent as data, and not as what else a send takes. */
template <class Data, class = void> struct is_data : std::negation<std::is_convertible<const Data &, ParamsView>> {
};
#if DORA_HAS_ARROW
template <class Array>
struct is_data<Array, std::enable_if_t<std::is_base_of_v<::arrow::Array, Array>>> : std::false_type {
};
#endif
template <class Data> using if_data = std::enable_if_t<is_data<Data>::value>;
} // namespace detail

class Node
{
  public:
    /* Joins the dataflow and waits until all its nodes have; see dora_node_open, also for why it may throw. */
    Node() : Node(Options{})
    {
    }
    explicit Node(const Options &options)
    {
        dora_error error;
        int code = dora_node_open(&node_, &options, &error);
        if (code < 0)
            throw Error(code, error.message);
    }
    /* As its node with this id, which the descriptor has as `path: dynamic`. */
    explicit Node(Name id) : Node(Options{id.c_str(), 0, nullptr, nullptr, nullptr})
    {
    }
    /* Takes over a node of dora.h's. */
    explicit Node(dora_node *node) noexcept : node_(node)
    {
    }
    Node(Node &&other) noexcept : node_(std::exchange(other.node_, nullptr))
    {
    }
    Node &operator=(Node &&other) noexcept
    {
        if (this != &other) {
            dora_node_close(node_);
            node_ = std::exchange(other.node_, nullptr);
        }
        return *this;
    }
    /* Closes all outputs and leaves the dataflow. Its events have ended before. */
    ~Node()
    {
        dora_node_close(node_);
    }

    std::string_view id() const noexcept
    {
        return dora_node_id(node_);
    }
    std::string_view dataflow_id() const noexcept
    {
        return dora_dataflow_id(node_);
    }
    std::string_view descriptor() const noexcept /* the dataflow as this node joined it, JSON */
    {
        return dora_dataflow_descriptor(node_);
    }
    unsigned restart_count() const noexcept /* 0 for the first run */
    {
        return dora_restart_count(node_);
    }
    std::vector<std::string_view> input_names() const
    {
        return names(dora_input_name);
    }
    std::vector<std::string_view> output_names() const
    {
        return names(dora_output_name);
    }
    std::uint64_t timestamp() const noexcept /* now, NTP64, later than all that was sent and received */
    {
        return dora_timestamp(node_);
    }
    /* The message of the last call that failed, "" if none. */
    std::string_view last_error() const noexcept
    {
        return dora_node_error(node_);
    }
    dora_node *get() const noexcept /* for what only dora.h has */
    {
        return node_;
    }
    /* Gives the node to the caller, who owes it dora_node_close. */
    dora_node *release() noexcept
    {
        return std::exchange(node_, nullptr);
    }

    /* ---- Receiving; the order of events is that of dora_next ---- */

    /* Waits for the next event. nullopt: the stream has ended. */
    std::optional<Event> next()
    {
        return next(forever);
    }
    /* Waits at most that long; 0 doesn't wait. nullopt: none came (or the stream has ended, which try_next tells
     * apart). */
    std::optional<Event> next(std::chrono::nanoseconds timeout)
    {
        dora_event *event;
        int code = dora_next(node_, &event, timeout.count());
        if (code == 0)
            return make_event(event);
        if (code != -ETIMEDOUT && code != -ENODATA)
            detail::throw_error(node_, code);
        return std::nullopt;
    }
    /* The same without exceptions: 0, and the event replaces what `event` was; -ETIMEDOUT; -ENODATA, the stream has
     * ended; another failure. */
    int try_next(Event &event, std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) noexcept
    {
        dora_event *found;
        int code = dora_next(node_, &found, timeout.count());
        if (code == 0)
            event = make_event(found);
        return code;
    }
    /* All events, or all inputs and nothing else, up to the end of the stream: for (auto &event : node). Each ends with
     * its turn, unless it is moved elsewhere. A Stop is one of the events; what is queued still comes behind it. */
    Events<Event> events() noexcept;
    Events<Input> inputs() noexcept;
    auto begin();
    auto end() noexcept;

    /* A descriptor for poll() and the like: when it is readable, call next(0ns) until there is nothing. The node's. */
    int fd()
    {
        int fd = dora_fd(node_);
        detail::check_code(node_, fd);
        return fd;
    }

    /* ---- Sending; failures are those of dora_send ---- */

    /* Sends a copy of `data`: a text or bytes, as bytes; a container of numbers or one number, as an Arrow array of
     * that type; any other container of values, or value, that can be copied as memory, as the bytes it consists of. */
    template <class Data, class = detail::if_data<Data>>
    void send(Name output, const Data &data, ParamsView params = {})
    {
        detail::check_code(node_, try_send(output, data, params));
    }
    template <class Data, class = detail::if_data<Data>>
    int try_send(Name output, const Data &data, ParamsView params = {}) noexcept
    {
        auto view = detail::view_of(data);
        return send_values(output, view.data(), view.size(), params);
    }
    /* Sends a message without data. */
    void send(Name output, ParamsView params = {})
    {
        detail::check_code(node_, dora_send(node_, output.c_str(), nullptr, 0, params.get()));
    }

    /* Shared memory for `count` values of T, to fill in place. -ENOSPC when memory is out. */
    template <class T = std::uint8_t> Loan<T> loan(std::size_t count)
    {
        Loan<T> loan;
        detail::check_code(node_, try_loan(loan, count));
        return loan;
    }
    template <class T> int try_loan(Loan<T> &loan, std::size_t count) noexcept
    {
        if (count > SIZE_MAX / sizeof(T))
            return -ENOSPC;
        dora_sample *sample;
        int code = dora_loan(node_, count * sizeof(T), &sample);
        if (code == 0)
            loan = Loan<T>(sample);
        return code;
    }
    /* Sends it without a copy, as an Arrow array of T, or as bytes where T is no number. It is gone, also on failure.
     */
    template <class T> void send(Name output, Loan<T> &&loan, ParamsView params = {})
    {
        detail::check_code(node_, try_send(output, std::move(loan), params));
    }
    template <class T> int try_send(Name output, Loan<T> &&loan, ParamsView params = {}) noexcept
    {
        return dora_send_sample(node_, output.c_str(), loan.release(), detail::format_of<T>(), params.get());
    }
    /* Sends it and keeps it for reading: it may be shared again, on any output. On failure it is gone. */
    template <class T> Sample<T> share(Name output, Loan<T> &&loan, ParamsView params = {})
    {
        Sample<T> sample(loan.release());
        share(output, sample, params);
        return sample;
    }
    template <class T> void share(Name output, const Sample<T> &sample, ParamsView params = {})
    {
        detail::check_code(
            node_, dora_share_sample(node_, output.c_str(), sample.get(), detail::format_of<T>(), params.get()));
    }

    /* Sends an Arrow array of any type, copying its buffers once. It is released, also on failure. */
    void send(Name output, ArrowData &&data, ParamsView params = {})
    {
        detail::check_code(node_, dora_send_arrow(node_, output.c_str(), &data.array, &data.schema, params.get()));
    }
#if DORA_HAS_ARROW
    void send(Name output, const ::arrow::Array &array, ParamsView params = {})
    {
        send(output, detail::export_array(array), params);
    }
#endif

    /* No more will be sent on this output, or on any. */
    void close_output(Name output)
    {
        detail::check_code(node_, dora_close_output(node_, output.c_str()));
    }
    void close_outputs()
    {
        detail::check_code(node_, dora_close_output(node_, nullptr));
    }

    /* ---- Requests and goals; see the patterns of dora.h ---- */

    /* Sends bytes as a request or a goal, with a new id. */
    template <class Data> Id request(Name output, const Data &data, ParamsView params = {})
    {
        auto view = detail::view_of(data);
        Id id;
        detail::check_code(
            node_, dora_send_request(node_, output.c_str(), view.data(), view.size_bytes(), params.get(), id.data()));
        return id;
    }
    template <class Data> Id send_goal(Name output, const Data &data, ParamsView params = {})
    {
        auto view = detail::view_of(data);
        Id id;
        detail::check_code(
            node_, dora_send_goal(node_, output.c_str(), view.data(), view.size_bytes(), params.get(), id.data()));
        return id;
    }
    template <class Data> void reply(Name output, const Input &request, const Data &data)
    {
        auto view = detail::view_of(data);
        detail::check_code(node_,
                           dora_send_reply(node_, output.c_str(), request.get(), view.data(), view.size_bytes()));
    }
    template <class Data> void send_feedback(Name output, Name goal, const Data &data)
    {
        auto view = detail::view_of(data);
        detail::check_code(node_,
                           dora_send_feedback(node_, output.c_str(), goal.c_str(), view.data(), view.size_bytes()));
    }
    template <class Data> void send_result(Name output, Name goal, GoalStatus status, const Data &data)
    {
        auto view = detail::view_of(data);
        detail::check_code(node_,
                           dora_send_result(node_, output.c_str(), goal.c_str(), static_cast<dora_goal_status>(status),
                                            view.data(), view.size_bytes()));
    }
    void send_cancel(Name output, const Id &goal)
    {
        detail::check_code(node_, dora_send_cancel(node_, output.c_str(), goal.c_str()));
    }
    /* Waits for the answer, from `server` or, where that is NULL, any node; other events are kept for next(). nullopt:
     * not in time. Throws Error -ECONNRESET (the server failed or was restarted), -ECANCELED (a Stop came), -ENODATA.
     */
    std::optional<Input> await_reply(const Id &id, const char *server = nullptr,
                                     std::chrono::nanoseconds timeout = forever)
    {
        dora_event *event;
        int code = dora_await_reply(node_, id.c_str(), server, timeout.count(), &event);
        if (code == 0)
            return Input(event);
        if (code != -ETIMEDOUT)
            detail::throw_error(node_, code);
        return std::nullopt;
    }
    std::optional<Result> await_result(const Id &id, const char *server = nullptr,
                                       std::chrono::nanoseconds timeout = forever)
    {
        dora_event *event;
        dora_goal_status status;
        int code = dora_await_result(node_, id.c_str(), server, timeout.count(), &event, &status);
        if (code == 0)
            return Result{static_cast<GoalStatus>(status), Input(event)};
        if (code != -ETIMEDOUT)
            detail::throw_error(node_, code);
        return std::nullopt;
    }

    /* ---- Looking at oneself ---- */

    InputStats input_stats(Name input)
    {
        InputStats stats;
        detail::check_code(node_, dora_get_input_stats(node_, input.c_str(), &stats));
        return stats;
    }
    OutputStats output_stats(Name output)
    {
        OutputStats stats;
        detail::check_code(node_, dora_get_output_stats(node_, output.c_str(), &stats));
        return stats;
    }
    void log(LogLevel level, std::string_view message)
    {
        std::string text(message);
        detail::check_code(node_, dora_log_message(node_, static_cast<dora_log_level>(level), text.c_str()));
    }

  private:
    std::vector<std::string_view> names(const char *(*name)(const dora_node *, std::size_t)) const
    {
        std::vector<std::string_view> all;
        while (const char *found = name(node_, all.size()))
            all.emplace_back(found);
        return all;
    }

    template <class T> int send_values(Name output, const T *data, std::size_t count, ParamsView params) noexcept
    {
        const char *format = detail::format_of<T>();
        if (format[0] == 'C')
            return dora_send(node_, output.c_str(), data, count * sizeof(T), params.get());
        /* An array on the stack that borrows `data`, of which nothing needs to be released. */
        const void *buffers[] = {nullptr, data};
        ::ArrowArray array = {};
        array.length = static_cast<std::int64_t>(count);
        array.n_buffers = 2;
        array.buffers = buffers;
        array.release = [](::ArrowArray *self) { self->release = nullptr; };
        ::ArrowSchema schema = {};
        schema.format = format;
        schema.release = [](::ArrowSchema *self) { self->release = nullptr; };
        return dora_send_arrow(node_, output.c_str(), &array, &schema, params.get());
    }

    dora_node *node_ = nullptr;
};
} // namespace dora

#endif
