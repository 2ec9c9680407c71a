// The bridge that operators against dora-operator-api.h are compiled with: the three functions of dora's C interface,
// over those of the user's operator.h.
#include "operator.h"

#include "dora-operator-api.h"

// What operator_types.h calls so is another type in dora-node-api.h, which operator.h may have included.
#ifdef DORA_NODE_API_CXX_H
#define DoraResult dora_operator_result
#define Metadata   dora_operator_metadata
#endif
#include "dora/cpp/guard.hpp"
#include "dora/operator.h"

#include <new>
#include <string>

namespace dora
{
namespace bridge
{
// What operator.h may leave out. An int prefers the first of each pair, which is there if the function is.
template <class Op>
auto input_closed(int, Op &op, rust::Str id, OutputSender &sender) -> decltype(on_input_closed(op, id, sender))
{
    return on_input_closed(op, id, sender);
}
template <class Op> DoraOnInputResult input_closed(long, Op &, rust::Str, OutputSender &)
{
    return {};
}

template <class Op> auto stop(int, Op &op, OutputSender &sender) -> decltype(on_stop(op, sender))
{
    return on_stop(op, sender);
}
template <class Op> DoraOnInputResult stop(long, Op &, OutputSender &)
{
    return {};
}

template <class Op>
auto parse_error(int, Op &op, rust::Str id, rust::Str error, OutputSender &sender)
    -> decltype(on_input_parse_error(op, id, error, sender))
{
    return on_input_parse_error(op, id, error, sender);
}
template <class Op> DoraOnInputResult parse_error(long, Op &, rust::Str id, rust::Str error, OutputSender &)
{
    return {"input `" + std::string(id) + "`: " + std::string(error), false};
}

struct FreeId {
    void operator()(char *id) const noexcept
    {
        dora_free_input_id(id);
    }
};

struct FreeError {
    void operator()(Vec_uint8_t *error) const noexcept
    {
        if (error->cap)
            std::free(error->ptr);
        std::free(error);
    }
};

inline DoraOnInputResult input(Operator &op, const Input_t *input, OutputSender &sender)
{
    std::unique_ptr<char, FreeId> id(dora_read_input_id(input));
    if (!id)
        throw std::bad_alloc();
    std::size_t size;
    const char *format;
    const void *data = dora_operator_data(input, &size, &format);
    if (std::strcmp(format, "C") != 0 && std::strcmp(format, "n") != 0)
        return parse_error(0, op, id.get(), std::string("expected bytes, not an Arrow array of type `") + format + '`',
                           sender);
    return on_input(op, id.get(), {static_cast<const std::uint8_t *>(data), size}, sender);
}

inline rust::Str text(const Vec_uint8_t &bytes)
{
    return {reinterpret_cast<const char *>(bytes.ptr), bytes.len};
}

inline DoraOnInputResult handle(Operator &op, const RawEvent_t &event, OutputSender &sender)
{
    if (event.input)
        return input(op, event.input, sender);
    if (event.input_closed.ptr)
        return input_closed(0, op, text(event.input_closed), sender);
    if (event.stop)
        return stop(0, op, sender);
    return {};
}
} // namespace bridge
} // namespace dora

DoraSendOutputResult send_output(OutputSender &sender, rust::Str id, rust::Slice<const std::uint8_t> data)
{
    if (!sender.outputs())
        return {"a node's sender, which an operator can't send by"};
    DoraResult_t result = dora_send_operator_output(static_cast<const SendOutput_t *>(sender.outputs()),
                                                    std::string(id).c_str(), data.data(), data.size());
    if (!result.error)
        return {};
    std::unique_ptr<Vec_uint8_t, dora::bridge::FreeError> error(result.error);
    return {rust::String(dora::bridge::text(*error))};
}

extern "C" DoraInitResult_t dora_init_operator(void)
{
    Operator *op = nullptr;
    DoraResult_t result = dora::detail::guarded([&] {
        op = new_operator().release();
        return op ? DoraResult_t{nullptr} : dora::detail::failure("new_operator() returned no operator");
    });
    return {result, op};
}

extern "C" DoraResult_t dora_drop_operator(void *operator_context)
{
    return dora::detail::guarded([&] {
        delete static_cast<Operator *>(operator_context);
        return DoraResult_t{nullptr};
    });
}

extern "C" OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    return dora::detail::guarded_event([&](DoraStatus_t &status) {
        OutputSender sender(send_output);
        DoraOnInputResult result = dora::bridge::handle(*static_cast<Operator *>(operator_context), *event, sender);
        if (!result.error.empty())
            return dora::detail::failure(result.error.c_str());
        status = result.stop ? DORA_STATUS_STOP : DORA_STATUS_CONTINUE;
        return DoraResult_t{nullptr};
    });
}
