/* dora::span<T>: a pointer and a count, std::span where the standard library has it. It owns nothing: what it shows
 * ends with whatever it was taken from. */
#ifndef DORA_CPP_SPAN_HPP
#define DORA_CPP_SPAN_HPP

#if __cplusplus < 201703L
#error "dora.hpp needs C++17: compile with -std=c++17 or newer, or use dora.h"
#endif

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <type_traits>

#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>

namespace dora
{
template <class T> using span = std::span<T>;
}

#else

namespace dora
{
template <class T> class span
{
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using size_type = std::size_t;
    using pointer = T *;
    using reference = T &;
    using iterator = T *;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }
    /* Of whatever has data() and size(), such as a vector, an array, or a span of what isn't const. */
    template <
        class C,
        class = std::enable_if_t<
            !std::is_array_v<std::remove_reference_t<C>> &&
            std::is_convertible_v<std::remove_pointer_t<decltype(std::data(std::declval<C &>()))> (*)[], T (*)[]> &&
            (std::is_lvalue_reference_v<C> || std::is_const_v<T>)>>
    constexpr span(C &&container) noexcept : data_(std::data(container)), size_(std::size(container))
    {
    }

    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr std::size_t size_bytes() const noexcept
    {
        return size_ * sizeof(T);
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }
    constexpr T &front() const noexcept
    {
        return data_[0];
    }
    constexpr T &back() const noexcept
    {
        return data_[size_ - 1];
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr span first(std::size_t count) const noexcept
    {
        return {data_, count};
    }
    constexpr span last(std::size_t count) const noexcept
    {
        return {data_ + (size_ - count), count};
    }
    constexpr span subspan(std::size_t offset, std::size_t count = SIZE_MAX) const noexcept
    {
        return {data_ + offset, count == SIZE_MAX ? size_ - offset : count};
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
} // namespace dora

#endif

namespace dora
{
/* A name that a function of C reads: text that ends with NUL, so no string_view. Used as a parameter only; it borrows.
 */
class Name
{
  public:
    constexpr Name(const char *text) noexcept : text_(text)
    {
    }
    template <class S,
              class = std::enable_if_t<std::is_same_v<decltype(std::declval<const S &>().c_str()), const char *>>>
    Name(const S &text) noexcept : text_(text.c_str())
    {
    }
    constexpr const char *c_str() const noexcept
    {
        return text_;
    }

  private:
    const char *text_;
};

namespace detail
{
/* The Arrow type whose values are laid out as T: that of numbers; bytes ("C") for everything else that can be copied as
 * memory. */
template <class T> constexpr const char *format_of() noexcept
{
    using V = std::remove_cv_t<T>;
    static_assert(std::is_trivially_copyable_v<V>, "values in shared memory must be trivially copyable");
    if constexpr (std::is_same_v<V, char> || std::is_same_v<V, bool>)
        return "C";
    else if constexpr (std::is_integral_v<V>)
        return sizeof(V) == 1   ? (std::is_signed_v<V> ? "c" : "C")
               : sizeof(V) == 2 ? (std::is_signed_v<V> ? "s" : "S")
               : sizeof(V) == 4 ? (std::is_signed_v<V> ? "i" : "I")
               : sizeof(V) == 8 ? (std::is_signed_v<V> ? "l" : "L")
                                : "C";
    else if constexpr (std::is_same_v<V, float>)
        return "f";
    else if constexpr (std::is_same_v<V, double>)
        return "g";
    else
        return "C";
}

template <class C, class = void> struct is_contiguous : std::false_type {
};
template <class C>
struct is_contiguous<
    C, std::void_t<decltype(std::data(std::declval<const C &>())), decltype(std::size(std::declval<const C &>()))>>
    : std::true_type {
};

/* What there is to send of `data`: its elements, if it has such in one piece; the characters of a text; else itself. */
template <class Data> constexpr auto view_of(const Data &data) noexcept
{
    if constexpr (std::is_convertible_v<const Data &, std::string_view>) {
        std::string_view text = data;
        return span<const char>(text.data(), text.size());
    } else if constexpr (is_contiguous<Data>::value) {
        return span<const std::remove_pointer_t<decltype(std::data(data))>>(std::data(data), std::size(data));
    } else {
        static_assert(std::is_trivially_copyable_v<Data> && !std::is_pointer_v<Data>,
                      "send takes texts, contiguous containers and values that can be copied as memory");
        return span<const Data>(&data, 1);
    }
}
} // namespace detail
} // namespace dora

#endif
