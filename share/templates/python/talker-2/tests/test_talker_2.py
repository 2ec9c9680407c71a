import pytest

pytest.importorskip("dora")


def test_the_node_can_be_loaded():
    from talker_2.main import main

    assert callable(main)
