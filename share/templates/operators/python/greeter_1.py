"""Sends a greeting whenever an input arrives."""

import pyarrow
from dora import DoraStatus


class Operator:
    def on_event(self, event, send_output):
        if event["type"] == "INPUT":
            send_output("speech", pyarrow.array(["Hello from greeter-1"]))
        return DoraStatus.CONTINUE
