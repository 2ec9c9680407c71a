"""Methods of Node that are no matter of speed. Each has the node as its first argument."""

import json

LEVELS = ("error", "warn", "info", "debug", "trace")


def dataflow_descriptor(node):
    return json.loads(node._descriptor())


def _entry(node):
    """What the descriptor says of this node; of an operator, where its host stands."""
    for entry in dataflow_descriptor(node)["nodes"]:
        if entry["id"] == node.node_id():
            return entry.get("operator") or entry
        for operator in entry.get("operators") or ():
            if f"{entry['id']}/{operator['id']}" == node.node_id():
                return operator
    return {}


def node_config(node):
    """Of this node: {"inputs": {id: source}, "outputs": [id]}."""
    entry = _entry(node)
    return {"inputs": entry.get("inputs") or {}, "outputs": entry.get("outputs") or []}


def _source(node, failed):
    for name, source in node_config(node)["inputs"].items():
        source = source if isinstance(source, str) else source.get("source", "")
        if source.startswith(f"{failed}/"):
            yield name


def failure(node, source, error):
    """The value of NODE_FAILED."""
    return {"source_node_id": source, "error": error, "affected_input_ids": list(_source(node, source))}


def parameter(node, key, text):
    """The value of PARAM_UPDATE."""
    return json.loads(text)


# ---- Logging


def log(node, level, message, target=None, fields=None):
    for name, text in (("level", level), ("message", message), ("target", target)):
        if not isinstance(text, str) and not (name == "target" and text is None):
            raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if fields is not None and not all(isinstance(text, str) for pair in fields.items() for text in pair):
        raise TypeError("fields must be a dict of str to str")
    level = level.lower().replace("warning", "warn")
    level = level if level in LEVELS else "info"
    if target is None and fields is None and "\0" not in message:
        node._log_line(LEVELS.index(level), message)
        return
    from ._logging import write

    write(level, message, target, fields, node.node_id())


# ---- What this build doesn't have


def merge_external_events(node, subscription):
    raise NotImplementedError(
        "the ROS 2 bridge is not part of this build: receive ROS 2 topics in a node of your own (rclpy), and send them on"
    )


def _no_extensions(node, *args, **kwargs):
    raise NotImplementedError(
        "the daemon of this build keeps no values for nodes: send them on an output, or keep them in a file or database"
    )


extension_store = extension_load = extension_drop = drain_dropped_extension_keys = _no_extensions


def _no_pools(node, *args, **kwargs):
    raise NotImplementedError(
        "this build has no tensor pools: node.loan(output, shape, dtype) gives a tensor in shared memory, which is sent "
        "without a copy"
    )


register_tensor_pool = write_tensor_pool = read_tensor_pool = free_tensor_pool = _no_pools
