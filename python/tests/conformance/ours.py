"""Where this project's module differs from dora-rs's on purpose: why, and what is expected of each note instead."""

NOTHING = "nothing"  # not noted, as where what is refused doesn't arrive

DIFFERENCES = [
    (
        "The mock has memory to write into, so nodes that use it can be tested.",
        {"builder/outside/send_output_raw": {"object": "SampleHandler"}},
    ),
    (
        "The descriptor is given as it is written, without defaults filled in.",
        {
            "describing/first/a node's keys": ["args", "description", "env", "id", "inputs", "name", "outputs"],
            "describing/first/its keys": ["nodes"],
        },
    ),
    ("A node is closed at the end of a `with` block.", {"describing/first/as a context manager": {"object": "Node"}}),
    ("The class says where it comes from.", {"describing/first/type": ["Node", "dora"]}),
    (
        "dora-rs now and then loses the first line that is logged.",
        {"logs/speaker/logging.error": [["error", "about error", "root"]]},
    ),
    (
        "dora-rs goes through a float, and is a microsecond off.",
        {
            "metadata/sink/datetime UTC": ["a datetime", "2020-01-02T03:04:05.678901+00:00"],
            "metadata/sink/datetime with a zone": ["a datetime", "2020-01-02T01:04:05.678901+00:00"],
        },
    ),
    (
        "A time stamp is in nanoseconds since 1970, which reach from 1677 to 2262.",
        {
            "metadata/sink/datetime, year 1": NOTHING,
            "metadata/sink/datetime, year 9000": NOTHING,
            "metadata/source/datetime, year 1": {"raises": "OverflowError"},
            "metadata/source/datetime, year 9000": {"raises": "OverflowError"},
        },
    ),
    (
        "Text of metadata ends at a NUL, so one that has a NUL inside is refused.",
        {
            "metadata/sink/key 'a\\x00b'": NOTHING,
            "metadata/sink/key 'a\\x00b', timestamp": NOTHING,
            "metadata/sink/str, NUL": NOTHING,
            "metadata/source/key 'a\\x00b'": {"raises": "ValueError"},
            "metadata/source/str, NUL": {"raises": "ValueError"},
        },
    ),
    (
        "One object is handler and buffer.",
        {
            "raw/source/as_buffer": "SampleHandler",
            "raw/source/buffer": "SampleHandler",
            "raw/source/enter": "SampleHandler",
            "raw/source/enter again": "SampleHandler",
        },
    ),
    (
        "The end of a block whose message is sent already has nothing left to do.",
        {"raw/source/exit again": False},
    ),
    (
        "What does not fit into memory is a MemoryError, a number too large an OverflowError.",
        {"raw/source/huge": {"raises": "MemoryError"}, "raw/source/too large": {"raises": "OverflowError"}},
    ),
    (
        "Extension types travel too.",
        {"sending/sink/extension": {"UuidArray": "extension<arrow.uuid>", "values": [{"object": "UUID"}]}},
    ),
    (
        "Operators can send what nodes can, and name the arguments.",
        {
            "operators/op/a list": None,
            "operators/op/named arguments": None,
            "operators/sink/message 5": {
                "kind": "dora",
                "type": "INPUT",
                "id": "in",
                "value": {"Int64Array": "int64", "values": [1, 2]},
                "metadata": {},
            },
            "operators/sink/message 6": {
                "kind": "dora",
                "type": "INPUT",
                "id": "in",
                "value": {"UInt8Array": "uint8", "values": list(b"named")},
                "metadata": {},
            },
        },
    ),
    ("The exception is the user's own.", {"sending/source/__arrow_c_array__ that raises": {"raises": "LookupError"}}),
    (
        "What can be seen as an Arrow array is sent as one.",
        {
            "sending/source/__arrow_c_stream__": None,
            "sending/source/array.array": None,
            "sending/source/bool": None,
            "sending/source/buffer": None,
            "sending/source/bytearray": None,
            "sending/source/chunked array": None,
            "sending/source/dict": None,
            "sending/source/float": None,
            "sending/source/int": None,
            "sending/source/list of int": None,
            "sending/source/list of str": None,
            "sending/source/list, empty": None,
            "sending/source/memoryview": None,
            "sending/source/memoryview, not contiguous": None,
            "sending/source/numpy scalar": None,
            "sending/source/numpy, one dimension": None,
            "sending/source/numpy, two dimensions": None,
            "sending/source/range": None,
            "sending/source/scalar": None,
            "sending/source/str": None,
            "sending/source/table": None,
            "sending/source/tuple": None,
            "sending/sink/bytearray": {"UInt8Array": "uint8", "values": [49, 50]},
            "sending/sink/memoryview": {"UInt8Array": "uint8", "values": [49, 50, 51]},
            "sending/sink/memoryview, not contiguous": {"UInt8Array": "uint8", "values": [49, 51, 53]},
            "sending/sink/array.array": {"DoubleArray": "double", "values": [1.0, 2.0]},
            "sending/sink/numpy, one dimension": {"Int16Array": "int16", "values": [0, 1, 2]},
            "sending/sink/numpy, two dimensions": {"FloatArray": "float", "values": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]},
            "sending/sink/numpy scalar": {"DoubleArray": "double", "values": [1.0]},
            "sending/sink/int": {"Int64Array": "int64", "values": [1]},
            "sending/sink/float": {"DoubleArray": "double", "values": [1.5]},
            "sending/sink/bool": {"BooleanArray": "bool", "values": [True]},
            "sending/sink/str": {"StringArray": "string", "values": ["text"]},
            "sending/sink/list of int": {"Int64Array": "int64", "values": [1, 2]},
            "sending/sink/list, empty": {"NullArray": "null", "values": []},
            "sending/sink/list of str": {"StringArray": "string", "values": ["a", "b"]},
            "sending/sink/tuple": {"Int64Array": "int64", "values": [1, 2]},
            "sending/sink/dict": {"StructArray": "struct<a: int64>", "values": [{"a": 1}]},
            "sending/sink/range": {"Int64Array": "int64", "values": [0, 1, 2]},
            "sending/sink/scalar": {"Int64Array": "int64", "values": [1]},
            "sending/sink/chunked array": {"Int64Array": "int64", "values": [1, 2]},
            "sending/sink/table": {"StructArray": "struct<a: int64>", "values": [{"a": 1}]},
            "sending/sink/__arrow_c_stream__": {"Int64Array": "int64", "values": [1, 2]},
            "sending/sink/buffer": {"Int8Array": "int8", "values": [49, 50]},
        },
    ),
    (
        "dora-rs loses dense unions.",
        {"sending/sink/dense union": {"UnionArray": "dense_union<0: int64=0, 1: string=1>", "values": [1, "a"]}},
    ),
    ("A node can be iterated by `async for`.", {"several/sink/has __aiter__": True}),
    (
        "There is more: loans of arrays, closing, an id; and tensor pools, which say what to do instead.",
        {
            "surface/outside/Node": [
                "close",
                "close_output",
                "dataflow_descriptor",
                "dataflow_id",
                "drain",
                "drain_dropped_extension_keys",
                "extension_drop",
                "extension_load",
                "extension_store",
                "free_tensor_pool",
                "is_empty",
                "is_restart",
                "loan",
                "log",
                "log_debug",
                "log_error",
                "log_info",
                "log_trace",
                "log_warn",
                "merge_external_events",
                "next",
                "node_config",
                "node_id",
                "read_tensor_pool",
                "recv_async",
                "register_tensor_pool",
                "restart_count",
                "send_output",
                "send_output_raw",
                "send_service_request",
                "send_service_response",
                "timestamp",
                "try_recv",
                "write_tensor_pool",
            ]
        },
    ),
    (
        "The submodules are there without being imported.",
        {
            "surface/outside/module": [
                "DoraStatus",
                "Event",
                "Node",
                "Parameter",
                "Ros2ActionClient",
                "Ros2ActionServer",
                "Ros2Context",
                "Ros2Durability",
                "Ros2Liveliness",
                "Ros2Node",
                "Ros2NodeOptions",
                "Ros2Publisher",
                "Ros2QosPolicies",
                "Ros2ServiceClient",
                "Ros2ServiceServer",
                "Ros2Subscription",
                "Ros2Topic",
                "Ros2Transport",
                "SampleHandler",
                "build",
                "builder",
                "run",
                "start_runtime",
                "testing",
            ]
        },
    ),
    (
        "The daemon keeps no values for nodes; the exception says what to do instead.",
        {
            f"extensions/only/{name}": {"raises": "NotImplementedError"}
            for name in (
                *("load, nothing there", "store", "load", "load another", "load and remove", "removed"),
                *("drop, nothing there", "dropped", "store a str"),
            )
        },
    ),
    (
        "In test mode, too, a node knows its inputs and outputs.",
        {"replaying/outside/node_config": {"inputs": {"in": "source/out"}, "outputs": ["out"]}},
    ),
    ("A time that can't be is a ValueError.", {"running/outside/stop_after negative": {"raises": "ValueError"}}),
]

# case → node/note → (what is expected, why)
OURS = {}
for reason, expected in DIFFERENCES:
    for name, value in expected.items():
        case, _, note = name.partition("/")
        OURS.setdefault(case, {})[note] = value, reason
