"""The angle of a wheel that turns faster and slower, as an encoder of 4096 steps a turn counts it."""

import math
import time

from dora import DoraStatus

STEPS = 4096


class Operator:
    def __init__(self):
        self.start = time.monotonic()

    def on_event(self, dora_event, send_output):
        if dora_event["type"] == "INPUT":
            passed = time.monotonic() - self.start
            turns = 2 * passed + 0.3 * math.sin(2 * passed)
            send_output("angle", [int(turns * STEPS)], {"time": passed})
        return DoraStatus.CONTINUE
