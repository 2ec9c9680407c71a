/* The types of dora-node-api.h's interface, by the names and with the methods that dora's C++ sources know them by.
 * They are plain C++: Str and Slice borrow, String and Vec own and can be copied, Box owns and can only be moved.
 * Unlike the originals, texts are not checked to be UTF-8, and none of them can be handed to a library written in Rust.
 * C++14. */
#ifndef DORA_RUST_TYPES_HPP
#define DORA_RUST_TYPES_HPP

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "text.hpp"

namespace rust
{
inline namespace cxxbridge1
{
template <class T> class Slice final
{
  public:
    using value_type = T;
    using iterator = T *;

    Slice() noexcept = default;
    Slice(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <class C, class = decltype(std::declval<C &>().data() + std::declval<C &>().size())>
    explicit Slice(C &container) : data_(container.data()), size_(container.size())
    {
    }
    template <class U, class = std::enable_if_t<std::is_same<T, const U>::value>>
    Slice(const Slice<U> &other) noexcept : data_(other.data()), size_(other.size())
    {
    }

    T *data() const noexcept
    {
        return data_;
    }
    std::size_t size() const noexcept
    {
        return size_;
    }
    std::size_t length() const noexcept
    {
        return size_;
    }
    bool empty() const noexcept
    {
        return size_ == 0;
    }
    T &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }
    T &at(std::size_t index) const
    {
        if (index >= size_)
            throw std::out_of_range("rust::Slice index out of range");
        return data_[index];
    }
    T &front() const noexcept
    {
        return data_[0];
    }
    T &back() const noexcept
    {
        return data_[size_ - 1];
    }
    T *begin() const noexcept
    {
        return data_;
    }
    T *end() const noexcept
    {
        return data_ + size_;
    }
    void swap(Slice &other) noexcept
    {
        std::swap(*this, other);
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

template <class T> class Vec final
{
  public:
    static_assert(!std::is_same<T, bool>::value, "std::vector<bool> is no array");
    using value_type = T;
    using iterator = typename std::vector<T>::iterator;
    using const_iterator = typename std::vector<T>::const_iterator;

    Vec() = default;
    Vec(std::initializer_list<T> list) : items_(list)
    {
    }
    explicit Vec(std::vector<T> items) noexcept : items_(std::move(items))
    {
    }

    std::size_t size() const noexcept
    {
        return items_.size();
    }
    bool empty() const noexcept
    {
        return items_.empty();
    }
    std::size_t capacity() const noexcept
    {
        return items_.capacity();
    }
    T *data() noexcept
    {
        return items_.data();
    }
    const T *data() const noexcept
    {
        return items_.data();
    }
    T &operator[](std::size_t index) noexcept
    {
        return items_[index];
    }
    const T &operator[](std::size_t index) const noexcept
    {
        return items_[index];
    }
    T &at(std::size_t index)
    {
        return items_.at(index);
    }
    const T &at(std::size_t index) const
    {
        return items_.at(index);
    }
    T &front() noexcept
    {
        return items_.front();
    }
    const T &front() const noexcept
    {
        return items_.front();
    }
    T &back() noexcept
    {
        return items_.back();
    }
    const T &back() const noexcept
    {
        return items_.back();
    }
    void reserve(std::size_t size)
    {
        items_.reserve(size);
    }
    void push_back(const T &item)
    {
        items_.push_back(item);
    }
    void push_back(T &&item)
    {
        items_.push_back(std::move(item));
    }
    template <class... Args> void emplace_back(Args &&...args)
    {
        items_.emplace_back(std::forward<Args>(args)...);
    }
    void truncate(std::size_t size)
    {
        if (size < items_.size())
            items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(size), items_.end());
    }
    void clear() noexcept
    {
        items_.clear();
    }
    iterator begin() noexcept
    {
        return items_.begin();
    }
    iterator end() noexcept
    {
        return items_.end();
    }
    const_iterator begin() const noexcept
    {
        return items_.begin();
    }
    const_iterator end() const noexcept
    {
        return items_.end();
    }
    const_iterator cbegin() const noexcept
    {
        return items_.begin();
    }
    const_iterator cend() const noexcept
    {
        return items_.end();
    }
    void swap(Vec &other) noexcept
    {
        items_.swap(other.items_);
    }

  private:
    std::vector<T> items_;
};

/* Never empty, but after it was moved from. */
template <class T> class Box final
{
  public:
    using element_type = T;

    explicit Box(const T &value) : value_(new T(value))
    {
    }
    explicit Box(T &&value) : value_(new T(std::move(value)))
    {
    }
    Box(Box &&other) noexcept : value_(std::exchange(other.value_, nullptr))
    {
    }
    Box &operator=(Box &&other) noexcept
    {
        if (this != &other) {
            delete value_;
            value_ = std::exchange(other.value_, nullptr);
        }
        return *this;
    }
    ~Box()
    {
        delete value_;
    }

    template <class... Fields> static Box in_place(Fields &&...fields)
    {
        return from_raw(new T{std::forward<Fields>(fields)...});
    }
    static Box from_raw(T *value) noexcept
    {
        return Box(value, 0);
    }
    T *into_raw() noexcept
    {
        return std::exchange(value_, nullptr);
    }
    T &operator*() noexcept
    {
        return *value_;
    }
    const T &operator*() const noexcept
    {
        return *value_;
    }
    T *operator->() noexcept
    {
        return value_;
    }
    const T *operator->() const noexcept
    {
        return value_;
    }
    void swap(Box &other) noexcept
    {
        std::swap(value_, other.value_);
    }

  private:
    Box(T *value, int) noexcept : value_(value)
    {
    }

    T *value_;
};

using string = String;
using str = Str;
using error = Error;
template <class T> using slice = Slice<T>;
template <class T> using vec = Vec<T>;
template <class T> using box = Box<T>;
} // namespace cxxbridge1
} // namespace rust

#endif
