"""`dora run`: its command line, what it prints, and what is left of it."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
DORA = pathlib.Path(os.environ.get("DORA_BIN", ROOT / "build/release/bin/dora")).resolve()
LIBRARY = DORA.parent.parent / "lib/libdora.a"

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")

# A node that does what its arguments say, one after the other.
ACTOR = r"""
#include <dora/dora.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    dora_node *node = NULL;
    dora_error error;
    dora_event *event;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "say=", 4) == 0)
            puts(word + 4);
        else if (strncmp(word, "cry=", 4) == 0)
            fprintf(stderr, "%s\n", word + 4);
        else if (strncmp(word, "log=", 4) == 0)
            dora_log_message(node, DORA_LOG_WARN, word + 4);
        else if (strncmp(word, "env=", 4) == 0)
            printf("%s=%s\n", word + 4, getenv(word + 4));
        else if (strncmp(word, "exit=", 5) == 0)
            exit(atoi(word + 5));
        else if (strcmp(word, "die") == 0)
            raise(SIGKILL);
        else if (strcmp(word, "deaf") == 0)
            signal(SIGTERM, SIG_IGN);
        else if (strcmp(word, "family") == 0 && fork() == 0) {
            setsid();
            if (fork())
                _exit(0);
            signal(SIGTERM, SIG_IGN);
            for (;;)
                pause();
        } else if (strcmp(word, "join") == 0 && dora_node_open(&node, NULL, &error) < 0)
            return fprintf(stderr, "%s\n", error.message), 1;
        else if (strcmp(word, "flood") == 0)
            for (;;)
                puts("a line of a node that does nothing but print");
        else if (strcmp(word, "chatter") == 0)
            while (dora_next(node, &event, 0) != -ENODATA)
                puts("a line of a node that does nothing but print");
        else if (strcmp(word, "wait") == 0)
            while (dora_next(node, &event, DORA_FOREVER) == 0)
                dora_event_free(event);
        else if (strcmp(word, "hang") == 0)
            for (;;)
                pause();
    }
    dora_node_close(node);
    return 0;
}
"""


@pytest.fixture(scope="session")
def actor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("actor")
    (folder / "actor.c").write_text(ACTOR)
    flags = os.environ.get("DORA_TEST_CFLAGS", "").split()
    subprocess.run(
        ["cc", *flags, "-D_GNU_SOURCE", f"-I{ROOT}/include", "actor.c", LIBRARY, "-o", "actor"], cwd=folder, check=True
    )
    return folder / "actor"


@pytest.fixture
def flow(tmp_path, actor):
    """Writes a descriptor of nodes, given as id → arguments or a whole node; gives its path."""

    def write(**nodes):
        def node(id, what):
            return {"id": id, "path": str(actor), **(what if isinstance(what, dict) else {"args": shlex.join(what)})}

        path = tmp_path / "flow.yml"
        path.write_text(json.dumps({"nodes": [node(*item) for item in nodes.items()]}))
        return path

    return write


def run(path, *args, env=None):
    return subprocess.run(
        [DORA, "run", path, *args],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


class Running:
    """`dora run` in the background. Its processes are found by a variable that all of them inherit."""

    def __init__(self, path, *args, **how):
        self.mark = f"DORA_TEST_MARK={os.getpid()}.{time.monotonic_ns()}"
        key, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [DORA, "run", path, *args],
            env={**os.environ, key: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **how,
        )

    def wait_for(self, text, stream=None):
        for line in stream or self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"{text!r} never came")

    def pids(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def daemon(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def nothing_left(self):
        self.process.communicate(timeout=30)
        self.wait_until(lambda pids: not pids)

    def wait_until(self, condition):
        deadline = time.monotonic() + 20
        while not condition(self.pids()):
            assert time.monotonic() < deadline, self.pids()
            time.sleep(0.02)


def log_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_dataflow_runs_and_is_logged(flow):
    path = flow(a=["join", "say=hello", "log=careful"], b=["join", "cry=oh"])
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("dataflow ") and done.stderr.splitlines()[0].endswith(" started")
    assert "stdout a: hello\n" in done.stdout
    assert "stderr b: oh\n" in done.stdout
    assert "WARN   a: " in done.stdout and "careful\n" in done.stdout
    dataflow = done.stderr.split()[1]
    out = path.parent / "out"
    assert (out / ".gitignore").read_text() == "*\n"
    lines = log_lines(out / dataflow / "log_a.jsonl")
    assert [(line["level"], line["msg"]) for line in lines] == [("stdout", "hello"), ("warn", "careful")]
    assert log_lines(out / dataflow / "log_b.jsonl")[0]["stream"] == "stderr"


def test_log_options(flow):
    path = flow(a=["join", "say=plain", "log=warning"], b=["join", "log=other"])
    assert "plain" not in run(path, "--log-level", "info").stdout
    filtered = run(path, "--log-filter", "b=error,a=stdout", "--log-format", "compact").stdout
    assert "plain" in filtered and "other" not in filtered
    lines = [json.loads(line) for line in run(path, env={"DORA_LOG_FORMAT": "json"}).stdout.splitlines()]
    assert {(line["node_id"], line["level"], line["message"]) for line in lines} == {
        ("a", "stdout", "plain"),
        ("a", "WARN", "warning"),
        ("b", "WARN", "other"),
    }
    wrong = run(path, "--log-level", "loud")
    assert wrong.returncode == 2 and "no log level `loud`" in wrong.stderr


def test_env_reaches_nodes_below_their_own(flow):
    path = flow(a={"args": "join env=X env=Y", "env": {"Y": "node"}})
    done = run(path, "--env", "X=1.10", "--env", "Y=line", "--env=Z=")
    assert "a: X=1.10\n" in done.stdout and "a: Y=node\n" in done.stdout
    assert run(path, "--env", "X").returncode == 2


def test_what_is_not_acted_on_is_named(flow):
    done = run(flow(a=["join"]), "--locked", "--lockfile", "x")
    assert done.returncode == 0
    assert "`--locked` is not acted on" in done.stderr and "`--lockfile` is not acted on" in done.stderr


def test_a_failure_is_summed_up(flow):
    path = flow(good=["join"], bad=["join", *(f"cry=line {i}" for i in range(40)), "exit=3"], ill=["join", "die"])
    done = run(path)
    assert done.returncode == 1
    assert "Dataflow failed:" in done.stderr
    assert "Node `bad` failed: exited with code 3 with stderr output:\n-----" in done.stderr
    assert "\nline 39\n" in done.stderr and "\nline 1\n" not in done.stderr
    assert "Node `ill` failed: exited because of signal SIGKILL" in done.stderr
    assert "Node `good`" not in done.stderr


def test_who_never_joined_is_the_cause(flow):
    done = run(flow(early=["cry=no camera", "exit=1"], a=["join"], b=["join"]))
    assert done.returncode == 1
    assert "Node `early` failed: exited with code 1" in done.stderr and "no camera" in done.stderr
    assert "There are 2 more consequential errors. Check the `out/" in done.stderr
    assert "Node `a`" not in done.stderr


def test_build_commands_run_first(flow):
    commands = "sh -c 'echo built $X > made'\n\n  echo \"two  words\" done"
    path = flow(a={"args": "join", "build": commands, "env": {"X": "it"}})
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert (path.parent / "made").read_text() == "built it\n"
    assert "two  words done\n" in done.stdout
    failing = run(flow(a={"args": "join", "build": "sh -c 'exit 5'"}))
    assert failing.returncode == 1
    assert "node `a`: build command `sh -c 'exit 5'` returned exit status 5" in failing.stderr
    assert "started" not in failing.stderr
    missing = run(flow(a={"args": "join", "build": "no-such-program x"}))
    assert "can't run the build command `no-such-program x`: there is no command `no-such-program`" in missing.stderr
    assert "hint:" in missing.stderr and "PATH" in missing.stderr


def test_a_shell_node_must_be_allowed(flow):
    path = flow(a={"path": "shell", "args": "echo $((1 + 1)); exit 4"})
    refused = run(path)
    assert refused.returncode == 1 and "Shell nodes are disabled by default (security risk)." in refused.stderr
    assert "a: 2\n" in run(path, "--allow-shell-nodes").stdout
    assert "a: 2\n" in run(path, env={"DORA_ALLOW_SHELL_NODES": "true"}).stdout


def test_a_program_that_is_missing_is_named(flow):
    done = run(flow(a={"path": "./bin/none", "build": "true"}))
    assert done.returncode == 1
    assert "can't start `./bin/none`: No such file or directory; build it with `dora build` or check `path`" in done.stderr


def test_stop_after_is_a_good_end(flow):
    done = run(flow(a=["join", "wait"]), "--stop-after", "100ms")
    assert done.returncode == 0, done.stderr


def test_ctrl_c_stops_in_good_order(flow):
    running = Running(flow(a=["join", "say=ready", "wait", "say=bye"]))
    running.wait_for("ready")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("bye")
    running.wait_for("Ctrl-C again kills", running.process.stderr)
    running.nothing_left()
    assert running.process.returncode == 0


def test_a_second_ctrl_c_kills(flow):
    running = Running(flow(a=["join", "deaf", "family", "say=ready", "hang"]))
    running.wait_for("ready")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("Ctrl-C again kills", running.process.stderr)
    running.process.send_signal(signal.SIGTERM)
    running.nothing_left()
    assert running.process.returncode == 1


@pytest.mark.parametrize("victim", ["keeper", "daemon", "group"])
def test_nothing_is_left_of_a_killed_run(flow, victim):
    running = Running(flow(a=["join", "deaf", "family", "say=ready", "hang"]), start_new_session=True)
    running.wait_for("ready")
    running.wait_until(lambda pids: len(pids) == 4)
    if victim == "group":
        os.killpg(running.process.pid, signal.SIGKILL)
    else:
        os.kill(running.process.pid if victim == "keeper" else running.daemon(), signal.SIGKILL)
    running.nothing_left()
    assert running.process.returncode == (1 if victim == "daemon" else -signal.SIGKILL)


def test_a_reader_that_has_seen_enough_ends_it(flow):
    running = Running(flow(a=["join", "chatter"], b=["join", "wait"]))
    running.wait_for("nothing but print")
    running.process.stdout.close()
    running.process.stdout = None
    running.nothing_left()


def test_a_stdout_nobody_reads_holds_up_nothing(flow):
    running = Running(flow(a=["join", "flood"]))
    running.wait_for("nothing but print")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("Ctrl-C again kills", running.process.stderr)
    running.process.send_signal(signal.SIGINT)
    running.wait_for("killing all nodes", running.process.stderr)
    running.nothing_left()
