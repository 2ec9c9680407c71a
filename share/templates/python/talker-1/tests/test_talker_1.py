import talker_1.main
import pytest

testing = pytest.importorskip("dora.testing")


def test_every_input_is_answered_by_a_greeting():
    done = testing.run_node(talker_1.main.__file__, [("tick", None), ("tick", None)])
    assert [sent.value.to_pylist() for sent in done.outputs["speech"]] == [["Hello from talker_1"]] * 2
