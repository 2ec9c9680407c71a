"""What an operator's `on_event` returns."""

from enum import Enum

__all__ = ["DoraStatus"]


class DoraStatus(Enum):
    """Whether an operator goes on: it does, it ends, or the whole dataflow is stopped."""

    CONTINUE = 0
    STOP = 1
    STOP_ALL = 2


DoraStatus.__module__ = "dora"
