/* Streams of chunks; dora.hpp includes this itself. */
#ifndef DORA_CPP_STREAM_HPP
#define DORA_CPP_STREAM_HPP

#include "node.hpp"

namespace dora
{
/* The sender's end of a stream of chunks, such as speech. As a Node is used by several threads, and a Stream by one. */
class Stream
{
  public:
    Stream(Node &node, std::string output) : node_(&node), output_(std::move(output)) /* a new session */
    {
        dora_stream_begin(&stream_);
    }
    /* Sends the next chunk; `last` ends the segment, and the next chunk begins another. */
    template <class Data> void send(const Data &data, bool last = false)
    {
        auto view = detail::view_of(data);
        detail::check_code(node_->get(), dora_stream_send(node_->get(), output_.c_str(), &stream_, view.data(),
                                                          view.size_bytes(), last));
    }
    /* Gives up the segment: begins another with this chunk, and drops what the receivers have queued. */
    template <class Data> void flush(const Data &data)
    {
        auto view = detail::view_of(data);
        detail::check_code(node_->get(),
                           dora_stream_flush(node_->get(), output_.c_str(), &stream_, view.data(), view.size_bytes()));
    }
    const dora_stream &at() const noexcept
    {
        return stream_;
    }

  private:
    Node *node_;
    std::string output_;
    dora_stream stream_;
};
} // namespace dora

#endif
