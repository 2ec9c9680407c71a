"""`dora run`: its command line, what it prints, and what is left of it when its reader or its keeper goes.

What nodes live through is tested in test_run_*.py.
"""

import os
import pathlib
import signal
import subprocess

import pytest

from conftest import DEADLINE, DORA, MARK, actor, marked, until

CHATTER = actor("join", "listen", inputs={"t": "dora/timer/micros/100"})  # a line for each tick


def begin(path, *args, **how):
    """With pipes that nobody reads but the test."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([DORA, "run", path, *args], text=True, **pipes, **how)


def wait_for(stream, text):
    assert any(text in line for line in stream), f"{text!r} never came"


def test_a_dataflow_runs_and_is_logged(run, flow):
    path = flow(a=actor("join", "say=hello", "log=warn:careful"), b=actor("join", "cry=oh"))
    done = run(path, plain=True)
    assert done.status == 0, done.stderr
    assert done.stderr.splitlines()[0] == f"dataflow {done.dataflow} started"
    assert "stdout a: hello\n" in done.stdout and "stderr b: oh\n" in done.stdout
    assert "WARN   a: " in done.stdout and "careful\n" in done.stdout
    assert (path.parent / "out/.gitignore").read_text() == "*\n"
    assert [(line["level"], line["msg"]) for line in done.log(path, "a")] == [("stdout", "hello"), ("warn", "careful")]
    assert done.log(path, "b")[0]["stream"] == "stderr"


@pytest.mark.parametrize(
    "args, text", [(["--log-level", "loud"], "no log level `loud`"), (["--env", "X"], "KEY=VALUE"), (["--env", "=1"], "=1")]
)
def test_wrong_usage_starts_nothing(run, flow, args, text):
    done = run(flow(a=actor("join")), *args)
    assert done.status == 2 and text in done.stderr and "started" not in done.stderr


def test_what_is_not_acted_on_is_named(run, flow):
    done = run(flow(a=actor("join")), "--locked", "--lockfile", "x")
    assert done.status == 0
    assert "`--locked` is not acted on" in done.stderr and "`--lockfile` is not acted on" in done.stderr


def test_a_failure_is_summed_up(run, flow):
    lines = (f"cry=line {i}" for i in range(40))
    done = run(flow(good=actor("join"), bad=actor("join", *lines, "exit=3")))
    assert done.status == 1
    assert "Dataflow failed:\n\nNode `bad` failed: exited with code 3 with stderr output:\n-----" in done.stderr
    assert "\nline 39\n" in done.stderr and "\nline 1\n" not in done.stderr
    assert "Node `good`" not in done.stderr


def test_consequences_are_counted(run, flow):
    done = run(flow(early=actor("cry=no camera", "exit=1"), a=actor("join"), b=actor("join")))
    assert "Node `early` failed: exited with code 1" in done.stderr and "no camera" in done.stderr
    assert "There are 2 more consequential errors. Check the `out/" in done.stderr and "Node `a`" not in done.stderr


def test_build_commands_have_words_and_variables(run, flow):
    commands = "sh -c 'echo built $X > made'\n\n  echo \"two  words\" done"
    path = flow(a=actor("join", build=commands, env={"X": "it"}))
    assert "two  words done\n" in run(path, plain=True).stdout
    assert (path.parent / "made").read_text() == "built it\n"
    missing = run(flow(a=actor("join", build="no-such-program x"))).stderr
    assert "can't run the build command `no-such-program x`: there is no command `no-such-program`" in missing
    assert "hint:" in missing and "PATH" in missing


@pytest.mark.parametrize("victim", ["keeper", "daemon", "group"])
def test_nothing_is_left_of_a_killed_run(flow, victim):
    stubborn = actor("join", f"ignore={signal.SIGTERM}", "family", "say=ready", "hang")
    running = begin(flow(a=stubborn), start_new_session=True)
    wait_for(running.stdout, "ready")
    until(lambda: len(marked(os.environ[MARK])) == 4, "keeper, daemon, node and its grandchild")
    children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    if victim == "group":
        os.killpg(running.pid, signal.SIGKILL)
    else:
        os.kill(running.pid if victim == "keeper" else int(children[0]), signal.SIGKILL)
    running.communicate(timeout=DEADLINE)
    assert running.returncode == (1 if victim == "daemon" else -signal.SIGKILL)


def test_a_reader_that_has_seen_enough_ends_it(flow):
    running = begin(flow(a=CHATTER, b=actor("join", "wait")))
    wait_for(running.stdout, "tick t")
    running.stdout.close()
    running.stdout = None
    running.communicate(timeout=DEADLINE)


def test_a_stdout_nobody_reads_holds_up_nothing(flow):
    running = begin(flow(a=actor("join", "print=1000000000")))
    wait_for(running.stdout, " a: ")
    running.send_signal(signal.SIGINT)
    wait_for(running.stderr, "Ctrl-C again kills")
    running.send_signal(signal.SIGINT)
    wait_for(running.stderr, "killing all nodes")
    running.communicate(timeout=DEADLINE)
