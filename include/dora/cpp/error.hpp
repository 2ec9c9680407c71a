/* dora::Error, which every function of dora.hpp throws that isn't noexcept. */
#ifndef DORA_CPP_ERROR_HPP
#define DORA_CPP_ERROR_HPP

#include <stdexcept>

#include "../dora.h"

namespace dora
{
/* A call that failed. what() says what is wrong and where, code() is the negative errno that the function of the same
 * name in dora.h would have returned. */
class Error : public std::runtime_error
{
  public:
    Error(int code, const char *message) : std::runtime_error(message), code_(code)
    {
    }
    int code() const noexcept
    {
        return code_;
    }

  private:
    int code_;
};

namespace detail
{
/* Out of line, so that a call costs its caller one comparison. */
[[noreturn, gnu::cold, gnu::noinline]] inline void throw_error(const dora_node *node, int code)
{
    throw Error(code, dora_node_error(node));
}

inline void check_code(const dora_node *node, int code)
{
    if (code < 0)
        throw_error(node, code);
}
} // namespace detail
} // namespace dora

#endif
