"""Operators in Python that change while they run, in a dataflow that the coordinator has started. `dora run`'s are tested with
the Python package."""

import pytest

from conftest import until
from system import said, system  # noqa: F401

# ruff: noqa: F811

OPERATOR = """
from dora import DoraStatus

class Operator:
    def on_event(self, dora_event, send_output):
        print("{}")
        return DoraStatus.CONTINUE
"""


@pytest.mark.release_only
@pytest.mark.parametrize("option", ["--hot-reload", None])
def test_start(system, flow, python, monkeypatch, tmp_path, option):
    for name, value in python.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "op.py"
    file.write_text(OPERATOR.format("one"))
    path = flow(op={"operator": {"python": "op.py", "inputs": {"tick": "dora/timer/millis/10"}}})
    system.up()
    uuid = system.start(path, *filter(None, [option]))
    until(lambda: "one" in said(path, uuid, "op"), "the operator's first line")
    (tmp_path / "new.py").write_text(OPERATOR.format("two"))
    (tmp_path / "new.py").rename(file)
    if option:
        until(lambda: "two" in said(path, uuid, "op"), "the new operator's first line")
    else:
        count = len(said(path, uuid, "op"))
        until(lambda: len(said(path, uuid, "op")) > count + 30, "more lines")
        assert "two" not in said(path, uuid, "op")
    system.dora("stop", uuid)
