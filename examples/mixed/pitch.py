"""The strongest frequency of a block of sound."""

import numpy as np
from dora import DoraStatus


class Operator:
    def on_event(self, dora_event, send_output):
        if dora_event["type"] == "INPUT":
            sound, metadata = dora_event["value"].to_numpy(), dora_event["metadata"]
            spectrum = np.abs(np.fft.rfft(sound))
            pitch = float(np.argmax(spectrum)) * metadata["rate"] / len(sound)
            send_output("pitch", [pitch], {"block": metadata["block"]})
        return DoraStatus.CONTINUE
