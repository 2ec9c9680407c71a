"""The arrays that arrive: read-only, aligned, kept beyond event and node."""

import gc

import dora
import numpy as np
import pair
import pyarrow as pa

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "sink": {"outputs": ["seen"], "inputs": {"in": {"source": "source/out", "queue_size": 100}}},
}


def source(notes):
    node = dora.Node()
    node.send_output("out", pa.array(np.arange(100_000, dtype=np.int64)))
    node.send_output("out", pa.array(np.arange(3, dtype=np.float32)))
    node.send_output("out", pa.array(["a", "bc", None]))
    pair.last(node)


def sink(notes):
    node = dora.Node()
    large, small, text = (node.next()["value"] for _ in range(3))
    node.send_output("seen", b"")
    notes("class", [type(v).__name__ for v in (large, small, text)])
    notes("read-only", [[b.is_mutable for b in v.buffers() if b] for v in (large, small, text)])
    notes("aligned", [v.buffers()[1].address % 64 for v in (large, small)])
    array = large.to_numpy(zero_copy_only=True)
    notes("numpy without a copy", array.ctypes.data == large.buffers()[1].address)
    notes("numpy may write", array.flags.writeable)
    notes("valid", [v.validate(full=True) for v in (large, small, text)])
    notes("offset", [v.offset for v in (large, small, text)])
    notes("null count", [v.null_count for v in (large, small, text)])
    del node
    gc.collect()
    notes("after the node", [int(array.sum()), small.to_pylist(), text.to_pylist()])
