"""The module against what dora-rs does: the record that `record` has made of the same nodes."""

import functools
import json

import pytest
import runner
from ours import NOTHING, OURS

RECORDED = json.loads(runner.RECORD.read_text())["cases"]


def findings(found):
    return {f"{node}/{name}": value for node, notes in found.items() for name, value in notes.items()}


def parameters(differing):
    """(case, node/note) of all that is recorded, or of what differs on purpose."""
    for case in runner.names():
        ours = OURS.get(case, {})
        recorded = findings(RECORDED.get(case, {}))
        for name in ours if differing else recorded:
            if differing or name not in ours:
                yield pytest.param(case, name, id=f"{case}/{name}")


@pytest.fixture(scope="module")
def found(side):
    """case → node/note → what it is here; each case runs once."""

    @functools.cache
    def run(case):
        try:
            return findings(runner.run(side, case))
        except runner.dataflow.Failed as e:
            return e

    def checked(case):
        if isinstance(run(case), runner.dataflow.Failed):
            pytest.fail(str(run(case)))
        return run(case)

    return checked


@pytest.mark.parametrize("case", runner.names())
def test_case_is_recorded(case):
    assert RECORDED.get(case), f"python/tests/conformance/record --venv … {case} has yet to be run"


@pytest.mark.parametrize(("case", "name"), list(parameters(differing=False)))
def test_same(found, case, name):
    ours, recorded = found(case).get(name, NOTHING), findings(RECORDED[case])[name]
    assert ours == recorded, f"dora-rs: {recorded}\nhere:    {ours}"


@pytest.mark.parametrize(("case", "name"), list(parameters(differing=True)))
def test_differs_on_purpose(found, case, name):
    expected, reason = OURS[case][name]
    ours, recorded = found(case).get(name, NOTHING), findings(RECORDED[case]).get(name, NOTHING)
    assert ours == expected, reason
    assert ours != recorded, f"no difference any more: {reason}"
