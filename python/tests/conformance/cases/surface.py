"""The names, without a dataflow."""

import dora


def outside(notes):
    notes("module", sorted(n for n in dir(dora) if not n.startswith("_") and n not in ("dora", "Enum")))
    notes("Node", sorted(n for n in dir(dora.Node) if not n.startswith("_")))
    notes(
        "Node's special methods",
        sorted(n for n in ("__iter__", "__next__", "__init__", "__new__") if hasattr(dora.Node, n)),
    )
    notes("DoraStatus", [[s.name, s.value] for s in dora.DoraStatus])
    notes("version is", type(dora.__version__).__name__)
    notes("author is", type(dora.__author__).__name__)
    notes.call("Node() outside of a dataflow", dora.Node)
    notes.call("Node(1)", dora.Node, 1)
    notes.call("Node('a', 'b')", dora.Node, "a", "b")
    notes.call("Node('a', -1)", dora.Node, "a", -1)
    notes.call("Node('a', 1)", dora.Node, "a", 1)
    notes.call("Node('a', daemon_port=1)", lambda: dora.Node("a", daemon_port=1))
    notes.call("Node(node_id='a', daemon_port=1)", lambda: dora.Node(node_id="a", daemon_port=1))
    notes.call("Node('a', 70000)", dora.Node, "a", 70000)
    notes.call("Node('a b', 1)", dora.Node, "a b", 1)
    notes.call("Node(name='a')", lambda: dora.Node(name="a"))
    notes.call("Node('a', 1, 2)", lambda: dora.Node("a", 1, 2))
    notes.call("run without a file", lambda: dora.run("missing.yml"))
    notes.call("run without an argument", lambda: dora.run())
    notes.call("run(1)", lambda: dora.run(1))
    notes.call("build without a file", lambda: dora.build("missing.yml"))
