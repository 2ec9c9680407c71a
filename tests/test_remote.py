"""Commands about nodes of another machine: they run there, and what they print comes here."""

import json
import os
import pathlib
import signal

import pytest

from conftest import actor, until
from control import Fault, Peer
from sites import sites  # noqa: F401
from system import Terminal, subscribers


def there(node):
    return {**node, "deploy": {"machine": "robot"}}


EYE = there(actor("join", "param=speed:float:2.5", "send=out:1000000:64:5", outputs=["out"]))
HAND = actor("join", "quiet", "listen", inputs={"in": "eye/out", "t": "dora/timer/millis/20"}, outputs=["out"])


@pytest.fixture
def pair(sites, flow):  # noqa: F811
    """base with the coordinator and `hand`, robot with `eye` and `ear`, which run."""
    base, robot = sites.join("base", "robot", args=("--lost-after", "1s"))
    ear = there(actor("join", "quiet", "listen", inputs={"in": "mouth/out", "more": "relay/out", "t": "dora/timer/millis/20"}))
    relay = there(actor("join", "quiet", "echo=out", "listen", inputs={"in": "eye/out"}, outputs=["out"]))
    mouth = there(actor("join", "quiet", "listen", inputs={"t": "dora/timer/millis/20"}, outputs=["out"]))
    base.start(flow(eye=EYE, hand=HAND, mouth=mouth, ear=ear, relay=relay), "--name", "one")
    yield base, robot
    base.dora("stop", "--all", "--force", status=None)


def running(daemon):
    """Commands that run as the daemon's children: process → words."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (entry / "cmdline").read_bytes().decode().split("\0")[:-1]
        except OSError:
            continue
        if parent == daemon and words and words[0] == "dora" and words[1] in ("topic", "trace", "logs"):
            found[int(entry.name)] = words[1:]
    return found


def daemon_of(site):
    """The process that starts the nodes; its keeper has the lock."""
    return next(one["pid"] for one in site.daemons() if one["machine"] == site.name)


def commands(site):
    return running(daemon_of(site))


def test_an_output_of_another_machine_is_watched_as_one_of_this(pair):
    base, robot = pair
    done = base.dora("topic", "echo", "--count", "3", "-f", "json", "eye/out")
    lines = done.json()
    assert len(lines) == 3 and {line["name"] for line in lines} == {"eye/out"} and done.stderr == ""
    assert lines[0]["metadata"]["speed"] == 2.5 and len(lines[0]["data"]) == 64
    assert base.dora("topic", "echo", "-d", "one", "--count", "1", "eye/out").stdout.startswith("eye/out\t data=")
    assert "hand/out" in robot.dora("topic", "hz", "hand/out", "--duration", "1").stdout
    for what, key in (("hz", "avg_hz"), ("bw", "avg_bytes"), ("delay", "avg_ms")):
        (line,) = base.dora("topic", what, "eye/out", "--duration", "1", "-f", "json").json()
        assert line["topic"] == "eye/out" and line[key] > 0 and line["samples"] > 0
    (info,) = base.dora("topic", "info", "eye/out", "--duration", "1", "-f", "json").json()
    assert sorted(info["subscribers"]) == ["hand/in", "relay/in"] and info["statistics"]["messages"] > 0
    assert not commands(robot) and not commands(base)


def test_what_is_wrong_over_there_is_said_here(pair):
    base, _ = pair
    done = base.dora("topic", "echo", "eye/nothing", status=1)
    assert "no output `nothing`" in done.stderr
    done = base.dora("topic", "hz", "eye/out", "--window", "long", status=2)
    assert "`--window`" in done.stderr
    done = base.dora("topic", "echo", "eye/out", "hand/out", status=1)
    assert "on several machines" in done.stderr and "one machine at a time" in done.stderr


def test_messages_are_sent_as_another_machine_s_node(pair, tmp_path):
    base, robot = pair
    echo = robot.begin("topic", "echo", "--count", "2", "-f", "json", "mouth/out")
    until(lambda: subscribers(robot, "mouth", "out") == 2, "the echo")
    base.dora("topic", "pub", "mouth/out", "[1, -2]", "--metadata", '{"goal_id": "7"}')
    value = tmp_path / "value.json"
    value.write_text('{"x": [1.5, 2]}')
    base.dora("topic", "pub", "mouth/out", "--file", value)
    lines = [json.loads(line) for line in echo.communicate(timeout=60)[0].splitlines()]
    assert [line["data"] for line in lines] == [[1, -2], [{"x": [1.5, 2]}]]
    assert lines[0]["metadata"] == {"goal_id": "7"}
    value.rename(tmp_path / "value.raw")
    done = base.dora("topic", "pub", "mouth/out", "--file", tmp_path / "value.raw", status=1)
    assert "on machine `robot`" in done.stderr
    base.dora("topic", "pub", "mouth/out", "--count", "2", "--rate", "100", "--", "-1")


def test_a_trace_runs_where_the_topic_is(pair):
    base, robot = pair
    lines = base.dora("trace", "eye/out", "--duration", "1", "-f", "json").json()
    assert lines and all(step["node"] in ("eye", "relay", "ear") for line in lines for step in line["steps"])
    done = robot.dora("trace", "--duration", "1")
    assert "Only messages between nodes of machine robot" in done.stderr and "dora trace hand/out" in done.stderr


def test_ctrl_c_ends_the_command_over_there(pair):
    base, robot = pair
    echo = base.begin("topic", "echo", "eye/out")
    assert "eye/out" in echo.stdout.readline()
    (pid,) = commands(robot)
    echo.send_signal(signal.SIGINT)
    out, err = echo.communicate(timeout=60)
    assert echo.returncode == 0 and err == ""
    assert not pathlib.Path(f"/proc/{pid}").exists()


def test_a_command_that_is_killed_leaves_nothing_over_there(pair):
    base, robot = pair
    for reads in (True, False):
        echo = base.begin("topic", "echo", "-f", "json", "eye/out")
        echo.stdout.readline()
        assert list(commands(robot).values())[0][:2] == ["topic", "echo"]
        if reads:
            echo.stdout.read(1 << 16)
        echo.kill()
        echo.communicate(timeout=60)
        until(lambda: not commands(robot), "the end of the command over there")


def test_a_reader_that_has_enough_ends_it(pair):
    base, robot = pair
    echo = base.begin("topic", "echo", "eye/out")
    echo.stdout.readline()
    echo.stdout.close()
    echo.wait(timeout=60)
    until(lambda: not commands(robot), "the end of the command over there")


@pytest.mark.parametrize("which", ["daemon", "keeper"])
def test_the_daemon_over_there_is_killed(pair, which):
    base, robot = pair
    daemon = daemon_of(robot) if which == "daemon" else robot.pids()["daemon"]
    echo = base.begin("topic", "echo", "eye/out")
    echo.stdout.readline()
    (pid,) = commands(robot)
    os.kill(daemon, signal.SIGKILL)
    out, err = echo.communicate(timeout=60)
    assert echo.returncode == 1 and "machine `robot`, where the command ran, has been lost" in err
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the end of the command over there")
    until(lambda: "robot" in base.dora("topic", "echo", "eye/out", status=1).stderr, "the machine's loss")


def test_the_coordinator_is_killed(pair):
    base, robot = pair
    echo = base.begin("topic", "echo", "eye/out")
    echo.stdout.readline()
    daemon = daemon_of(robot)
    assert running(daemon)
    os.kill(base.pids()["coordinator"], signal.SIGKILL)
    out, err = echo.communicate(timeout=60)
    assert echo.returncode == 1 and "coordinator" in err
    until(lambda: not running(daemon), "the end of the command over there")
    base.dora("up", "--machine-id", "base")
    until(lambda: sum(one["alive"] for one in base.daemons()) == 2, "all machines")


def test_the_end_of_the_dataflow_is_the_command_s_end(pair):
    base, robot = pair
    echo = base.begin("topic", "echo", "eye/out")
    echo.stdout.readline()
    assert commands(robot)
    base.dora("stop", "one", "--force", status=None)
    out, err = echo.communicate(timeout=60)
    assert echo.returncode == 0 and not err.startswith("error")


def test_a_terminal_here_is_one_for_the_command_there(pair):
    base, robot = pair
    shown = Terminal("topic", "echo", "--count", "1", "eye/out", columns=100, env=base.environment)
    assert shown.wait() == 0
    (line,) = shown.lines()
    assert 60 < len(line) < 160 and line.startswith("eye/out")
    shown = Terminal("topic", "hz", "eye/out", "--duration", "2", columns=100, env=base.environment)
    assert shown.wait() == 0 and "Avg (Hz)" in shown.text and "\x1b[2A" in shown.text
    shown = Terminal("topic", "echo", "eye/nothing", columns=100, env=base.environment)
    assert shown.wait() == 1 and "\x1b[1;31merror:" in shown.text


def test_no_more_than_so_many_at_once(pair):
    base, robot = pair
    begun = [base.begin("topic", "echo", "mouth/out") for _ in range(32)]
    until(lambda: len(commands(robot)) == 32, "the commands")
    assert "32 commands" in base.dora("topic", "echo", "eye/out", status=1).stderr
    for one in begun:
        one.terminate()
    for one in begun:
        one.communicate(timeout=60)
    base.dora("topic", "echo", "--count", "1", "eye/out")


def test_nothing_else_is_run(pair):
    base, robot = pair
    peer = Peer(base.runtime / "coordinator.sock", "cli")
    for args in (["run", "--", "x.yml"], ["logs", "--local"], ["topic", "pub", "--file=/etc/passwd", "--", "mouth/out"]):
        with pytest.raises(Fault, match="from another machine"):
            peer.call("machine.command", machine="robot", args=args)
    with pytest.raises(Fault, match="no machine `robt`"):
        peer.call("machine.command", machine="robt", args=["trace"])
    command = peer.call("machine.command", machine="robot", args=["topic", "echo", "--", "mouth/out"])["command"]
    other = Peer(base.runtime / "coordinator.sock", "cli")
    for method in ("machine.output", "machine.end"):
        with pytest.raises(Fault, match="for this connection"):
            other.call(method, command=command)
    waiting = peer.ask("machine.output", command=command)
    with pytest.raises(Fault, match="waited for already"):
        peer.call("machine.output", command=command)
    assert peer.call("machine.end", command=command) == {}
    assert set(peer.answer(waiting)) <= {"status", "out", "err"}
    peer.close()
    other.close()
    until(lambda: not commands(robot), "the command's end")
