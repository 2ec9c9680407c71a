"""The node that `dora.Node()` is where DORA_TEST_WITH_INPUTS names a recording: events come from there, each at its time,
and outputs go to a file of JSON lines. No daemon takes part.

DORA_TEST_WITH_INPUTS             the recording (`_recording`), which DORA_WRITE_EVENTS_TO makes
DORA_TEST_WRITE_OUTPUTS_TO        where outputs go; outputs.jsonl beside the recording if unset
DORA_TEST_NO_OUTPUT_TIME_OFFSET   leaves out when an output was sent, so that two runs write the same
DORA_TEST_OUTPUT_METADATA         has metadata written too
DORA_TEST_NO_WAIT                 events come at once
"""

from __future__ import annotations

import datetime
import json
import os
import time
import uuid
from typing import Any

from ._offline import Event, OfflineNode, as_array
from ._recording import output_to_json, read_recording

__all__ = ["ReplayNode"]


class ReplayNode(OfflineNode):
    """`path` names the recording; other settings come from the environment. RuntimeError, as for every node that can't
    be."""

    def __init__(self, path: str) -> None:
        outputs = os.environ.get("DORA_TEST_WRITE_OUTPUTS_TO") or os.path.join(os.path.dirname(path), "outputs.jsonl")
        try:
            content, events = read_recording(path, datetime.datetime.now(datetime.timezone.utc))
            self._outputs = open(outputs, "w", encoding="utf-8")
        except (OSError, ValueError) as error:
            raise RuntimeError(
                f"DORA_TEST_WITH_INPUTS has a node run on its own, with inputs from a file, but: {error}"
            ) from None
        self._with_offset = "DORA_TEST_NO_OUTPUT_TIME_OFFSET" not in os.environ
        self._with_metadata = "DORA_TEST_OUTPUT_METADATA" in os.environ
        self._at_once = "DORA_TEST_NO_WAIT" in os.environ
        self._events = iter(events)
        self._following = next(self._events, None)
        self._node_id = content["id"]
        self._dataflow_id = str(uuid.uuid4())
        self._node_config = {"inputs": content.get("inputs") or {}, "outputs": content.get("outputs") or []}
        known = ("id", "name", "description", "args", "env", "inputs", "outputs", "send_stdout_as")
        self._descriptor = {"nodes": [{key: content[key] for key in known if content.get(key)}]}
        self._start = time.monotonic()

    def _wait(self) -> float | None:
        if self._following is None:
            return None
        return 0.0 if self._at_once else self._start + self._following[0] - time.monotonic()

    def _take(self) -> Event:
        assert self._following is not None
        event = self._following[1]
        # Nothing comes after a stop.
        self._following = None if event["type"] == "STOP" else next(self._events, None)
        return event

    def _put(self, output_id: str, data: Any, metadata: dict[str, Any]) -> None:
        offset = time.monotonic() - self._start if self._with_offset else None
        line = output_to_json(output_id, as_array(data), offset, metadata if self._with_metadata else None)
        self._outputs.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._outputs.flush()

    def drain(self) -> list[Event]:
        if self._following is None:
            raise RuntimeError("Could not drain events. Channel is closed")
        return super().drain()

    def close(self) -> None:
        self._outputs.close()
        self._following = None
