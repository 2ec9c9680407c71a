"""Dataflows that live on: up and down, start, list, stop, restart, clean, and what goes wrong on the way."""

import json
import os
import re
import shlex
import signal
import socket
import time

import pytest

from conftest import ACTOR, actor, until
from control import Peer
from system import Terminal, system  # noqa: F401

# ruff: noqa: F811


@pytest.fixture
def sleeper(flow):
    """A dataflow that runs until it is stopped."""
    return flow(a=actor("join", "say=hello", "listen", inputs={"tick": "dora/timer/millis/100"}))


# ---- up and down ----


def test_up_twice_and_down_twice(system):
    first = system.up()
    pids = system.pids()
    assert set(pids) == {"coordinator", "daemon"}
    again = system.up()
    for role in pids:
        assert f"{role} started: process " in first.stdout
        assert f"{role} already running: process " in again.stdout
    assert system.pids() == pids
    assert "stopped" in system.down().stdout
    assert not system.pids()
    assert "nothing is running" in system.down().stdout


def test_many_ups_at_once_start_one_of_each(system):
    ups = [system.begin("up") for _ in range(8)]
    outs = [process.communicate(timeout=60) for process in ups]
    assert all(process.returncode == 0 for process in ups), outs
    assert len(system.pids()) == 2
    assert sum("coordinator started" in out for out, _ in outs) == 1
    assert sum("daemon started" in out for out, _ in outs) == 1


def test_ups_killed_at_any_moment_leave_nothing_in_the_way(system):
    for delay in (0, 0.001, 0.002, 0.004, 0.008, 0.016):
        process = system.begin("up")
        time.sleep(delay)
        process.kill()
        process.communicate()
    system.up()
    assert len(system.pids()) == 2
    system.down()


def test_a_stale_socket_is_no_hindrance(system):
    system.runtime.mkdir(mode=0o700)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(system.runtime / "coordinator.sock"))
    stale.listen()
    stale.close()
    assert "Not running" in system.dora("status", status=1).stdout
    system.up()
    system.dora("list")


def test_what_is_missing_is_started(system):
    system.up()
    before = system.pids()
    for role in ("daemon", "coordinator"):
        os.kill(system.pids()[role], signal.SIGKILL)
        until(lambda: role not in system.pids(), f"the end of the {role}")
        assert f"{role} started" in system.up().stdout
    after = system.pids()
    assert set(after) == set(before) and not set(after.values()) & set(before.values())


def test_a_runtime_folder_that_others_can_open_is_refused(system):
    system.runtime.mkdir()
    system.runtime.chmod(0o755)
    done = system.dora("up", status=1)
    assert str(system.runtime) in done.stderr
    assert "FAULT" in system.dora("doctor", status=1).stdout
    system.runtime.chmod(0o700)


def test_a_coordinator_that_can_not_start_is_told_with_its_own_words(system):
    system.state.mkdir(parents=True)
    (system.state / "state.db").write_bytes(b"no database" * 1000)
    done = system.dora("up", status=1)
    assert "the coordinator has ended at once" in done.stderr
    assert "state.db" in done.stderr and "coordinator.log" in done.stderr


def test_down_refuses_while_dataflows_run_unless_forced(system, sleeper):
    system.up()
    uuid = system.start(sleeper)
    done = system.dora("down", status=1)
    assert "1 dataflow is running" in done.stderr and "--force" in done.stderr
    assert system.status_of(uuid) == "running"
    system.dora("destroy", "--force")
    assert not system.pids()


def test_down_says_what_to_do_with_a_daemon_that_does_not_end(system):
    system.up()
    peer = Peer(system.runtime / "coordinator.sock", "cli")
    pid = peer.call("status")["daemons"][0]["pid"]
    peer.close()
    os.kill(pid, signal.SIGSTOP)
    done = system.dora("down", "--timeout", "100ms", status=1)
    assert f"the daemon (process {pid}) doesn't end" in done.stderr and f"kill -KILL {pid}" in done.stderr
    assert "Coordinator: Running" in system.dora("status", status=None).stdout
    os.kill(pid, signal.SIGCONT)
    until(lambda: "daemon" not in system.pids(), "the daemon's end, late")
    system.down()
    assert not system.pids()


def test_a_daemon_without_its_coordinator_is_found(system):
    system.up()
    os.kill(system.pids()["coordinator"], signal.SIGKILL)
    until(lambda: "coordinator" not in system.pids())
    assert "Unknown" in system.dora("status", status=1).stdout
    assert "without its coordinator" in system.dora("down", status=1).stderr
    system.down("--force")
    assert not system.pids()


def test_status_and_doctor(system, sleeper, tmp_path):
    done = system.dora("status", status=1)
    assert "Coordinator: Not running\nDaemon: Not running\n" == done.stdout
    assert "System check failed." in done.stderr and "dora up" in done.stderr
    system.up()
    assert system.dora("check").stdout == "Coordinator: Running\nDaemon: Running\nActive dataflows: 0\n"
    assert system.dora("system", "status").status == 0
    assert system.dora("status", "--dataflow", sleeper, "-f", "json").json()[0]["ok"]
    (tmp_path / "bad.yml").write_text("nodes: 3\n")
    assert "Dataflow: Invalid" in system.dora("status", "--dataflow", tmp_path / "bad.yml", status=1).stdout
    checks = {line["check"]: line for line in system.dora("doctor", "-f", "json").json()}
    assert checks["coordinator"]["status"] == checks["daemon"]["status"] == "ok"
    assert "hint" in system.dora("doctor", "--dataflow", tmp_path / "bad.yml", status=1).stdout


def test_the_version_names_its_formats(system):
    assert re.fullmatch(r"dora-cli \S+\nwire \d+, control \d+, state \d+\n", system.dora("--version").stdout)


# ---- A dataflow's life ----


def test_a_life_by_name_uuid_and_beginning(system, sleeper):
    system.up()
    done = system.dora("start", sleeper, "--name", "vision", "--detach")
    uuid = re.search(r"dataflow start triggered: (\S+)\ndataflow started: \1\n$", done.stdout).group(1)
    until(lambda: system.status_of(uuid) == "running", "its beginning")
    (line,) = system.list()
    assert line["uuid"] == uuid and line["name"] == "vision" and line["status"] == "running" and line["nodes"] == 1
    for name in ("vision", "vis", uuid, uuid[:30]):
        until(lambda: "hello" in system.dora("logs", name).stdout, "its line")
    done = system.dora("restart", "vision")
    new = re.search(r"dataflow restarted: (\S+)", done.stdout).group(1)
    assert new != uuid
    assert system.status_of(uuid) == "finished"
    until(lambda: system.status_of(new) == "running", "its second beginning")
    assert f"dataflow stopped: {new}" in system.dora("stop", "-n", "vision").stdout
    assert {line["uuid"] for line in system.list("--status", "finished")} == {uuid, new}
    assert system.list("--status", "running") == []
    assert len(system.list("--name", "VISI")) == 2 and system.list("--name", "none") == []
    assert set(system.dora("list", "-q").stdout.split()) == {uuid, new}
    assert {line["uuid"] for line in system.dora("clean", "-f", "json").json()} == {uuid, new}
    assert system.list() == []


def test_which_one_is_meant(system, sleeper):
    system.up()
    done = system.dora("stop", status=1)
    assert "no dataflows are running" in done.stderr and "hint:" in done.stderr
    assert system.dora("stop", "--all").stdout == "No dataflows are running.\n"
    uuids = [system.start(sleeper, "--name", name) for name in ("one", "two")]
    done = system.dora("stop", status=1)
    assert "Multiple dataflows running. Specify a UUID or name." in done.stderr
    assert "none" in system.dora("stop", "none", status=1).stderr
    assert "two" in system.dora("start", sleeper, "--name", "two", "--detach", status=1).stderr
    terminal = Terminal("stop")
    terminal.wait_for("Which one?")
    terminal.type("1\n")
    assert terminal.wait() == 0
    running = system.list("--status", "running")
    assert len(running) == 1
    assert "Stopped 1 dataflow(s).\n" in system.dora("stop", "--all").stdout
    assert [system.status_of(uuid) for uuid in uuids] == ["finished", "finished"]


def test_wrong_usage_has_an_exit_status_of_its_own(system, sleeper):
    for args in (
        ["stop", "--force", "--grace-duration", "1s"],
        ["stop", "--grace-duration", "soon"],
        ["stop", "--all", "x"],
        ["start", sleeper, "--attach", "--detach"],
        ["start", sleeper, "--env", "novalue"],
        ["list", "--status", "odd"],
        ["logs", "--node", "a", "--all-nodes"],
    ):
        assert "error:" in system.dora(*args, status=2).stderr


def test_without_a_coordinator_every_command_says_what_to_do(system, sleeper):
    for args in (["list"], ["stop"], ["start", sleeper], ["restart", "x"], ["clean"], ["logs"]):
        done = system.dora(*args, status=1)
        assert "dora up" in done.stderr


def test_an_address_may_name_this_machine_and_no_other(system):
    system.up()
    commands = "down stop restart status doctor list clean logs top trace".split() + ["system status"]
    commands += ["topic list", "topic echo", "topic hz", "topic info a/b", "topic pub a/b 1"]
    commands += ["node list", "node info a", "node restart a", "node stop a", "node remove a"]
    commands += ["node connect a/b c/d", "node disconnect a/b c/d"]
    commands += ["param list a", "param get a b", "param set a b 1", "param delete a b"]
    for command in commands:
        address = ("--coordinator-addr", "192.0.2.1", "--coordinator-port", "6013")
        done = system.dora(*command.split(), *address, status=1)
        assert "192.0.2.1" in done.stderr and "hint:" in done.stderr, command
    assert "192.0.2.1" in system.dora("list", status=1, env={**os.environ, "DORA_COORDINATOR_ADDR": "192.0.2.1"}).stderr
    assert system.dora("list", "--coordinator-addr", "127.0.0.1", "--coordinator-port", "6013").status == 0
    assert len(system.pids()) == 2


def test_a_dataflow_that_fails_is_told_as_run_tells_it(system, flow):
    system.up()
    path = flow(a=actor("join", "cry=the reason", "exit=3"))
    done = system.dora("start", path, "--attach", status=1)
    assert "dataflow start triggered" in done.stdout
    assert "Node `a` failed: exited with code 3" in done.stderr and "the reason" in done.stderr
    (line,) = system.list()
    assert line["status"] == "failed"
    path = flow(a=actor("join"), b={"path": "none"})
    assert "none" in system.dora("start", path, "--detach", status=1).stderr
    assert len(system.list()) == 1


def test_a_dataflow_that_ends_at_once_has_started_and_finished(system, flow):
    system.up()
    done = system.dora("start", flow(a=actor("join")), "--detach")
    assert re.search(r"^dataflow started( and finished)?: ", done.stdout, re.M)
    until(lambda: system.list()[0]["status"] == "finished", "its end")


def test_options_reach_the_nodes(system, flow):
    system.up()
    path = flow(a=actor("join", "env=ONE", "env=TWO", env={"TWO": "node"}))
    done = system.dora("start", path, "--attach", "--env", "ONE=1", "--env", "TWO=2", "--log-format", "compact")
    assert re.search(r"a: .*\b1$", done.stdout, re.M) and re.search(r"a: .*\bnode$", done.stdout, re.M)


def test_a_grace_time_is_kept_and_force_does_not_wait(system, flow):
    system.up()
    path = flow(a=actor("join", "ignore=15", "say=deaf", "hang"))
    for args in (["--grace-duration", "100ms"], ["--force"]):
        uuid = system.start(path)
        until(lambda: "deaf" in system.dora("logs", uuid, status=None).stdout, "its line")
        done = system.dora("stop", *args, status=None, seconds=30)
        assert system.status_of(uuid) in ("finished", "failed"), done


# ---- Attached ----


def test_attached_it_shows_lines_and_ends_with_the_dataflow(system, flow):
    system.up()
    path = flow(a=actor("join", "say=one", "log=warn:two"), b=actor("join", "say=three"))
    done = system.dora("start", path, "--attach", "--log-format", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert {(line["node_id"], line["message"]) for line in lines} >= {("a", "one"), ("a", "two"), ("b", "three")}
    assert [line["message"] for line in lines if line["level"] == "WARN"] == ["two"]


def test_an_interrupt_stops_the_dataflow(system, sleeper):
    system.up()
    process = system.begin("start", sleeper, "--attach")
    while "hello" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert system.list()[0]["status"] == "finished"


def test_a_second_interrupt_kills_its_nodes(system, flow):
    system.up()
    process = system.begin("start", flow(a=actor("join", "ignore=15", "say=deaf", "hang")), "--attach")
    while "deaf" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert system.list()[0]["status"] == "failed"


def test_an_interrupt_is_heard_by_the_next_coordinator(system, sleeper):
    """The first one is stopped in its tracks before it hears of it, and killed."""
    system.up()
    process = system.begin("start", sleeper, "--attach")
    while "hello" not in process.stdout.readline():
        pass
    coordinator = system.pids()["coordinator"]
    os.kill(coordinator, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    while "Ctrl-C again" not in process.stderr.readline():
        pass
    os.kill(coordinator, signal.SIGKILL)
    until(lambda: "coordinator" not in system.pids(), "the coordinator's end")
    system.up()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert system.list()[0]["status"] == "finished"


def test_a_terminal_is_attached_by_itself(system, sleeper):
    system.up()
    terminal = Terminal("start", sleeper)
    terminal.wait_for("hello")
    assert "attaching to dataflow (use `--detach` to run in background)" in terminal.text
    terminal.type("\x03")
    assert terminal.wait() == 0
    assert system.list()[0]["status"] == "finished"
    assert "running in background" in system.dora("start", sleeper).stderr


def test_the_command_killed_while_attached_leaves_the_dataflow_alone(system, sleeper):
    system.up()
    process = system.begin("start", sleeper, "--attach", "--name", "one")
    while "hello" not in process.stdout.readline():
        pass
    process.kill()
    process.communicate()
    assert system.list()[0]["status"] == "running"
    system.dora("stop", "one")


@pytest.mark.parametrize("command", [["stop", "one"], ["restart", "one"], ["start"]])
def test_a_command_killed_in_the_middle_leaves_all_usable(system, sleeper, command):
    system.up()
    for delay in (0, 0.002, 0.005, 0.01, 0.02):
        system.start(sleeper, "--name", "one")
        args = [*command, sleeper, "--name", "two", "--detach"] if command == ["start"] else command
        process = system.begin(*args)
        time.sleep(delay)
        process.kill()
        process.communicate()
        # Whatever has begun comes to its end.
        until(lambda: all(line["status"] in ("running", "finished") for line in system.list()), "a settled state")
        system.dora("stop", "--all")
        assert system.list("--status", "running") == []
    assert system.list("--status", "failed") == []


def test_following_ends_with_the_dataflow(system, sleeper):
    system.up()
    system.start(sleeper, "--name", "one")
    follower = system.begin("logs", "one", "--follow", "--node", "a")
    while "hello" not in follower.stdout.readline():
        pass
    system.dora("stop", "one")
    out, err = follower.communicate(timeout=60)
    assert follower.returncode == 0, err


def test_following_what_has_ended_shows_it_and_ends(system, flow):
    system.up()
    uuid = system.start(flow(a=actor("join", "say=hello")))
    until(lambda: system.status_of(uuid) == "finished", "its end")
    assert "hello" in system.dora("logs", uuid, "--follow").stdout


def test_a_line_of_10_mb_is_cut_and_hurts_nobody(system, flow):
    system.up()
    script = f"head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after; exec {ACTOR} join"
    path = flow(a={"path": "sh", "args": shlex.join(["-c", script])})
    done = system.dora("start", path, "--attach", "--log-format", "json")
    big, after = (json.loads(line)["message"] for line in done.stdout.splitlines() if line.startswith("{"))
    assert big.startswith("xxx") and 1 << 20 <= len(big) < 1.1 * (1 << 20) and after == "after"
    assert "after" in system.dora("logs", system.list()[0]["uuid"], "--tail", "1").stdout


def test_following_outlives_the_coordinator(system, sleeper):
    system.up()
    uuid = system.start(sleeper, "--name", "one")
    follower = system.begin("logs", "one", "--follow")
    while "hello" not in follower.stdout.readline():
        pass
    os.kill(system.pids()["coordinator"], signal.SIGKILL)
    while "the coordinator is gone" not in follower.stderr.readline():
        pass
    system.up()
    until(lambda: system.status_of(uuid) == "running", "the dataflow, as the new coordinator sees it")
    system.dora("stop", "one")
    _, err = follower.communicate(timeout=60)
    assert follower.returncode == 0, err


def test_logs_know_the_nodes_of_a_dataflow(system, sleeper):
    system.up()
    uuid = system.start(sleeper)
    until(lambda: "hello" in system.dora("logs", status=None).stdout, "its line")
    assert "hello" in system.dora("logs", uuid, "a").stdout
    done = system.dora("logs", "--node", "b", status=1)
    assert "`b`" in done.stderr
    system.dora("stop")
    done = system.dora("logs", "--node", "a")
    assert "hello" in done.stdout and "the last one" in done.stderr


# ---- Many nodes, narrow terminals ----


def test_50_nodes_start_list_and_stop(system, flow):
    system.up()
    path = flow(**{f"n{i}": actor("join", "listen", inputs={"tick": "dora/timer/secs/1"}) for i in range(50)})
    uuid = system.start(path, "--name", "many")
    assert system.list()[0]["nodes"] == 50
    system.dora("stop", "many")
    assert system.status_of(uuid) == "finished"


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_tables_fit_the_terminal(system, sleeper, columns):
    system.up()
    uuid = system.start(sleeper, "--name", "a name that is quite long for a dataflow")
    for args in (["list"], ["list", "--sort-by", "cpu"]):
        terminal = Terminal(*args, columns=columns)
        assert terminal.wait() == 0
        lines = terminal.lines()
        assert len(lines) == 2 and all(len(line) <= columns for line in lines), terminal.text
        # What is left of the UUID is enough to name the dataflow.
        assert uuid.startswith(lines[1].split()[0].rstrip("…")) and len(lines[1].split()[0]) >= 14
        assert " running " in lines[1]
    assert uuid in system.dora("list").stdout
    system.dora("stop", "--all")
    terminal = Terminal("clean", columns=columns)
    assert terminal.wait() == 0
    assert all(len(line) <= columns for line in terminal.lines())


def test_build_runs_the_build_commands(system, flow, tmp_path):
    path = flow(a=actor("join", build="touch one\ntouch two"), b=actor("join", build="false"))
    done = system.dora("build", path, status=1)
    assert (tmp_path / "one").exists() and (tmp_path / "two").exists()
    terminal = Terminal("build", path)
    assert terminal.wait() == 1
    assert "[1/3] building `a`: touch one" in terminal.text
    assert "node `b`: build command `false` returned exit status 1" in done.stderr
