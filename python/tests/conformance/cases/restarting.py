"""A node that fails once and is started again, and what its receiver is told."""

import dora

DATAFLOW = {
    "failing": {
        "outputs": ["out"],
        "inputs": {"tick": "dora/timer/millis/50"},
        "restart_policy": "on-failure",
        "max_restarts": 3,
    },
    "sink": {"inputs": {"in": {"source": "failing/out", "queue_size": 100}}},
}
STATUS = None


def failing(notes):
    node = dora.Node()
    count = node.restart_count()
    notes(f"run {count}", [node.is_restart(), count])
    node.send_output("out", bytes([count]))
    for _ in range(3):
        node.next()
    if count < 2:
        raise SystemExit(1)


def sink(notes):
    node = dora.Node()
    kinds = []
    for event in node:
        kinds.append(event["type"])
        event.pop("metadata", None)
        if event["type"] == "INPUT":
            notes(f"input {event['value'].to_pylist()}", event)
        else:
            if isinstance(event.get("error"), dict):
                event["error"] = {k: v if k != "error" else "…" for k, v in event["error"].items()}
            notes(event["type"], event)
    notes("kinds", sorted(set(kinds)))
