"""Python's `logging` as dora's log lines: one JSON object a line on standard output, which dora collects."""

import datetime
import json
import logging
import os

STDOUT = 1


def write(level, message, target=None, fields=None, node_id=None):
    line = {"timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z"), "level": level}
    if target is not None:
        line["target"] = target
    if node_id is not None:
        line["node_id"] = node_id
    line["message"] = message
    if fields is not None:
        line["fields"] = fields
    data = (json.dumps(line, default=str) + "\n").encode()
    while data:
        data = data[os.write(STDOUT, data) :]


def level_of(number):
    if number >= logging.WARNING:
        return "error" if number >= logging.ERROR else "warn"
    return "info" if number >= logging.INFO else "debug" if number >= logging.DEBUG else "trace"


def host_log(record, target="{target}"):
    write(level_of(record.levelno), record.getMessage(), record.name, {"file": record.pathname, "line": record.lineno})


class HostHandler(logging.Handler):
    """Hands records to dora."""

    def __init__(self, level=0):
        super().__init__(level=level)
        # Level, name and time have places of their own; what is left is the message, and an exception's traceback.
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record):
        try:
            fields = {"file": record.pathname, "line": record.lineno}
            write(level_of(record.levelno), self.format(record), record.name, fields)
        except Exception:
            self.handleError(record)


def install(node=None):
    """From now on logging.basicConfig, which logging's own functions call when nobody did, sends everything to dora, unless
    it is told of a handler, a stream or a file. What was set up before stays as it is."""
    if hasattr(logging, "HostHandler"):
        return
    original = logging.basicConfig

    def basicConfig(*args, **kwargs):
        if not any(kwargs.get(key) for key in ("handlers", "stream", "filename")):
            for key in ("handlers", "stream", "filename"):
                kwargs.pop(key, None)
            # Who doesn't ask for more gets from INFO on, whatever libraries have to say below.
            kwargs["handlers"] = [HostHandler(0 if kwargs.get("level") is not None else logging.INFO)]
            kwargs.setdefault("level", 0)
        return original(*args, **kwargs)

    basicConfig.__doc__ = original.__doc__
    logging.HostHandler, logging.host_log, logging.basicConfig = HostHandler, host_log, basicConfig
