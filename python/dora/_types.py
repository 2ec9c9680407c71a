"""The types of what nodes receive, for annotations."""

import datetime
from collections.abc import Sequence
from typing import Any, Literal, TypedDict

__all__ = ["Event", "Parameter"]

Parameter = bool | int | float | str | datetime.datetime | Sequence[int] | Sequence[float] | Sequence[str]
"""A value in metadata."""


class Event(TypedDict, total=False):
    """What a node receives. `kind`, and for dora's own events `type`, are always there; which keys else, `type` says."""

    kind: Literal["dora", "external"]
    type: Literal[
        "INPUT",
        "INPUT_CLOSED",
        "INPUT_RECOVERED",
        "STOP",
        "NODE_RESTARTED",
        "NODE_FAILED",
        "PARAM_UPDATE",
        "PARAM_DELETED",
        "RELOAD",
        "ERROR",
        "UNKNOWN",
    ]
    id: str
    """The input; of STOP, "MANUAL" or "ALL_INPUTS_CLOSED"; of NODE_RESTARTED and NODE_FAILED, the node; of PARAM_UPDATE
    and PARAM_DELETED, the parameter."""
    value: Any
    """Of INPUT, an Arrow array over shared memory; of PARAM_UPDATE, the new value."""
    metadata: dict[str, Any]
    """Of INPUT, `timestamp` and what the sender has given; of NODE_FAILED, what failed."""
    error: str
    """Of ERROR."""
