"""The speed of the wheel in turns a second: what two angles are apart, smoothed.

Try `dora run dataflow.yml --hot-reload`, and change SMOOTH while it runs: `self.speed` and what else is in `self` stay."""

from dora import DoraStatus

STEPS = 4096
SMOOTH = 0.1


class Operator:
    def __init__(self):
        self.before = None
        self.speed = 0.0

    def on_event(self, dora_event, send_output):
        if dora_event["type"] == "INPUT":
            angle, now = dora_event["value"][0].as_py() / STEPS, dora_event["metadata"]["time"]
            if self.before:
                before, then = self.before
                self.speed += SMOOTH * ((angle - before) / (now - then) - self.speed)
                send_output("speed", [self.speed])
            self.before = angle, now
        return DoraStatus.CONTINUE
