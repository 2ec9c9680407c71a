"""Timers: a tick's event, how long their node runs."""

import time

import dora

DATAFLOW = {
    "ticked": {"inputs": {"tick": "dora/timer/millis/50", "slow": "dora/timer/secs/1000", "fast": "dora/timer/hz/100"}}
}


def ticked(notes):
    node = dora.Node()
    began = time.monotonic()
    seen = {}
    while sum(seen.values()) < 30:
        event = node.next()
        if event["id"] not in seen:
            notes(event["id"], event)
            notes(f"{event['id']}, class", type(event["value"]).__name__)
        seen[event["id"]] = seen.get(event["id"], 0) + 1
    notes("a tick at the start", "slow" in seen)
    notes("more of the fast", seen["fast"] > seen["tick"])
    notes("not sooner than they should", time.monotonic() - began > 0.15)
