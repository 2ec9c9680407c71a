"""Values that the daemon keeps for a dataflow."""

import dora

DATAFLOW = {"only": {"outputs": ["out"]}}


def only(notes):
    node = dora.Node()
    notes.call("load, nothing there", node.extension_load, "space", "key")
    notes.call("store", node.extension_store, "space", "key", b"value")
    notes.call("load", node.extension_load, "space", "key")
    notes.call("load another", node.extension_load, "other", "key")
    notes.call("load and remove", node.extension_load, "space", "key", remove=True)
    notes.call("removed", node.extension_load, "space", "key")
    notes.call("drop, nothing there", node.extension_drop, "space", "key")
    notes.call("dropped", lambda: type(node.drain_dropped_extension_keys("space")).__name__)
    notes.call("store a str", node.extension_store, "space", "key", "text")
