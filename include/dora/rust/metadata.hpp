/* Metadata: what travels beside the data, as dora's C++ nodes see it. */
#ifndef DORA_RUST_METADATA_HPP
#define DORA_RUST_METADATA_HPP

#include <cerrno>
#include <memory>

#include "json.hpp"
#include "types.hpp"

enum class MetadataValueType : std::uint8_t { Bool, Integer, Float, String, ListInt, ListFloat, ListString, Timestamp };

/* A copy of a message's parameters, or parameters to send, with the time when it was sent. Getters throw rust::Error
 * where the key is missing or its value of another type; setters replace what was there and copy what they are given.
 * One thread at a time. */
class Metadata final
{
  public:
    Metadata() : Metadata(nullptr, 0)
    {
    }
    Metadata(const dora_params *params, std::uint64_t timestamp)
        : params_(dora_params_new(), dora_params_free), timestamp_(timestamp)
    {
        if (!params_)
            throw rust::Error("no memory for metadata");
        for (std::size_t i = 0; params && i < dora_params_count(params); i++)
            set(*dora_params_at(params, i));
    }
    Metadata(const Metadata &other) : Metadata(other.get(), other.timestamp_)
    {
    }
    Metadata &operator=(const Metadata &) = delete;

    /* NTP64: seconds since 1970 in the upper 32 bits, 2^-32 s in the lower. 0 for one that was made here. */
    std::uint64_t timestamp() const noexcept
    {
        return timestamp_;
    }
    bool get_bool(rust::Str key) const
    {
        return find(key, DORA_PARAM_BOOL).value.boolean;
    }
    double get_float(rust::Str key) const
    {
        return find(key, DORA_PARAM_FLOAT).value.real;
    }
    std::int64_t get_int(rust::Str key) const
    {
        return find(key, DORA_PARAM_INT).value.integer;
    }
    rust::String get_str(rust::Str key) const
    {
        const dora_param &param = find(key, DORA_PARAM_STRING);
        return rust::String(param.value.string, param.len);
    }
    rust::Vec<std::int64_t> get_list_int(rust::Str key) const
    {
        const dora_param &param = find(key, DORA_PARAM_INTS);
        return list(param.value.integers, param.len);
    }
    rust::Vec<double> get_list_float(rust::Str key) const
    {
        const dora_param &param = find(key, DORA_PARAM_FLOATS);
        return list(param.value.reals, param.len);
    }
    rust::Vec<rust::String> get_list_string(rust::Str key) const
    {
        const dora_param &param = find(key, DORA_PARAM_STRINGS);
        rust::Vec<rust::String> all;
        for (std::size_t i = 0; i < param.len; i++)
            all.emplace_back(param.value.strings[i]);
        return all;
    }
    std::int64_t get_timestamp(rust::Str key) const /* ns since 1970 */
    {
        return find(key, DORA_PARAM_TIMESTAMP).value.integer;
    }
    rust::String get_json(rust::Str key) const
    {
        return dora::detail::json_value(find(key));
    }
    /* {"timestamp": …, "parameters": {key: {type: value}}} */
    rust::String to_json() const
    {
        static const char *const names[] = {"Bool",    "Integer",   "Float",      "String",
                                            "ListInt", "ListFloat", "ListString", "Timestamp"};
        std::string all = "{\"timestamp\":" + std::to_string(timestamp_) + ",\"parameters\":{";
        for (std::size_t i = 0; i < dora_params_count(get()); i++) {
            const dora_param &param = *dora_params_at(get(), i);
            all += (i ? "," : "") + dora::detail::json_text(param.key) + ":{\"" +
                   names[static_cast<int>(type_of(param))] + "\":" + dora::detail::json_value(param) + '}';
        }
        return all + "}}";
    }
    rust::Vec<rust::String> list_keys() const /* in order */
    {
        rust::Vec<rust::String> all;
        for (std::size_t i = 0; i < dora_params_count(get()); i++)
            all.emplace_back(dora_params_at(get(), i)->key);
        return all;
    }
    MetadataValueType type(rust::Str key) const
    {
        return type_of(find(key));
    }

    void set_bool(rust::Str key, bool value)
    {
        set(key, DORA_PARAM_BOOL, 0, [&](dora_param &param) { param.value.boolean = value; });
    }
    void set_int(rust::Str key, std::int64_t value)
    {
        set(key, DORA_PARAM_INT, 0, [&](dora_param &param) { param.value.integer = value; });
    }
    void set_float(rust::Str key, double value)
    {
        set(key, DORA_PARAM_FLOAT, 0, [&](dora_param &param) { param.value.real = value; });
    }
    void set_string(rust::Str key, rust::String value)
    {
        set(key, DORA_PARAM_STRING, value.size(), [&](dora_param &param) { param.value.string = value.c_str(); });
    }
    void set_list_int(rust::Str key, rust::Vec<std::int64_t> value)
    {
        set(key, DORA_PARAM_INTS, value.size(), [&](dora_param &param) { param.value.integers = value.data(); });
    }
    void set_list_float(rust::Str key, rust::Vec<double> value)
    {
        set(key, DORA_PARAM_FLOATS, value.size(), [&](dora_param &param) { param.value.reals = value.data(); });
    }
    void set_list_string(rust::Str key, rust::Vec<rust::String> value)
    {
        std::vector<const char *> texts;
        for (const rust::String &text : value)
            texts.push_back(text.c_str());
        set(key, DORA_PARAM_STRINGS, texts.size(), [&](dora_param &param) { param.value.strings = texts.data(); });
    }
    void set_timestamp(rust::Str key, std::int64_t value) /* ns since 1970 */
    {
        set(key, DORA_PARAM_TIMESTAMP, 0, [&](dora_param &param) { param.value.integer = value; });
    }

    /* What joins a request to its response, a goal to its feedback and result, and how a goal ended. */
    void set_request_id(rust::String value)
    {
        set_string("request_id", std::move(value));
    }
    rust::String request_id() const
    {
        return get_str("request_id");
    }
    void set_goal_id(rust::String value)
    {
        set_string("goal_id", std::move(value));
    }
    rust::String goal_id() const
    {
        return get_str("goal_id");
    }
    void set_goal_status(rust::String value)
    {
        set_string("goal_status", std::move(value));
    }
    rust::String goal_status() const
    {
        return get_str("goal_status");
    }

    const dora_params *get() const noexcept
    {
        return params_.get();
    }

  private:
    static MetadataValueType type_of(const dora_param &param) noexcept
    {
        switch (param.kind) {
        case DORA_PARAM_BOOL:
            return MetadataValueType::Bool;
        case DORA_PARAM_INT:
            return MetadataValueType::Integer;
        case DORA_PARAM_FLOAT:
            return MetadataValueType::Float;
        case DORA_PARAM_INTS:
            return MetadataValueType::ListInt;
        case DORA_PARAM_FLOATS:
            return MetadataValueType::ListFloat;
        case DORA_PARAM_STRINGS:
            return MetadataValueType::ListString;
        case DORA_PARAM_TIMESTAMP:
            return MetadataValueType::Timestamp;
        case DORA_PARAM_STRING:
            break;
        }
        return MetadataValueType::String;
    }

    template <class T> static rust::Vec<T> list(const T *data, std::size_t size)
    {
        return size ? rust::Vec<T>(std::vector<T>(data, data + size)) : rust::Vec<T>();
    }

    const dora_param &find(rust::Str key) const
    {
        const dora_param *param = dora_params_get(get(), std::string(key).c_str());
        if (!param)
            throw rust::Error("the metadata has no key `" + std::string(key) + "`");
        return *param;
    }

    const dora_param &find(rust::Str key, dora_param_kind kind) const
    {
        static const char *const names[] = {"bool",      "integer",     "float",        "string",
                                            "list<int>", "list<float>", "list<string>", "timestamp"};
        const dora_param &param = find(key);
        if (param.kind != kind)
            throw rust::Error("the metadata's `" + std::string(key) + "` is a value of type " + names[param.kind] +
                              ", not " + names[kind]);
        return param;
    }

    template <class Fill> void set(rust::Str key, dora_param_kind kind, std::size_t len, Fill fill)
    {
        std::string name(key);
        dora_param param = {};
        param.key = name.c_str();
        param.kind = kind;
        param.len = len;
        fill(param);
        set(param);
    }

    void set(const dora_param &param)
    {
        int code = dora_params_set(params_.get(), &param);
        if (code < 0)
            throw rust::Error("the metadata's `" + std::string(param.key) +
                              "` can't be set: " + (code == -ENOMEM ? "no memory" : "its text has a NUL within"));
    }

    std::unique_ptr<dora_params, void (*)(dora_params *)> params_;
    std::uint64_t timestamp_;
};

inline rust::Box<Metadata> new_metadata()
{
    return rust::Box<Metadata>::from_raw(new Metadata);
}

#endif
