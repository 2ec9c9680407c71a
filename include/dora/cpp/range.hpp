/* A node's events as a range; dora.hpp includes this itself. */
#ifndef DORA_CPP_RANGE_HPP
#define DORA_CPP_RANGE_HPP

#include "node.hpp"

namespace dora
{
/* The events of a node that are a T, up to the end of its stream: one pass, by one thread. Its iterator owns the event
 * it is at. */
template <class T> class Events
{
  public:
    struct End {
    };

    class iterator
    {
      public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = T *;
        using reference = T &;

        explicit iterator(Node &node) : node_(&node)
        {
            ++*this;
        }
        T &operator*() const noexcept
        {
            if constexpr (std::is_same_v<T, Event>)
                return *event_;
            else
                return *std::get_if<T>(&*event_);
        }
        T *operator->() const noexcept
        {
            return &**this;
        }
        iterator &operator++()
        {
            do {
                event_.reset(); /* its memory goes back to the sender before the wait, not after */
                event_ = node_->next();
            } while (event_ && !wanted());
            return *this;
        }
        void operator++(int)
        {
            ++*this;
        }
        friend bool operator==(const iterator &at, End) noexcept
        {
            return !at.event_;
        }
        friend bool operator!=(const iterator &at, End) noexcept
        {
            return !!at.event_;
        }

      private:
        bool wanted() const noexcept
        {
            if constexpr (std::is_same_v<T, Event>)
                return true;
            else
                return std::holds_alternative<T>(*event_);
        }

        Node *node_;
        mutable std::optional<Event> event_;
    };

    explicit Events(Node &node) noexcept : node_(&node)
    {
    }
    iterator begin() const /* waits for the first */
    {
        return iterator(*node_);
    }
    End end() const noexcept
    {
        return {};
    }

  private:
    Node *node_;
};

inline Events<Event> Node::events() noexcept
{
    return Events<Event>(*this);
}
inline Events<Input> Node::inputs() noexcept
{
    return Events<Input>(*this);
}
inline auto Node::begin()
{
    return events().begin();
}
inline auto Node::end() noexcept
{
    return Events<Event>::End{};
}
} // namespace dora

#endif
