/* OutputSender: what a node sends by, or an operator. Both interfaces of dora's have this name in the global namespace,
 * and a source may include both, so it is one class; dora-node-api.h and dora-operator-api.h include it themselves. */
#ifndef DORA_RUST_SENDER_HPP
#define DORA_RUST_SENDER_HPP

#include <memory>
#include <utility>

struct dora_node;

namespace dora
{
namespace detail
{
struct Sender;
}
} // namespace dora

/* For one thread at a time. */
class OutputSender final
{
  public:
    /* A node's. */
    explicit OutputSender(std::shared_ptr<dora::detail::Sender> sender) noexcept : sender_(std::move(sender))
    {
    }
    /* An operator's, for as long as its event: a SendOutput_t of operator_types.h. */
    explicit OutputSender(const void *outputs) noexcept : outputs_(outputs)
    {
    }
    OutputSender(const OutputSender &) = delete;

    const std::shared_ptr<dora::detail::Sender> &sender() const noexcept
    {
        return sender_;
    }
    const void *outputs() const noexcept /* NULL: it is a node's */
    {
        return outputs_;
    }
    inline dora_node *get() const noexcept; /* of a node's sender; only with dora-node-api.h */

  private:
    std::shared_ptr<dora::detail::Sender> sender_;
    const void *outputs_ = nullptr;
};

#endif
