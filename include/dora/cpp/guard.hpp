/* Between C++ and the C operator interface: no exception passes into the host. dora-operator-api.cc and operator.hpp
 * include this themselves. C++14. */
#ifndef DORA_CPP_GUARD_HPP
#define DORA_CPP_GUARD_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "../operator_types.h"

namespace dora
{
namespace detail
{
/* A failure with this text, for the host to free. Without memory for the text it has none; without any it is no
 * failure, so that callers also stop the operator. */
inline DoraResult_t failure(const char *text) noexcept
{
    if (*text == '\0')
        text = "an exception without a message was thrown";
    std::size_t size = std::strlen(text);
    Vec_uint8_t *error = static_cast<Vec_uint8_t *>(std::malloc(sizeof *error));
    if (error) {
        void *copy = std::malloc(size);
        if (copy)
            std::memcpy(copy, text, size);
        else
            size = 0;
        *error = {static_cast<std::uint8_t *>(copy), size, size};
    }
    return {error};
}

/* What `body` returns; what it throws is a failure. */
template <class Body> DoraResult_t guarded(Body body) noexcept
{
    try {
        return body();
    } catch (const std::exception &error) {
        return failure(error.what());
    } catch (...) {
        return failure("something was thrown that isn't derived from std::exception");
    }
}

/* The same for dora_on_event, whose status `body` sets. */
template <class Body> OnEventResult_t guarded_event(Body body) noexcept
{
    DoraStatus_t status = DORA_STATUS_STOP; /* it stays that where something is thrown */
    DoraResult_t result = guarded([&] { return body(status); });
    return {result, status};
}
} // namespace detail
} // namespace dora

#endif
