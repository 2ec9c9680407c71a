import listener_1.main
import pytest

testing = pytest.importorskip("dora.testing")


def test_what_is_heard_is_printed():
    done = testing.run_node(listener_1.main.__file__, [("speech-1", ["Hello"]), ("speech-2", ["Hi"])])
    assert done.stdout.splitlines() == ["I heard on speech-1: Hello", "I heard on speech-2: Hi"]
