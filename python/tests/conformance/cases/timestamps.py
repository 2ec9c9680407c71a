"""Time stamps: of messages, forwarded ones, and the node's own clock."""

import datetime

import dora

DATAFLOW = {
    "source": {"outputs": ["out"], "inputs": {"seen": "sink/seen"}},
    "relay": {"inputs": {"in": "source/out"}, "outputs": ["out"]},
    "sink": {
        "outputs": ["seen"],
        "inputs": {"in": {"source": "relay/out", "queue_size": 100}, "direct": {"source": "source/out"}},
    },
}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def recent(moment):
    return abs((now() - moment).total_seconds()) < 60


def source(notes):
    node = dora.Node()
    one, two = notes.call("timestamp", node.timestamp), node.timestamp()
    notes("its zone", str(one.tzinfo))
    notes("is now", recent(one))
    notes("goes on", two > one)
    notes("class", type(one).__name__)
    node.send_output("out", b"", {"sent": node.timestamp()})
    node.next()


def relay(notes):
    node = dora.Node()
    event = node.next()
    node.send_output("out", b"", event["metadata"])
    notes("keys", sorted(event["metadata"]))


def sink(notes):
    node = dora.Node()
    found = {}
    while len(found) < 2:
        event = node.next()
        found[event["id"]] = event["metadata"]
    node.send_output("seen", b"")
    direct, relayed = found["direct"], found["in"]
    notes("relayed keys", sorted(relayed))
    # dora-rs goes through a float and is sometimes off by a microsecond.
    close = lambda a, b: abs(a - b) <= datetime.timedelta(microseconds=1)
    notes("the first stamp is kept", close(relayed["timestamp"], direct["timestamp"]))
    notes("its zone", str(direct["timestamp"].tzinfo))
    notes("is now", recent(direct["timestamp"]))
    notes("a parameter is kept", close(relayed["sent"], direct["sent"]))
    notes("sent before it was stamped", direct["sent"] <= direct["timestamp"])
    notes("its zone is", repr(direct["timestamp"].tzinfo))
    notes("a parameter's zone is", repr(direct["sent"].tzinfo))
