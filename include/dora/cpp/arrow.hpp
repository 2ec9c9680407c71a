/* Arrow arrays of any type: by the Arrow C data interface, and as those of Arrow C++ where that is installed. */
#ifndef DORA_CPP_ARROW_HPP
#define DORA_CPP_ARROW_HPP

#include "error.hpp"

#if !defined DORA_NO_ARROW && __has_include(<arrow/c/bridge.h>)
#include <arrow/array.h>
#include <arrow/c/bridge.h>
#define DORA_HAS_ARROW 1
#else
#define DORA_HAS_ARROW 0
#endif

namespace dora
{
/* The two structs of the Arrow C data interface, released when it ends unless somebody has taken them over. Move-only.
 */
struct ArrowData {
    ::ArrowArray array = {};
    ::ArrowSchema schema = {};

    ArrowData() noexcept = default;
    ArrowData(ArrowData &&other) noexcept : array(other.array), schema(other.schema)
    {
        other.array.release = nullptr;
        other.schema.release = nullptr;
    }
    ArrowData &operator=(ArrowData &&other) noexcept
    {
        if (this != &other) {
            release();
            array = other.array;
            schema = other.schema;
            other.array.release = nullptr;
            other.schema.release = nullptr;
        }
        return *this;
    }
    ~ArrowData()
    {
        release();
    }
    void release() noexcept
    {
        if (array.release)
            array.release(&array);
        if (schema.release)
            schema.release(&schema);
    }
};

#if DORA_HAS_ARROW
namespace detail
{
inline void check(const ::arrow::Status &status)
{
    if (!status.ok())
        throw Error(-EINVAL, status.ToString().c_str());
}

inline ArrowData export_array(const ::arrow::Array &array)
{
    ArrowData data;
    check(::arrow::ExportArray(array, &data.array, &data.schema));
    return data;
}

inline std::shared_ptr<::arrow::Array> import_array(ArrowData data)
{
    auto array = ::arrow::ImportArray(&data.array, &data.schema);
    check(array.status());
    return array.MoveValueUnsafe();
}
} // namespace detail
#endif
} // namespace dora

#endif
