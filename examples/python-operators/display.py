"""Draws the speed as a bar, ten times a second, and stops the dataflow after 300 speeds."""

from dora import DoraStatus


class Operator:
    def __init__(self):
        self.count = 0

    def on_event(self, dora_event, send_output):
        if dora_event["type"] == "INPUT":
            self.count += 1
            speed = dora_event["value"][0].as_py()
            if self.count % 10 == 0:
                print(f"{speed:5.2f} turns/s {'=' * round(20 * speed)}")
        return DoraStatus.STOP_ALL if self.count == 300 else DoraStatus.CONTINUE
