"""Dataflows between machines whose network is slow and loses packets: 20 ms each way, 2 % of them."""

import pytest

from conftest import actor, until
from machines import machines  # noqa: F401
from system import said, summary
from test_across import EVERY, LOSSLESS, attach, join, on, router, sink, through, traffic, write  # noqa: F401

FAR = {"delay": 0.02, "loss": 0.02}

pytestmark = pytest.mark.release_only


@pytest.fixture
def far(machines):
    """Makes machines that are far from each other; the first has the coordinator."""

    def make(*names):
        made = machines(*names)
        for machine in made:
            machine.shape(**FAR)
            join(machine, to=made[0] if machine is not made[0] else None)
        return made

    return make


def lossless(source):
    return {"in": {"source": source, **LOSSLESS}}


def relay(source):
    return actor("join", "echo=out", "quiet", "listen", inputs=lossless(source), outputs=["out"])


@pytest.mark.parametrize("size", [8, 3 << 20])
def test_nothing_is_lost_or_doubled(far, tmp_path, size):
    a, b = far("a", "b")
    count = 5 if size > 1 << 20 else 2000
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", f"send=out:{count}:{size}", outputs=["out"])),
        echo=on(b, relay("source/out")),
        sink=on(a, actor("join", "quiet", "listen", inputs=lossless("echo/out"))),
        near=on(a, sink(**LOSSLESS)),
    )
    uuid = attach(a, path)
    for node in ("echo", "sink", "near"):
        assert summary(path, uuid, node) == {**EVERY, "count": count, "last": count - 1}


def test_a_slow_machine_drops_and_counts_and_holds_nobody_up(far, tmp_path):
    """More than a window and all that the way holds is sent before the slow machine can have had it."""
    a, b = far("a", "b")
    a.shape(**FAR, rate=2e6)
    count, size = 60, 1 << 20
    done = tmp_path / "done"
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", f"send=out:{count}:{size}:2", "close=out", f"gate={done}", outputs=["out"])),
        slow=on(b, sink(queue_size=2)),
        near=on(a, sink(queue_size=count)),
    )
    uuid = a.start(path)
    near = until(lambda: summary(path, uuid, "near"), "the end of the near receiver")
    assert not summary(path, uuid, "slow")
    assert near == {**EVERY, "count": count, "last": count - 1}
    a.shape(**FAR)
    done.touch()
    until(lambda: a.status_of(uuid) == "finished", "the end")
    slow = summary(path, uuid, "slow")
    assert slow["dropped"] > 0 and slow["count"] + slow["dropped"] == count
    assert slow["gaps"] == slow["dropped"] - slow["first"] and slow["bad"] == slow["back"] == 0
    assert slow["last"] == count - 1


def test_what_is_said_comes_in_its_turn(far, tmp_path):
    """Parameters with their messages, and the restart of a node before what it sends then. What waited in its queue may come
    after the news, as within a machine."""
    a, b = far("a", "b")
    runs = ["param=run:int:{}", "send=out:100:3000", "param=half:string:second", "send=out:100:3000"]
    script = [f"@{run}:{verb.format(run)}" for run in range(2) for verb in runs] + ["@0:crash"]
    again = {"restart_policy": "on-failure", "inputs": {"tick": "dora/timer/secs/1"}}
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", *script, outputs=["out"], **again)),
        sink=on(b, actor("join", "show=params", "listen", inputs=lossless("source/out"))),
    )
    uuid = attach(a, path)
    expected = []
    for run in range(2):
        for number in range(200):
            expected.append(f"input in {number} 3000")
            expected += ["param half string second"] * (number >= 100)
            expected.append(f"param run int {run}")
    lines = said(path, uuid, "sink")
    news = lines.index("restarted source")
    assert lines.count("restarted source") == 1 and "param run int 1" not in lines[:news] and "closed in" in lines
    del lines[news]
    assert lines[: len(expected)] == expected


def test_commands_from_the_far_machine_pass_the_data(far, tmp_path):
    """Of which there is more than the network takes."""
    a, b = far("a", "b")
    a.shape(**FAR, rate=10e6)
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", "say=hello from here", "flood=out:1000000", outputs=["out"])),
        sink=on(b, actor("join", "say=hello from there", "quiet", "listen", inputs=lossless("source/out"))),
    )
    uuid = b.start(path)
    before = traffic(b)
    until(lambda: traffic(b) > before + 3e6, "traffic")
    listed = {line["node"]: line for line in b.dora("node", "list", "--dataflow", uuid, "-f", "json").json()}
    assert (listed["source"]["machine"], listed["sink"]["machine"]) == ("a", "b"), listed
    assert "hello from here" in b.dora("logs", uuid, "source").stdout
    assert "hello from there" in b.dora("logs", uuid, "sink").stdout
    b.dora("stop", uuid)
    assert b.status_of(uuid) == a.status_of(uuid) == "finished"


def test_three_machines(far, tmp_path):
    """All feed each other, and what goes two ways to a machine comes whole on both."""
    a, b, c = far("a", "b", "c")
    count, size = 300, 20000
    path = write(
        tmp_path / "flow.yml",
        source=on(a, actor("join", f"send=out:{count}:{size}", outputs=["out"])),
        second=on(b, relay("source/out")),
        third=on(c, relay("second/out")),
        direct=on(c, sink(**LOSSLESS)),
        home=on(a, actor("join", "quiet", "listen", inputs=lossless("third/out"))),
    )
    uuid = attach(b, path)
    for node in ("second", "third", "direct", "home"):
        assert summary(path, uuid, node) == {**EVERY, "count": count, "last": count - 1}


def test_through_a_router(machines, router, tmp_path):
    a, b = machines("a", "b")
    entrance = router()
    for machine in (a, b):
        machine.shape(**FAR)
    join(a, entrance, "--coordinator")
    join(b, entrance)
    through(entrance, a, b, tmp_path / "flow.yml")
