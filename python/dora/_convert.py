"""What can be sent though it is neither an Arrow array nor a plain buffer."""

import sys

CPU = 1  # DLPack's number for it; CUDA's host memory and the like have others


def to_arrow(data):
    """An Arrow array, or a buffer of numbers that lie side by side; RuntimeError when there is none for `data`, as dora."""
    import pyarrow

    if isinstance(data, type):
        raise RuntimeError(f"can't send the type {data.__name__}: give an object of it")
    if hasattr(data, "__arrow_c_stream__"):
        return _one_chunk(data, pyarrow)
    if hasattr(data, "__dlpack__") and not _is_numpy(data):
        data = _from_dlpack(data)
    elif not _is_numpy(data) and (hasattr(data, "__array__") or hasattr(data, "__array_interface__")):
        import numpy

        data = numpy.asarray(data)
    if _is_numpy(data):
        return _from_numpy(data, pyarrow)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, (list, tuple, range, str, bool, int, float, dict, pyarrow.Scalar)):
        return _array(list(data) if isinstance(data, (list, tuple, range)) else [data], pyarrow)
    raise RuntimeError(
        f"can't send data of type {type(data).__name__}: give bytes, a buffer, an Arrow or numpy array, a tensor on the CPU, "
        "or a list"
    )


def send_strided(node, output, data, metadata):
    """Copies elements that don't lie side by side once, to shared memory."""
    import numpy

    array = numpy.asarray(data)
    try:
        loan = node.loan(output, array.shape, array.dtype, metadata)
    except RuntimeError:
        # The same is said, or, of an unknown output, only logged.
        return node.send_output(output, numpy.ascontiguousarray(array), metadata)
    with loan as room:
        numpy.copyto(room, array)


def _is_numpy(data):
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, numpy.ndarray)


def _one_chunk(data, pyarrow):
    """Of a table, the rows as structs."""
    if hasattr(data, "to_struct_array"):
        chunks = data.to_struct_array()
    else:
        try:
            chunks = pyarrow.chunked_array(data)
        except (TypeError, ValueError):
            chunks = pyarrow.table(data).to_struct_array()
    if isinstance(chunks, pyarrow.Array):
        return chunks
    return chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()


def _from_dlpack(data):
    import numpy

    device = data.__dlpack_device__()[0] if hasattr(data, "__dlpack_device__") else CPU
    if device != CPU:
        raise RuntimeError(f"can't send a {type(data).__name__} that isn't in the CPU's memory: copy it there first (.cpu())")
    detach = getattr(data, "detach", None)  # a tensor that needs its gradient doesn't give its memory
    try:
        return numpy.from_dlpack(detach() if detach else data)
    except (BufferError, TypeError, RuntimeError) as error:
        raise RuntimeError(f"can't send this {type(data).__name__}, which numpy makes no array of: {error}") from None


def _from_numpy(array, pyarrow):
    import numpy

    if array.ndim != 1:
        array = array.reshape(-1)
    if array.dtype.kind in "iuf" and not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "iuf" and array.dtype.itemsize <= 8:
        return numpy.ascontiguousarray(array)
    return _array(array, pyarrow)


def _array(data, pyarrow):
    try:
        return pyarrow.array(data)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise RuntimeError(f"can't send this {type(data).__name__}, which pyarrow makes no array of: {error}") from None
