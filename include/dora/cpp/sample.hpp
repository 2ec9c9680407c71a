/* Blocks of shared memory: loans to write and send, samples to keep. */
#ifndef DORA_CPP_SAMPLE_HPP
#define DORA_CPP_SAMPLE_HPP

#include <memory>
#include <utility>

#include "error.hpp"
#include "span.hpp"

namespace dora
{
namespace detail
{
struct SampleRelease {
    void operator()(dora_sample *sample) const noexcept
    {
        dora_sample_release(sample);
    }
};
/* T in a block: const T of what others read, too. */
template <class T> class Block
{
  public:
    using value_type = std::remove_cv_t<T>;

    Block() noexcept = default;
    explicit Block(dora_sample *sample) noexcept
        : sample_(sample), data_(static_cast<T *>(sample ? dora_sample_data(sample) : nullptr)),
          size_(sample ? dora_sample_size(sample) / sizeof(T) : 0)
    {
    }
    Block(Block &&other) noexcept
        : sample_(std::move(other.sample_)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0))
    {
    }
    Block &operator=(Block &&other) noexcept
    {
        sample_ = std::move(other.sample_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    T *data() const noexcept
    {
        return data_;
    }
    std::size_t size() const noexcept
    {
        return size_;
    }
    bool empty() const noexcept
    {
        return size_ == 0;
    }
    T &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }
    T *begin() const noexcept
    {
        return data_;
    }
    T *end() const noexcept
    {
        return data_ + size_;
    }
    span<T> values() const noexcept
    {
        return {data_, size_};
    }
    /* Whether there is a block: not after it was moved away or sent. */
    explicit operator bool() const noexcept
    {
        return sample_ != nullptr;
    }
    dora_sample *get() const noexcept
    {
        return sample_.get();
    }
    /* Gives the block to the caller, who owes it dora_sample_release. */
    dora_sample *release() noexcept
    {
        data_ = nullptr;
        size_ = 0;
        return sample_.release();
    }

  private:
    std::unique_ptr<dora_sample, SampleRelease> sample_;
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
} // namespace detail

/* Shared memory to write, from Node::loan: size() values of T, 64-byte aligned, whose content is undefined. What isn't
 * sent is given back when it ends. It may outlive its node, and be filled by any thread. Move-only. */
template <class T = std::uint8_t> class Loan : public detail::Block<T>
{
  public:
    static_assert(std::is_trivially_copyable_v<T>, "values in shared memory must be trivially copyable");
    using detail::Block<T>::Block;
};

/* Shared memory to read: a message that was kept beyond its event (Input::keep), or a loan that was shared
 * (Node::share). Its memory serves nothing else until it ends, which may be after its node's end. Move-only; any thread
 * may read it. */
template <class T = std::uint8_t> class Sample : public detail::Block<const T>
{
  public:
    static_assert(std::is_trivially_copyable_v<T>, "values in shared memory must be trivially copyable");
    using detail::Block<const T>::Block;
};
} // namespace dora

#endif
