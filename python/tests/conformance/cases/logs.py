"""The log methods, and what `logging` does once there is a node: each line as it is printed."""

import json
import logging
import os
import sys
import time

import dora

DATAFLOW = {"speaker": {"outputs": ["out"]}}


def printed(function, *args, **kwargs):
    """The lines that a call prints on standard output, from whatever language, without what changes."""
    sys.stdout.flush()
    saved, file = os.dup(1), os.memfd_create("stdout")
    os.dup2(file, 1)
    try:
        function(*args, **kwargs)
        deadline = time.monotonic() + 0.3
        while not os.fstat(file).st_size and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
        text = os.pread(file, 1 << 20, 0).decode()
        os.close(file)
    lines = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k != "timestamp"} for line in lines]


def logged(function, *args, **kwargs):
    """Of lines that come by way of `logging`: level, message and the logger's name. What else is in them differs."""
    found = []
    for line in printed(function, *args, **kwargs):
        fields = {**line, **line.get("fields", {})}
        found.append([fields["level"].lower(), fields["message"].splitlines()[0], fields.get("target")])
    return found


def speaker(notes):
    node = dora.Node()
    for level in ("error", "warn", "info", "debug", "trace"):
        notes.call(level, printed, getattr(node, f"log_{level}"), f"about {level}")
        notes.call(f"log {level}", printed, node.log, level, "text")
    for level in ("ERROR", "Warn", "warning", "fatal", "", "critical", "unknown level"):
        notes.call(f"log {level!r}", printed, node.log, level, "text")
    notes.call("target", printed, node.log, "info", "text", "my::target")
    notes.call("target by name", printed, lambda: node.log("info", "text", target="t"))
    notes.call("fields", printed, lambda: node.log("info", "text", fields={"a": "1", "b": "ü"}))
    notes.call("both", printed, node.log, "info", "text", "t", {"k": "v"})
    notes.call("fields empty", printed, lambda: node.log("info", "text", fields={}))
    notes.call("fields no str", printed, lambda: node.log("info", "text", fields={"a": 1}))
    notes.call("newline and quote", printed, node.log_info, 'a\n"b"\\\t\x01')
    notes.call("not ASCII", printed, node.log_info, "üλ😀")
    notes.call("NUL", printed, node.log_info, "a\0b")
    notes.call("surrogate", printed, node.log_info, "\ud800")
    notes.call("empty", printed, node.log_info, "")
    notes.call("not a str", printed, node.log_info, 1)
    notes.call("level not a str", printed, node.log, 1, "text")
    notes.call("no arguments", printed, node.log)

    root = logging.getLogger()
    notes("root's level", root.level)
    notes("handlers", [type(h).__name__ for h in root.handlers])
    notes("added to logging", [hasattr(logging, "HostHandler"), hasattr(logging, "host_log")])
    notes("basicConfig is", logging.basicConfig.__name__)
    logger = logging.getLogger("my.logger")

    for level in ("error", "warning", "info", "debug", "critical"):
        notes.call(f"logging.{level}", logged, getattr(logging, level), "about %s", level)
    notes.call("a logger of a name", logged, logger.warning, "text")
    notes.call("extra", logged, lambda: logger.warning("text", extra={"key": "value"}))
    notes.call("level 5", logged, logger.log, 5, "text")
    notes.call("level 25", logged, logger.log, 25, "text")

    def exception():
        try:
            raise LookupError("on purpose")
        except LookupError:
            logger.exception("text")

    notes.call("exception", logged, exception)
    logging.basicConfig(level=logging.WARNING)
    notes("after basicConfig, level", root.level)
    notes("after basicConfig, handlers", [type(h).__name__ for h in root.handlers])
    notes.call("after basicConfig, info", logged, logging.info, "text")
    logging.basicConfig(level=logging.WARNING, force=True)
    notes("after force, handlers", [type(h).__name__ for h in root.handlers])
    notes("after force, level", root.level)
