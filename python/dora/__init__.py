"""Nodes of dora's dataflows in Python.

    from dora import Node

    node = Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("out", event["value"], event["metadata"])

Importing this loads nothing but the extension: what else it needs, pyarrow too, is loaded by what needs it.
"""

from ._dora import Node, SampleHandler, __version__

__author__ = "The dora developers"

_ROS2 = [
    *("Ros2ActionClient", "Ros2ActionServer", "Ros2Context", "Ros2Durability", "Ros2Liveliness", "Ros2Node"),
    *("Ros2NodeOptions", "Ros2Publisher", "Ros2QosPolicies", "Ros2ServiceClient", "Ros2ServiceServer"),
    *("Ros2Subscription", "Ros2Topic", "Ros2Transport"),
]
# Where the names are that are loaded when they are first asked for.
_LATER = {
    "DoraStatus": "_status",
    "Event": "_types",
    "Parameter": "_types",
    "build": "_command",
    "run": "_command",
    "start_runtime": "_runtime",
    **dict.fromkeys(_ROS2, "_missing"),
    "builder": "builder",
    "testing": "testing",
}

__all__ = ["Node", "SampleHandler", "DoraStatus", "Event", "Parameter", "build", "run", "start_runtime", *_ROS2]
__all__ += ["__author__", "__version__"]


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'dora' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_LATER[name]}", __name__)
    value = module if name == _LATER[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_LATER})
