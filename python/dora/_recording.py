"""The file in which the events of a node are recorded: reading, and writing.

It is the one of dora-rs: JSON, {"id": node, "events": [{"type": "Input", "id": …, "time_offset_secs": …, "data": …,
"data_type": …, "metadata": …}, …]}. Events are of type Input, InputClosed, AllInputsClosed and Stop. Instead of `data`, an
input can name a `path` to an Arrow IPC file, with `batch_index` and `column`; the path is relative to the recording.
"""

from __future__ import annotations

import datetime
import json
import pathlib
from collections.abc import Callable
from typing import IO, Any

import pyarrow as pa

from ._arrow_json import array_from_json, array_to_json, type_to_json
from ._offline import Event

__all__ = ["Recorder", "metadata_from_json", "metadata_to_json", "output_to_json", "read_recording"]

LARGE = 16384  # bytes beyond which an array lies in a file of its own

# ---- metadata


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


PARAMETERS: dict[str, Callable[[Any], Any]] = {
    "Bool": bool,
    "Integer": int,
    "Float": float,
    "String": str,
    "ListInt": lambda items: [int(item) for item in items],
    "ListFloat": lambda items: [float(item) for item in items],
    "ListString": lambda items: [str(item) for item in items],
    "Timestamp": _moment,
}


def metadata_from_json(given: Any) -> dict[str, Any]:
    """{"width": {"Integer": 640}} as {"width": 640}; a value that says no type is taken as it is."""
    if not isinstance(given, dict):
        raise ValueError(f"`metadata` is an object, not {given!r}")
    found = {}
    for key, value in given.items():
        if isinstance(value, dict):
            [(kind, inner)] = value.items() if len(value) == 1 else [("", None)]
            if kind not in PARAMETERS:
                raise ValueError(f"the value of `{key}` in `metadata` is of no type; write one as {{\"Integer\": 1}}")
            value = PARAMETERS[kind](inner)
        found[key] = value
    return found


def _parameter_to_json(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"Bool": value}
    if isinstance(value, int):
        return {"Integer": value}
    if isinstance(value, float):
        return {"Float": value}
    if isinstance(value, datetime.datetime):
        return {"Timestamp": value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
    if isinstance(value, (list, tuple)):
        kind = "ListFloat" if value and isinstance(value[0], float) else "ListString" if value and isinstance(value[0], str) else "ListInt"
        return {kind: list(value)}
    return {"String": str(value)}


def metadata_to_json(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: _parameter_to_json(value) for key, value in metadata.items()}


def output_to_json(output_id: str, array: pa.Array, offset: float | None, metadata: dict[str, Any] | None) -> dict[str, Any]:
    """An output as a line of JSON holds it; without a time or metadata where there is None."""
    line: dict[str, Any] = {"id": output_id}
    if offset is not None:
        line["time_offset_secs"] = offset
    if metadata is not None:
        line["metadata"] = metadata_to_json(metadata)
    return {**line, "data": array_to_json(array), "data_type": type_to_json(array.type)}


# ---- reading


def _read_file(event: dict[str, Any], folder: pathlib.Path) -> pa.Array:
    path = folder / event["path"]
    if not path.exists():
        path = pathlib.Path(event["path"])
    with pa.memory_map(str(path)) as file:
        batch = pa.ipc.open_file(file).get_batch(event.get("batch_index", 0))
    column = event.get("column")
    return batch.to_struct_array() if column is None else batch.column(column)


def _read_event(event: Any, folder: pathlib.Path, start: datetime.datetime) -> tuple[float, Event]:
    offset = float(event["time_offset_secs"])
    kind = event["type"]
    if kind == "Stop":
        return offset, {"kind": "dora", "type": "STOP", "id": "MANUAL"}
    if kind == "AllInputsClosed":
        return offset, {"kind": "dora", "type": "STOP", "id": "ALL_INPUTS_CLOSED"}
    if kind == "InputClosed":
        return offset, {"kind": "dora", "type": "INPUT_CLOSED", "id": str(event["id"])}
    if kind != "Input":
        raise ValueError(f"an event is of type Input, InputClosed, AllInputsClosed or Stop, not {kind!r}")
    if "data" in event:
        value = array_from_json(event["data"], event.get("data_type"))
    else:
        value = _read_file(event, folder) if "path" in event else pa.nulls(0)
    metadata = {"timestamp": start + datetime.timedelta(seconds=offset), **metadata_from_json(event.get("metadata") or {})}
    return offset, {"kind": "dora", "type": "INPUT", "id": str(event["id"]), "value": value, "metadata": metadata}


def read_recording(path: str, start: datetime.datetime) -> tuple[dict[str, Any], list[tuple[float, Event]]]:
    """What the file says of the node, and the events in order of their times. ValueError or OSError, with the path."""
    file = pathlib.Path(path)
    try:
        with file.open(encoding="utf-8") as stream:
            content = json.load(stream)
        if not isinstance(content, dict) or not isinstance(content.get("id"), str) or not isinstance(content.get("events"), list):
            raise ValueError("it needs `id`, the node's name, and `events`, a list")
        status = content.get("recording_status") or {}
        if status.get("state") == "poisoned":
            raise ValueError(f"the recording is not complete: {status.get('first_failure_error')}")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    events = []
    for number, event in enumerate(content["events"], 1):
        try:
            events.append(_read_event(event, file.parent, start))
        except KeyError as error:
            raise ValueError(f"{path}: event {number} has no {error}") from None
        except (ValueError, TypeError, OSError, pa.ArrowException) as error:
            raise ValueError(f"{path}: event {number}: {error}") from None
    events.sort(key=lambda item: item[0])
    return content, events


# ---- writing

TYPES = {"INPUT": "Input", "INPUT_CLOSED": "InputClosed"}
TAIL = "\n  ]\n}\n"


class Recorder:
    """Writes the events of a node to FOLDER/inputs-NODE.json. The file is whole after each event, whatever becomes of the
    process."""

    def __init__(self, folder: str, node_id: str) -> None:
        self._folder = pathlib.Path(folder)
        self._node_id = node_id
        self._count = 0
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (self._folder / f"inputs-{node_id}.json").open("w", encoding="utf-8")
        head = json.dumps({"id": node_id, "recording_status": {"state": "clean"}}, ensure_ascii=False)
        self._file.write(head[:-1] + ',\n  "events": [')
        self._end = self._file.tell()
        self._file.write(TAIL)
        self._file.flush()

    def note(self, event: Event, offset: float) -> None:
        """Events that a recording has nothing for, such as errors, are left out."""
        kind = event["type"]
        noted: dict[str, Any] = {"time_offset_secs": max(offset, 0.0)}
        if kind == "STOP":
            noted["type"] = "AllInputsClosed" if event.get("id") == "ALL_INPUTS_CLOSED" else "Stop"
        elif kind in TYPES:
            noted = {"type": TYPES[kind], "id": event["id"], **noted}
        else:
            return
        if kind == "INPUT":
            noted.update(self._data(event["value"]))
            parameters = {key: value for key, value in event["metadata"].items() if key != "timestamp"}
            if parameters:
                noted["metadata"] = metadata_to_json(parameters)
        self._file.seek(self._end)
        self._file.write((",\n    " if self._count else "\n    ") + json.dumps(noted, ensure_ascii=False))
        self._end = self._file.tell()
        self._file.write(TAIL)
        self._file.flush()
        self._count += 1

    def _data(self, value: pa.Array) -> dict[str, Any]:
        if value.type == pa.null() and len(value) == 0:
            return {}
        if value.nbytes <= LARGE:
            try:
                return {"data": array_to_json(value), "data_type": type_to_json(value.type)}
            except TypeError:
                pass
        name = f"inputs-{self._node_id}-{self._count}.arrow"
        batch = pa.record_batch([value], names=["inner"])
        with pa.ipc.new_file(str(self._folder / name), batch.schema) as writer:
            writer.write_batch(batch)
        return {"path": name, "batch_index": 0, "column": "inner"}

    def close(self) -> None:
        self._file.close()
