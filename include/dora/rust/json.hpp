/* As much of JSON as dora-node-api.h needs: writing parameters, and finding things in a dataflow's descriptor, which
 * libdora has checked. */
#ifndef DORA_RUST_JSON_HPP
#define DORA_RUST_JSON_HPP

#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <locale>
#include <sstream>
#include <string>
#include <utility>

#include "../dora.h"

namespace dora
{
namespace detail
{
/* ---- Writing ---- */

inline std::string json_text(const char *text)
{
    std::string out = "\"";
    for (; *text; text++) {
        unsigned char c = static_cast<unsigned char>(*text);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += *text;
        } else if (c < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", c);
            out += code;
        } else {
            out += *text;
        }
    }
    return out + '"';
}

/* The shortest text that is read as this number again; JSON has no other for infinity and the like than null. */
inline std::string json_number(double value)
{
    if (!std::isfinite(value))
        return "null";
    std::string text;
    for (int digits = 15; digits <= 17; digits++) {
        std::ostringstream out;
        out.imbue(std::locale::classic());
        out.precision(digits);
        out << value;
        text = out.str();
        std::istringstream in(text);
        in.imbue(std::locale::classic());
        double again = 0;
        in >> again;
        if (again == value)
            break;
    }
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/* RFC 3339, in UTC, with as many digits of the second as it takes. */
inline std::string json_time(std::int64_t ns)
{
    const std::int64_t second = 1000000000;
    std::int64_t fraction = ns % second, seconds = ns / second;
    if (fraction < 0) {
        fraction += second;
        seconds--;
    }
    std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts = {};
    gmtime_r(&time, &parts);
    char text[64];
    std::size_t len = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (fraction % 1000000 == 0 && fraction)
        std::snprintf(text + len, sizeof text - len, ".%03d", static_cast<int>(fraction / 1000000));
    else if (fraction % 1000 == 0 && fraction)
        std::snprintf(text + len, sizeof text - len, ".%06d", static_cast<int>(fraction / 1000));
    else if (fraction)
        std::snprintf(text + len, sizeof text - len, ".%09d", static_cast<int>(fraction));
    return '"' + std::string(text) + "Z\"";
}

inline std::string json_value(const dora_param &param)
{
    std::string list;
    for (std::size_t i = 0; i < param.len; i++) {
        const char *comma = i ? "," : "";
        if (param.kind == DORA_PARAM_INTS)
            list += comma + std::to_string(param.value.integers[i]);
        else if (param.kind == DORA_PARAM_FLOATS)
            list += comma + json_number(param.value.reals[i]);
        else if (param.kind == DORA_PARAM_STRINGS)
            list += comma + json_text(param.value.strings[i]);
    }
    switch (param.kind) {
    case DORA_PARAM_BOOL:
        return param.value.boolean ? "true" : "false";
    case DORA_PARAM_INT:
        return std::to_string(param.value.integer);
    case DORA_PARAM_FLOAT:
        return json_number(param.value.real);
    case DORA_PARAM_STRING:
        return json_text(param.value.string);
    case DORA_PARAM_TIMESTAMP:
        return json_time(param.value.integer);
    case DORA_PARAM_INTS:
    case DORA_PARAM_FLOATS:
    case DORA_PARAM_STRINGS:
        break;
    }
    return '[' + list + ']';
}

/* ---- Reading ---- */

/* A place in a JSON text. */
class JsonAt
{
  public:
    explicit JsonAt(const char *text) noexcept : at_(text)
    {
        space();
    }

    /* Calls each(key, JsonAt of the value) for the members of an object, each("", …) for the elements of an array, none
     * for anything else, until it returns false; then is behind it, or where it stopped. */
    template <class Each> void members(Each each)
    {
        char close = *at_ == '{' ? '}' : *at_ == '[' ? ']' : 0;
        if (!close)
            return skip();
        for (step(); *at_ && *at_ != close;) {
            std::string key;
            if (close == '}') {
                key = text();
                if (*at_ != ':')
                    return;
                step();
            }
            JsonAt value = *this;
            skip();
            if (!each(key, value))
                return;
            if (*at_ == ',')
                step();
            else if (*at_ != close)
                return;
        }
        step();
    }

    /* Reads a text; "" of anything else. */
    std::string text()
    {
        std::string out;
        if (*at_ != '"')
            return out;
        for (at_++; *at_ && *at_ != '"'; at_++) {
            if (*at_ == '\\' && at_[1])
                at_++; /* ids have no escapes; others stay legible */
            out += *at_;
        }
        step();
        return out;
    }

    /* The value itself, as it stands in the text. */
    std::string raw() const
    {
        JsonAt end = *this;
        end.skip();
        std::string all(at_, static_cast<std::size_t>(end.at_ - at_));
        all.erase(all.find_last_not_of(" \t\r\n") + 1);
        return all;
    }

    bool is_text() const noexcept
    {
        return *at_ == '"';
    }

  private:
    void space() noexcept
    {
        at_ += std::strspn(at_, " \t\r\n");
    }
    void step() noexcept
    {
        if (*at_)
            at_++;
        space();
    }
    void skip()
    {
        if (*at_ == '"') {
            text();
        } else if (*at_ == '{' || *at_ == '[') {
            int depth = 0;
            do {
                if (*at_ == '"') {
                    text();
                    continue;
                }
                depth += *at_ == '{' || *at_ == '[';
                depth -= *at_ == '}' || *at_ == ']';
                step();
            } while (*at_ && depth);
        } else {
            at_ += std::strcspn(at_, ",]} \t\r\n");
            space();
        }
    }

    const char *at_;
};

/* The value of a node's key in the descriptor, "" where it has none. */
inline std::string node_value(const dora_node *node, const char *wanted)
{
    std::string found;
    JsonAt(dora_dataflow_descriptor(node)).members([&](const std::string &section, JsonAt nodes) {
        if (section != "nodes")
            return true;
        nodes.members([&](const std::string &, JsonAt entry) {
            std::string id, value;
            entry.members([&](const std::string &key, JsonAt at) {
                if (key == "id")
                    id = at.text();
                else if (key == wanted)
                    value = at.raw();
                return true;
            });
            if (id == dora_node_id(node))
                found = value;
            return id != dora_node_id(node);
        });
        return false;
    });
    return found;
}

/* Calls each(input) for this node's inputs that come from `source`. */
template <class Each> void inputs_from(const dora_node *node, const std::string &source, Each each)
{
    std::string inputs = node_value(node, "inputs");
    JsonAt(inputs.c_str()).members([&](const std::string &input, JsonAt at) {
        std::string from;
        if (at.is_text())
            from = at.text();
        else
            at.members([&](const std::string &key, JsonAt value) {
                if (key == "source")
                    from = value.text();
                return true;
            });
        if (from.compare(0, source.size() + 1, source + "/") == 0)
            each(input);
        return true;
    });
}
} // namespace detail
} // namespace dora

#endif
