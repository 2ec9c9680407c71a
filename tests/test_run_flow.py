"""Messages on their way: nothing lost at the start, order, content, queues, timers, many receivers, loops."""

import pytest

from conftest import actor

MIB = 1 << 20


@pytest.mark.release_only
def test_the_barrier_loses_nothing(run, flow):
    """Who sends at once to who joins late; a hundred starts."""
    path = flow(
        source=actor("join", "send=out:10:8", outputs=["out"]),
        sink=actor("env=PATH", "join", "quiet", "listen", inputs={"in": "source/out"}),
    )
    for _ in range(100):
        done = run(path)
        assert done.status == 0, done.stderr
        assert done.summary("sink")["in"] == dict(count=10, first=0, last=9, gaps=0, bad=0, back=0, dropped=0, skipped=0)


def test_the_barrier_waits_for_the_slowest(start, flow, tmp_path):
    gate = tmp_path / "gate"
    running = start(
        flow(
            source=actor("say=up", "join", "say=joined", "send=out:10:8", outputs=["out"]),
            sink=actor("say=up", f"gate={gate}", "join", "quiet", "listen", inputs={"in": "source/out"}),
        )
    )
    running.wait_for("source", "up")
    running.wait_for("sink", "up")
    assert running.lines("source") == ["up"]
    gate.touch()
    assert running.wait() == 0
    assert running.summary("sink")["in"]["count"] == 10


SIZES = [0, 1, 7, 8, 63, 64, 65, 255, 256, 4095, 4096, 4097, 65535, 65536, MIB - 1, MIB, 4 * MIB + 1, 40 * MIB]


def test_order_and_content_of_every_size(run, flow):
    """Messages of no size between 0 and 40 MiB arrive changed, or in another order."""
    sends = [f"send=out:{2 if size > MIB else 20}:{size}" for size in SIZES]
    path = flow(
        source=actor("join", *sends, outputs=["out"]),
        sink=actor("join", "listen", inputs={"in": {"source": "source/out", "queue_policy": "backpressure"}}),
    )
    done = run(path)
    assert done.status == 0, done.stderr
    tally = done.summary("sink")["in"]
    sizes = [size for size in SIZES for _ in range(2 if size > MIB else 20)]
    assert [line for line in done.lines("sink") if line.startswith("input")] == [
        # What is too short to carry its number is counted by its receiver.
        f"input in {number} {size}"
        for number, size in enumerate(sizes)
    ]
    assert (tally["count"], tally["gaps"], tally["bad"], tally["back"]) == (len(sizes), 0, 0, 0)


def after(path):
    """What a source does when all is sent, and what a sink waits for."""
    return f"touch={path}", f"gate={path}"


@pytest.mark.parametrize("size", [8, 100_000])
@pytest.mark.parametrize("queue", [0, 1, 10, 300])
def test_drop_oldest_keeps_the_newest_and_counts(run, flow, tmp_path, size, queue):
    told, waits = after(tmp_path / "sent")
    done = run(
        flow(
            source=actor("join", f"send=out:1000:{size}", told, outputs=["out"]),
            sink=actor("join", waits, "quiet", "listen", inputs={"in": {"source": "source/out", "queue_size": queue}}),
        )
    )
    assert done.status == 0, done.stderr
    kept = max(queue, 1)
    tally = done.summary("sink")["in"]
    assert (tally["count"], tally["first"], tally["last"], tally["gaps"]) == (kept, 1000 - kept, 999, 0)
    assert tally["bad"] == 0 and tally["dropped"] == 1000 - kept


def test_dropped_and_received_add_up_while_both_run(run, flow):
    done = run(
        flow(
            source=actor("join", "send=out:200000:64", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
        )
    )
    tally = done.summary("sink")["in"]
    assert tally["count"] + tally["dropped"] == 200000
    assert tally["last"] == 199999 and tally["bad"] == 0 and tally["back"] == 0


@pytest.mark.parametrize("queue", [1, 100])
@pytest.mark.parametrize("size", [8, 50_000])
def test_backpressure_loses_nothing(run, flow, queue, size):
    node = {"in": {"source": "source/out", "queue_size": queue, "queue_policy": "backpressure"}}
    done = run(
        flow(
            source=actor("join", f"send=out:3000:{size}", outputs=["out"]),
            fast=actor("join", "quiet", "listen", inputs=node),
            slow=actor("join", "quiet", "work=20", "listen", inputs=node),
        )
    )
    assert done.status == 0, done.stderr
    for sink in "fast", "slow":
        tally = done.summary(sink)["in"]
        assert (tally["count"], tally["gaps"], tally["bad"], tally["dropped"]) == (3000, 0, 0, 0)


def numbers(done, node):
    return [int(line.split()[2]) for line in done.lines(node) if line.startswith("input")]


def test_requests_are_dropped_last(run, flow, tmp_path):
    told, waits = after(tmp_path / "sent")
    done = run(
        flow(
            source=actor("join", "send=out:5:8", "param=request_id:string:r", "send=out:4:8", "plain", "send=out:20:8",
                         told, outputs=["out"]),
            sink=actor("join", waits, "listen", inputs={"in": "source/out"}),
        )
    )  # fmt: skip
    assert numbers(done, "sink") == [5, 6, 7, 8, *range(23, 29)]
    assert done.summary("sink")["in"]["dropped"] == 19


def test_requests_push_out_what_is_no_request(run, flow, tmp_path):
    told, waits = after(tmp_path / "sent")
    done = run(
        flow(
            source=actor("join", "param=request_id:string:r", "send=out:12:8", "plain", "send=out:3:8", told,
                         outputs=["out"]),
            sink=actor("join", waits, "listen", inputs={"in": "source/out"}),
        )
    )  # fmt: skip
    assert numbers(done, "sink") == list(range(2, 12))
    assert done.summary("sink")["in"]["dropped"] == 5


def test_a_flush_empties_the_queue_of_all_but_requests(run, flow, tmp_path):
    told, waits = after(tmp_path / "sent")
    done = run(
        flow(
            source=actor("join", "send=out:2:8", "param=request_id:string:r", "send=out:1:8", "plain", "send=out:2:8",
                         "param=flush:bool:true", "send=out:1:8", "plain", "send=out:2:8", told, outputs=["out"]),
            sink=actor("join", waits, "listen", inputs={"in": "source/out"}),
        )
    )  # fmt: skip
    assert numbers(done, "sink") == [2, 5, 6, 7]


def test_parameters_travel_with_a_message(run, flow):
    done = run(
        flow(
            source=actor("join", "param=b:bool:true", "param=i:int:-9223372036854775808", "param=f:float:0.1",
                         "param=s:string:ä b", "send=out:1:8", outputs=["out"]),
            relay=actor("join", "quiet", "echo=out", "listen", inputs={"in": "source/out"}, outputs=["out"]),
            sink=actor("join", "show=params", "listen", inputs={"in": "relay/out"}),
        )
    )  # fmt: skip
    assert [line for line in done.lines("sink") if line.startswith("param")] == [
        "param b bool true",
        "param f float 0.1",
        "param i int -9223372036854775808",
        "param s string ä b",
    ]


def ticks(done, node):
    return {int(line.split()[2]): line.split()[3] for line in done.lines(node) if line.startswith("tick")}


def test_all_nodes_agree_on_every_tick(run, flow):
    """The first tick comes at the start itself; tick k was due at the same time for everyone."""
    timer = {"tick": "dora/timer/millis/20"}
    done = run(flow(**{id: actor("join", "show=timestamp", "listen=10", inputs=timer) for id in ("a", "b", "c")}))
    assert done.status == 0, done.stderr
    all = [ticks(done, id) for id in ("a", "b", "c")]
    for each in all:
        assert len(each) == 10
        for number in each:
            assert {other[number] for other in all if number in other} == {each[number]}
    # A node that was scheduled in time has tick 0.
    assert any(0 in each for each in all)


def test_a_busy_node_skips_ticks_and_knows_how_many(run, flow):
    done = run(flow(a=actor("join", "work=12000", "listen=8", inputs={"tick": "dora/timer/millis/5"})))
    tally = done.summary("a")["tick"]
    assert tally["count"] == 8 and tally["back"] == 0
    assert tally["skipped"] == tally["last"] + 1 - 8 >= 8


def test_fifty_receivers_get_the_same(run, flow):
    node = {"in": {"source": "source/out", "queue_policy": "backpressure"}}
    sinks = {f"sink-{i}": actor("join", "quiet", "listen", inputs=node) for i in range(50)}
    done = run(flow(source=actor("join", "send=out:40:8", "send=out:40:65536", outputs=["out"]), **sinks))
    assert done.status == 0, done.stderr
    for sink in sinks:
        tally = done.summary(sink)["in"]
        assert (tally["count"], tally["gaps"], tally["bad"], tally["dropped"]) == (80, 0, 0, 0)


def test_inputs_take_turns(run, flow, tmp_path):
    """Least recently served first, whatever waits on the others."""
    gates = [tmp_path / id for id in "abc"]
    sources = {
        id: actor("join", f"send=out:{count}:8", f"touch={gate}", outputs=["out"])
        for id, count, gate in zip("abc", (9, 1, 3), gates)
    }
    sink = actor("join", *(f"gate={gate}" for gate in gates), "listen", inputs={id: f"{id}/out" for id in "abc"})
    done = run(flow(**sources, sink=sink))
    order = [line.split()[1] for line in done.lines("sink") if line.startswith("input")]
    assert sorted(order[:3]) == ["a", "b", "c"]
    assert len(set(order[3:5])) == len(set(order[5:7])) == 2
    assert order[7:] == ["a"] * 6


def test_a_flood_on_one_input_does_not_starve_another(start, flow):
    running = start(
        flow(
            loud=actor("join", "flood=out:8", outputs=["out"]),
            soft=actor("join", "send=out:20:8:5", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"loud": "loud/out", "soft": "soft/out"}),
        )
    )
    running.wait_for("sink", "closed soft")
    assert running.stop() == 0, running.stderr
    assert (running.summary("sink")["soft"]["count"], running.summary("sink")["soft"]["gaps"]) == (20, 0)
    assert running.summary("sink")["loud"]["count"] > 20


def test_ping_pong(run, flow):
    done = run(
        flow(
            ping=actor("join", "quiet", "send=out:1:8", "echo=out", "listen=2000", inputs={"in": "pong/out"},
                       outputs=["out"]),
            pong=actor("join", "quiet", "echo=out", "listen=2000", inputs={"in": "ping/out"}, outputs=["out"]),
        )
    )  # fmt: skip
    assert done.status == 0, done.stderr
    assert done.summary("ping")["in"]["count"] == done.summary("pong")["in"]["count"] == 2000


def test_a_node_that_listens_to_itself(run, flow):
    done = run(
        flow(
            a=actor("join", "quiet", "send=out:1:100", "echo=out", "listen=50", inputs={"in": "a/out"}, outputs=["out"])
        )
    )
    assert done.status == 0, done.stderr
    assert done.summary("a")["in"]["count"] == 50 and done.summary("a")["in"]["bad"] == 0


def test_a_node_can_not_wait_for_itself(run, flow):
    node = {"in": {"source": "a/out", "queue_size": 2, "queue_policy": "backpressure"}}
    done = run(flow(a=actor("join", "try=out:8", "try=out:8", "try=out:8", inputs=node, outputs=["out"])))
    assert done.status == 0, done.stderr
    words = done.lines("a")
    assert words[:2] == ["try: Success: "] * 2
    assert words[2].startswith("try: Resource temporarily unavailable: ")


def test_one_node_may_have_an_output_on_two_inputs(run, flow):
    done = run(
        flow(
            source=actor("join", "send=out:5:8", outputs=["out"]),
            sink=actor("join", "quiet", "listen", inputs={"one": "source/out", "two": "source/out"}),
        )
    )
    assert done.summary("sink")["one"]["count"] == done.summary("sink")["two"]["count"] == 5


def test_waits_have_timeouts(run, flow):
    done = run(
        flow(
            source=actor("join", "next=0", "next=10", "send=out:1:8", outputs=["out"], inputs={"in": "sink/out"}),
            sink=actor("join", "next=30000", "next=30000", "next=30000", "next=0", inputs={"in": "source/out"},
                       outputs=["out"]),
        )
    )  # fmt: skip
    assert done.lines("source") == ["next: Connection timed out"] * 2
    assert done.lines("sink")[:2] == ["next: input in", "next: closed in"], done.lines("sink")
    assert done.lines("sink")[2:] == ["next: stop ALL_INPUTS_CLOSED", "next: No data available"]
