/* The part of dora-node-api.h that sends; it includes this itself. */
#ifndef DORA_RUST_SEND_HPP
#define DORA_RUST_SEND_HPP

#include "node.hpp"

struct DoraResult {
    rust::String error;
};

inline DoraResult send_output_with_metadata(rust::Box<OutputSender> &sender, rust::String id,
                                            rust::Slice<const std::uint8_t> data, rust::Box<Metadata> metadata)
{
    return {sender->sender()->result(id, [&](dora_node *node, const char *output) {
        return dora_send(node, output, data.data(), data.size(), metadata->get());
    })};
}

inline DoraResult send_output(rust::Box<OutputSender> &sender, rust::String id, rust::Slice<const std::uint8_t> data)
{
    return {sender->sender()->result(id, [&](dora_node *node, const char *output) {
        return dora_send(node, output, data.data(), data.size(), nullptr);
    })};
}

namespace dora
{
namespace detail
{
/* Takes over what the two structs hold, and leaves zeros. */
inline rust::String send_arrow(Sender &sender, const rust::String &id, std::uint8_t *array_ptr,
                               std::uint8_t *schema_ptr, const dora_params *params)
{
    if (!array_ptr || !schema_ptr)
        return "there is no Arrow array to send";
    ArrowArray array;
    ArrowSchema schema;
    std::memcpy(&array, array_ptr, sizeof array);
    std::memcpy(&schema, schema_ptr, sizeof schema);
    std::memset(array_ptr, 0, sizeof array);
    std::memset(schema_ptr, 0, sizeof schema);
    return sender.result(id, [&](dora_node *node, const char *output) {
        return dora_send_arrow(node, output, &array, &schema, params);
    });
}
} // namespace detail
} // namespace dora

/* The pointers are to structs of the Arrow C data interface, which are taken over, also on failure. */
inline DoraResult send_arrow_output(rust::Box<OutputSender> &sender, rust::String id, std::uint8_t *array_ptr,
                                    std::uint8_t *schema_ptr)
{
    return {dora::detail::send_arrow(*sender->sender(), id, array_ptr, schema_ptr, nullptr)};
}

inline DoraResult send_arrow_output(rust::Box<OutputSender> &sender, rust::String id, std::uint8_t *array_ptr,
                                    std::uint8_t *schema_ptr, rust::Box<Metadata> metadata)
{
    return {dora::detail::send_arrow(*sender->sender(), id, array_ptr, schema_ptr, metadata->get())};
}

inline DoraResult close_outputs(rust::Box<OutputSender> &sender, rust::Vec<rust::String> output_ids)
{
    for (const rust::String &id : output_ids) {
        rust::String error = sender->sender()->result(id, dora_close_output);
        if (!error.empty())
            return {std::move(error)};
    }
    return {};
}

/* The level is "error", "warn", "info", "debug" or "trace"; any other name means "info". */
inline DoraResult log_message(const rust::Box<OutputSender> &sender, rust::String level, rust::String message)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    int found = level == "warning" ? DORA_LOG_WARN : DORA_LOG_INFO;
    for (int i = DORA_LOG_ERROR; i <= DORA_LOG_TRACE; i++)
        if (level == names[i])
            found = i;
    if (dora_log_message(sender->get(), static_cast<dora_log_level>(found), message.c_str()) < 0)
        return {dora_node_error(sender->get())};
    return {};
}

/* A sender that any number of threads may use. The first takes the place of the other; the second goes beside it. */
inline rust::Box<SafeOutputSender> clone_output_sender(const rust::Box<OutputSender> &sender)
{
    return rust::Box<SafeOutputSender>::from_raw(new SafeOutputSender(sender->sender()));
}

inline rust::Box<SafeOutputSender> create_safe_output_sender(rust::Box<OutputSender> sender)
{
    return clone_output_sender(sender);
}

inline DoraResult safe_send_output(const SafeOutputSender &sender, rust::String id,
                                   rust::Slice<const std::uint8_t> data, rust::Box<Metadata> metadata)
{
    return {sender.sender().result(id, [&](dora_node *node, const char *output) {
        return dora_send(node, output, data.data(), data.size(), metadata->get());
    })};
}

#endif
