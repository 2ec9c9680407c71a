/* Operators in C++17: operator.h with dora.hpp's objects. A class and one line are an operator:
 *
 *     #include <dora/operator.hpp>
 *
 *     class Brighten
 *     {
 *       public:
 *         dora::Status on_event(dora::Node &node, const dora::Event &event)
 *         {
 *             if (auto *frame = std::get_if<dora::Input>(&event)) {
 *                 auto brighter = node.loan<std::uint8_t>(frame->size_bytes()); // shared memory, sent without a copy
 *                 brighten(frame->bytes(), brighter.values());
 *                 node.send("frame", std::move(brighter));
 *             }
 *             return dora::Status::proceed;
 *         }
 *     };
 *     DORA_OPERATOR(Brighten)
 *
 * It is compiled to a shared library, linked with libdora_operator_api_c.a and libdora.so: dora_add_operator() of
 * find_package(dora) does that.
 *
 * The class is made by its default constructor, before the dataflow starts. Where it has none, its constructor takes a
 * `dora::Node &` and is called when the first event comes. Its destructor runs before the node leaves. on_event may
 * return nothing, which is to proceed. What any of them throws fails the operator, with what() as the reason; only that
 * a stop cuts off a send (-ECANCELED) is no failure.
 *
 * Node and event are the host's. The node is the same object from the first event to the end of the destructor: keep a
 * reference, send by it from any thread, don't receive by it. An event ends with its call; Input::keep() and arrow() go
 * beyond it. */
#ifndef DORA_OPERATOR_HPP
#define DORA_OPERATOR_HPP

#include "cpp/guard.hpp"
#include "dora.hpp"
#include "operator.h"

namespace dora
{
enum class Status : DoraStatus_t {
    proceed = DORA_STATUS_CONTINUE,
    stop = DORA_STATUS_STOP,        /* this operator is done */
    stop_all = DORA_STATUS_STOP_ALL /* and so is the whole dataflow, all of which gets a Stop event */
};

namespace detail
{
/* An event that stays the host's. */
class LentEvent
{
  public:
    explicit LentEvent(const dora_event *event) noexcept
        : event_(make_event(const_cast<dora_event *>(event)))
    {
    }
    ~LentEvent()
    {
        std::visit([](auto &event) { event.release(); }, event_);
    }
    const Event &get() const noexcept
    {
        return event_;
    }

  private:
    Event event_;
};

/* The three functions of an operator, whose context is this: a T, and the node, which stays the host's. */
template <class T> class Operator
{
    static constexpr bool made_early = std::is_default_constructible_v<T>;
    static_assert(made_early || std::is_constructible_v<T, Node &>,
                  "an operator is made by a default constructor, or from a dora::Node &");

  public:
    static DoraInitResult_t init() noexcept
    {
        Operator *self = nullptr;
        DoraResult_t result = guarded([&] {
            auto made = std::make_unique<Operator>();
            if constexpr (made_early)
                made->value_ = new T();
            self = made.release();
            return DoraResult_t{nullptr};
        });
        return {result, self};
    }
    static DoraResult_t drop(void *context) noexcept
    {
        return guarded([&] {
            std::unique_ptr<Operator> self(static_cast<Operator *>(context));
            delete std::exchange(self->value_, nullptr); /* here, where it may throw */
            return DoraResult_t{nullptr};
        });
    }
    static OnEventResult_t on_event(const SendOutput_t *outputs, void *context) noexcept
    {
        return guarded_event([&](DoraStatus_t &status) {
            try {
                status = static_cast<DoraStatus_t>(static_cast<Operator *>(context)->handle(outputs));
            } catch (const Error &error) {
                if (error.code() != -ECANCELED)
                    throw;
                status = DORA_STATUS_CONTINUE;
            }
            return DoraResult_t{nullptr};
        });
    }
    ~Operator()
    {
        node_.release();
    }

  private:
    Status handle(const SendOutput_t *outputs)
    {
        if (!node_.get() && !(node_ = Node(dora_operator_node(outputs))).get())
            throw Error(-ENOSYS, "this operator runs on hosts of this dora only");
        if constexpr (!made_early)
            if (!value_)
                value_ = new T(node_);
        LentEvent event(dora_operator_current(outputs));
        if constexpr (std::is_void_v<decltype(value_->on_event(node_, event.get()))>)
            return value_->on_event(node_, event.get()), Status::proceed;
        else
            return value_->on_event(node_, event.get());
    }

    Node node_{nullptr};
    T *value_ = nullptr;
};
} // namespace detail
} // namespace dora

/* Makes the class TYPE this library's operator: once in a library, outside of every namespace. */
#define DORA_OPERATOR(TYPE)                                                                                            \
    extern "C" DoraInitResult_t dora_init_operator(void)                                                               \
    {                                                                                                                  \
        return dora::detail::Operator<TYPE>::init();                                                                   \
    }                                                                                                                  \
    extern "C" DoraResult_t dora_drop_operator(void *context)                                                          \
    {                                                                                                                  \
        return dora::detail::Operator<TYPE>::drop(context);                                                            \
    }                                                                                                                  \
    extern "C" OnEventResult_t dora_on_event(RawEvent_t *, const SendOutput_t *outputs, void *context)                 \
    {                                                                                                                  \
        return dora::detail::Operator<TYPE>::on_event(outputs, context);                                               \
    }

#endif
