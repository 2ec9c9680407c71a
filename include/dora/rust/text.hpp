/* Error, String and Str of the rust namespace (see types.hpp). Str borrows, String owns and can be copied. */
#ifndef DORA_RUST_TEXT_HPP
#define DORA_RUST_TEXT_HPP

#if __cplusplus < 201402L
#error "dora's C++ interface needs C++14: compile with -std=c++14 or newer"
#endif

#include <algorithm>
#include <cstddef>
#include <exception>
#include <ostream>
#include <string>
#include <utility>

namespace rust
{
inline namespace cxxbridge1
{
/* What functions throw that can fail. */
class Error final : public std::exception
{
  public:
    explicit Error(std::string what) : what_(std::move(what))
    {
    }
    const char *what() const noexcept override
    {
        return what_.c_str();
    }

  private:
    std::string what_;
};

class Str;

class String final
{
  public:
    using iterator = std::string::iterator;
    using const_iterator = std::string::const_iterator;

    String() = default;
    String(const std::string &text) : text_(text)
    {
    }
    String(std::string &&text) noexcept : text_(std::move(text))
    {
    }
    String(const char *text) : text_(text)
    {
    }
    String(const char *text, std::size_t size) : text_(text, size)
    {
    }
    inline explicit String(Str text);

    explicit operator std::string() const
    {
        return text_;
    }
    const char *data() const noexcept
    {
        return text_.data();
    }
    std::size_t size() const noexcept
    {
        return text_.size();
    }
    std::size_t length() const noexcept
    {
        return text_.size();
    }
    bool empty() const noexcept
    {
        return text_.empty();
    }
    const char *c_str() const noexcept
    {
        return text_.c_str();
    }
    std::size_t capacity() const noexcept
    {
        return text_.capacity();
    }
    void reserve(std::size_t size)
    {
        text_.reserve(size);
    }
    iterator begin() noexcept
    {
        return text_.begin();
    }
    iterator end() noexcept
    {
        return text_.end();
    }
    const_iterator begin() const noexcept
    {
        return text_.begin();
    }
    const_iterator end() const noexcept
    {
        return text_.end();
    }
    const_iterator cbegin() const noexcept
    {
        return text_.begin();
    }
    const_iterator cend() const noexcept
    {
        return text_.end();
    }
    bool operator==(const String &other) const noexcept
    {
        return text_ == other.text_;
    }
    bool operator!=(const String &other) const noexcept
    {
        return text_ != other.text_;
    }
    bool operator<(const String &other) const noexcept
    {
        return text_ < other.text_;
    }
    bool operator<=(const String &other) const noexcept
    {
        return text_ <= other.text_;
    }
    bool operator>(const String &other) const noexcept
    {
        return text_ > other.text_;
    }
    bool operator>=(const String &other) const noexcept
    {
        return text_ >= other.text_;
    }
    void swap(String &other) noexcept
    {
        text_.swap(other.text_);
    }

  private:
    std::string text_;
};

inline std::ostream &operator<<(std::ostream &out, const String &text)
{
    return out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

class Str final
{
  public:
    using iterator = const char *;
    using const_iterator = const char *;

    Str() noexcept = default;
    Str(const String &text) noexcept : data_(text.data()), size_(text.size())
    {
    }
    Str(const std::string &text) noexcept : data_(text.data()), size_(text.size())
    {
    }
    Str(const char *text) noexcept : data_(text), size_(std::char_traits<char>::length(text))
    {
    }
    Str(const char *text, std::size_t size) noexcept : data_(text), size_(size)
    {
    }

    explicit operator std::string() const
    {
        return std::string(data_, size_);
    }
    const char *data() const noexcept
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
    const char *begin() const noexcept
    {
        return data_;
    }
    const char *end() const noexcept
    {
        return data_ + size_;
    }
    const char *cbegin() const noexcept
    {
        return data_;
    }
    const char *cend() const noexcept
    {
        return data_ + size_;
    }
    bool operator==(const Str &other) const noexcept
    {
        return size_ == other.size_ && std::equal(begin(), end(), other.begin());
    }
    bool operator!=(const Str &other) const noexcept
    {
        return !(*this == other);
    }
    bool operator<(const Str &other) const noexcept
    {
        return std::lexicographical_compare(begin(), end(), other.begin(), other.end());
    }
    bool operator>(const Str &other) const noexcept
    {
        return other < *this;
    }
    bool operator<=(const Str &other) const noexcept
    {
        return !(other < *this);
    }
    bool operator>=(const Str &other) const noexcept
    {
        return !(*this < other);
    }
    void swap(Str &other) noexcept
    {
        std::swap(*this, other);
    }

  private:
    const char *data_ = "";
    std::size_t size_ = 0;
};

inline String::String(Str text) : text_(text.data(), text.size())
{
}

inline std::ostream &operator<<(std::ostream &out, const Str &text)
{
    return out.write(text.data(), static_cast<std::streamsize>(text.size()));
}
} // namespace cxxbridge1
} // namespace rust

#endif
