/* What travels beside the data: key → value. */
#ifndef DORA_CPP_PARAMS_HPP
#define DORA_CPP_PARAMS_HPP

#include <cerrno>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "error.hpp"
#include "span.hpp"

namespace dora
{
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/* One parameter. It borrows key and value: use it where it is written, as in Params{{"speed", 1.5}}. */
class Param
{
  public:
    Param(const dora_param &param) noexcept : param_(param)
    {
    }
    template <class T> Param(Name key, const T &value) noexcept : param_{key.c_str(), DORA_PARAM_BOOL, 0, {}}
    {
        if constexpr (std::is_same_v<T, bool>) {
            param_.value.boolean = value;
        } else if constexpr (std::is_integral_v<T>) {
            static_assert(sizeof(T) < 8 || std::is_signed_v<T>, "integers of parameters are int64_t");
            param_.kind = DORA_PARAM_INT;
            param_.value.integer = value;
        } else if constexpr (std::is_floating_point_v<T>) {
            param_.kind = DORA_PARAM_FLOAT;
            param_.value.real = static_cast<double>(value);
        } else if constexpr (std::is_convertible_v<const T &, Timestamp>) {
            param_.kind = DORA_PARAM_TIMESTAMP;
            param_.value.integer = Timestamp(value).time_since_epoch().count();
        } else if constexpr (std::is_convertible_v<const T &, Name>) {
            param_.kind = DORA_PARAM_STRING;
            param_.value.string = Name(value).c_str();
            param_.len = std::char_traits<char>::length(param_.value.string);
        } else if constexpr (std::is_convertible_v<const T &, span<const std::int64_t>>) {
            span<const std::int64_t> list = value;
            param_.kind = DORA_PARAM_INTS;
            param_.value.integers = list.data();
            param_.len = list.size();
        } else if constexpr (std::is_convertible_v<const T &, span<const double>>) {
            span<const double> list = value;
            param_.kind = DORA_PARAM_FLOATS;
            param_.value.reals = list.data();
            param_.len = list.size();
        } else {
            static_assert(
                std::is_convertible_v<const T &, span<const char *const>>,
                "a parameter is a bool, a number, a text that ends with NUL, a time of system_clock, or a list "
                "of int64_t, double or const char *");
            span<const char *const> list = value;
            param_.kind = DORA_PARAM_STRINGS;
            param_.value.strings = list.data();
            param_.len = list.size();
        }
    }

    std::string_view key() const noexcept
    {
        return param_.key;
    }
    dora_param_kind kind() const noexcept
    {
        return param_.kind;
    }
    const dora_param &get() const noexcept
    {
        return param_;
    }

    /* The value as T; nullopt where it is of another kind, or doesn't fit. T is bool, an integer, float or double
     * (which take integers, too), std::string_view, std::string, const char *, Timestamp, or a span of const
     * std::int64_t, const double or const char *const. Views are valid as long as what the parameter was taken from. */
    template <class T> std::optional<T> as() const
    {
        if constexpr (std::is_same_v<T, bool>) {
            return when<T>(DORA_PARAM_BOOL, param_.value.boolean);
        } else if constexpr (std::is_integral_v<T>) {
            std::int64_t value = param_.value.integer;
            if (param_.kind != DORA_PARAM_INT || (std::is_unsigned_v<T> && value < 0) ||
                (sizeof(T) < 8 && (value < static_cast<std::int64_t>(std::numeric_limits<T>::min()) ||
                                   value > static_cast<std::int64_t>(std::numeric_limits<T>::max()))))
                return std::nullopt;
            return static_cast<T>(value);
        } else if constexpr (std::is_floating_point_v<T>) {
            if (param_.kind == DORA_PARAM_INT)
                return static_cast<T>(param_.value.integer);
            return when<T>(DORA_PARAM_FLOAT, param_.value.real);
        } else if constexpr (std::is_same_v<T, Timestamp>) {
            return when<T>(DORA_PARAM_TIMESTAMP, Timestamp(std::chrono::nanoseconds(param_.value.integer)));
        } else if constexpr (std::is_same_v<T, const char *>) {
            return when<T>(DORA_PARAM_STRING, param_.value.string);
        } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
            if (param_.kind != DORA_PARAM_STRING)
                return std::nullopt;
            return T(param_.value.string, param_.len);
        } else if constexpr (std::is_same_v<T, span<const std::int64_t>>) {
            return when<T>(DORA_PARAM_INTS, param_.value.integers, param_.len);
        } else if constexpr (std::is_same_v<T, span<const double>>) {
            return when<T>(DORA_PARAM_FLOATS, param_.value.reals, param_.len);
        } else {
            static_assert(std::is_same_v<T, span<const char *const>>, "no parameter is of this type");
            return when<T>(DORA_PARAM_STRINGS, param_.value.strings, param_.len);
        }
    }

  private:
    template <class T, class... Values> std::optional<T> when(dora_param_kind kind, Values... values) const
    {
        if (param_.kind != kind)
            return std::nullopt;
        return T(values...);
    }

    dora_param param_;
};

/* The parameters of an event, or of a Params: borrowed, in order of keys. */
class ParamsView
{
  public:
    class iterator
    {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Param;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Param;

        iterator() noexcept = default;
        iterator(const dora_params *params, std::size_t index) noexcept : params_(params), index_(index)
        {
        }
        Param operator*() const noexcept
        {
            return *dora_params_at(params_, index_);
        }
        iterator &operator++() noexcept
        {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept
        {
            return {params_, index_++};
        }
        bool operator==(const iterator &other) const noexcept
        {
            return index_ == other.index_;
        }
        bool operator!=(const iterator &other) const noexcept
        {
            return index_ != other.index_;
        }

      private:
        const dora_params *params_ = nullptr;
        std::size_t index_ = 0;
    };

    ParamsView() noexcept = default; /* none */
    ParamsView(const dora_params *params) noexcept : params_(params)
    {
    }

    std::size_t size() const noexcept
    {
        return params_ ? dora_params_count(params_) : 0;
    }
    bool empty() const noexcept
    {
        return size() == 0;
    }
    iterator begin() const noexcept
    {
        return {params_, 0};
    }
    iterator end() const noexcept
    {
        return {params_, size()};
    }
    bool contains(Name key) const noexcept
    {
        return find(key) != nullptr;
    }
    /* The value of `key` as T (see Param::as); nullopt where there is none, or of another kind. */
    template <class T> std::optional<T> get(Name key) const
    {
        const dora_param *param = find(key);
        return param ? Param(*param).template as<T>() : std::nullopt;
    }
    template <class T> T get_or(Name key, T otherwise) const
    {
        return get<T>(key).value_or(std::move(otherwise));
    }
    /* NULL for none. */
    const dora_params *get() const noexcept
    {
        return params_;
    }

  private:
    const dora_param *find(Name key) const noexcept
    {
        return params_ ? dora_params_get(params_, key.c_str()) : nullptr;
    }

    const dora_params *params_ = nullptr;
};

/* Parameters to send, which it owns. Setting them allocates, sending them doesn't: where the keys stay the same, make
 * it once and set the values. Throws Error when memory is out or a value can't be a parameter. */
class Params
{
  public:
    Params() : params_(dora_params_new())
    {
        if (!params_)
            throw Error(-ENOMEM, "no memory for parameters");
    }
    Params(std::initializer_list<Param> list) : Params()
    {
        for (const Param &param : list)
            set(param);
    }
    explicit Params(ParamsView other) : Params()
    {
        for (const Param &param : other)
            set(param);
    }
    Params(Params &&other) noexcept : params_(std::exchange(other.params_, nullptr))
    {
    }
    Params &operator=(Params &&other) noexcept
    {
        std::swap(params_, other.params_);
        return *this;
    }
    ~Params()
    {
        dora_params_free(params_);
    }

    /* Sets a key, replacing what was there. Everything is copied. */
    template <class T> Params &set(Name key, const T &value)
    {
        return set(Param(key, value));
    }
    Params &set(const Param &param)
    {
        int code = dora_params_set(params_, &param.get());
        if (code == -ENOMEM)
            throw Error(code, "no memory for parameters");
        if (code < 0)
            throw Error(code, "a parameter without a key, or without its value");
        return *this;
    }

    operator ParamsView() const noexcept
    {
        return params_;
    }
    ParamsView view() const noexcept
    {
        return params_;
    }

  private:
    dora_params *params_;
};
} // namespace dora

#endif
