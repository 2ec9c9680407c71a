"""Loads of bench/run that need the coordinator and the daemon: what the daily commands take, and what looking costs."""

import contextlib
import json
import os
import pathlib
import pty
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import harness
from harness import MS, Failed

MANY = 50


class Control:
    """A coordinator and a daemon of its own, in a folder that goes away with them."""

    def __init__(self, dora, node):
        self.dora, self.node = str(dora), node

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dora-bench-")
        self.path = pathlib.Path(self.folder.name)
        (self.path / "run").mkdir(mode=0o700)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(self.path / "run"), "XDG_STATE_HOME": str(self.path / "state")}
        try:
            self.call("up")
            status = json.loads(self.call("status", "--format", "json")[1])
            self.pids = [status[role]["pid"] for role in ("coordinator", "daemon")]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Failed):
            self.call("down", "--force")
        self.folder.cleanup()

    def call(self, *arguments):
        """The wall time of a command in ns, and what it prints."""
        begin = time.monotonic_ns()
        try:
            done = subprocess.run(
                [self.dora, *arguments],
                cwd=self.path,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=60,
            )
        except subprocess.TimeoutExpired as e:
            raise Failed(f"dora {' '.join(arguments)} took over a minute") from e
        wall = time.monotonic_ns() - begin
        if done.returncode:
            said = " | ".join(done.stderr.decode(errors="replace").split("\n"))
            raise Failed(f"dora {' '.join(arguments)} ended with {done.returncode}: {said}")
        return wall, done.stdout

    def typical(self, count, *arguments):
        return statistics.median(self.call(*arguments)[0] for _ in range(count))

    def write(self, nodes):
        for n in nodes:
            n["env"]["BENCH_OUT"] = str(self.path / f"{n['id']}.out")
        (self.path / "dataflow.yml").write_text(json.dumps({"nodes": nodes}) + "\n")
        self.outs = [pathlib.Path(n["env"]["BENCH_OUT"]) for n in nodes]

    def start(self):
        return self.call("start", "dataflow.yml", "--name", "bench", "--detach")[0]

    def stop(self):
        return self.call("stop", "bench")[0]

    def write_ring(self, length):
        """Nodes that pass one message to the next one each, then idle."""
        self.write([harness.node(self, "idle", f"n{i}", {"in": f"n{(i or length) - 1}/out"}) for i in range(length)])

    def settle(self):
        """Waits until the whole ring idles."""
        deadline = time.monotonic() + 30
        while not all(out.exists() and out.stat().st_size == 8 for out in self.outs):
            if time.monotonic() > deadline:
                raise Failed("the nodes did not come to idle")
            time.sleep(0.01)
        time.sleep(0.2)  # what start-up leaves to be done in the background is done then


def many(dora, node, rounds):
    """Commands with so many nodes: {"cycle", "start", "list", "stop", "status", "memory": {…}}, each with "value"."""
    with Control(dora, node) as control:
        control.write_ring(MANY)
        cycles = [(control.start(), control.call("list")[0], control.stop()) for _ in range(rounds)]
        start, list_, stop = map(statistics.median, zip(*cycles))
        cycle = {"value": statistics.median(map(sum, cycles)), "start": start, "list": list_, "stop": stop}
        for out in control.outs:
            out.unlink()
        control.start()
        control.settle()
        pss = [1024 * harness.pss_kib(pid) for pid in control.pids]
        return {
            "cycle": cycle,
            "list": {"value": control.typical(4 * rounds, "list")},
            "status": {"value": control.typical(4 * rounds, "status")},
            "memory": {"value": sum(pss), "coordinator": pss[0], "daemon": pss[1]},
        }


# ---- Watching


def span(seconds):
    """Begin and end of so long from now, once it is over."""
    begin = time.monotonic_ns()
    time.sleep(seconds)
    return begin, time.monotonic_ns()


@contextlib.contextmanager
def echo(control, topic, core):
    """A watcher that has shown a first message; it runs on that core."""
    process = subprocess.Popen(
        [control.dora, "topic", "echo", "-d", "bench", topic],
        cwd=control.path,
        env=control.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        if not process.stdout.readline():
            raise Failed("echo shows nothing")
        drain = threading.Thread(target=lambda: [None for _ in process.stdout])
        drain.start()
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        drain.join()


def echo_cost(dora, node, cores, rounds, period):
    """The p50 of a publisher's sending, a message a millisecond, to one receiver: before anybody watches, with a watcher,
    and after it has gone. Each round is a dataflow of its own, so that there is a "before" close to each "after"."""
    env = {"BENCH_PACE_NS": MS, "BENCH_COUNT": 60_000}
    figures = {"before": [], "watched": [], "detached": []}
    with Control(dora, node) as control:
        control.write(
            [
                harness.node(control, "timed", "source", core=cores[0], env=dict(env)),
                harness.node(control, "sink", "sink", {"in": "source/out"}, False, cores[1], dict(env)),
            ]
        )
        for _ in range(rounds):
            control.start()
            time.sleep(period)  # warms caches up
            spans = {"before": span(period)}
            with echo(control, "source/out", cores[1]):
                spans["watched"] = span(period)
            time.sleep(0.05)  # its link goes away
            spans["detached"] = span(period)
            control.stop()
            values = harness.read_values(control.path / "source.out")
            for kind, (begin, end) in spans.items():
                took = [t for at, t in zip(values[::2], values[1::2]) if begin <= at < end]
                figures[kind].append(harness.percentile(took, 0.5) if took else 0)
    if not all(map(all, figures.values())):
        raise Failed("the publisher did not send all the time")
    return {kind: statistics.median(of_kind) for kind, of_kind in figures.items()}


# ---- top


def cpu_ns(pid):
    return time.clock_gettime_ns((~pid << 3) | 2)  # what clock_getcpuclockid() makes of a process id


@contextlib.contextmanager
def on_terminal(control, *arguments):
    """The command on a terminal whose output is read and forgotten; yields its process id."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(control.path)
        os.execve(control.dora, [control.dora, *arguments], {**control.env, "TERM": "xterm"})

    def forget():
        with contextlib.suppress(OSError):  # it is closed
            while os.read(terminal, 65536):
                pass

    reader = threading.Thread(target=forget)
    reader.start()
    try:
        yield pid
    finally:
        os.write(terminal, b"q")
        os.waitpid(pid, 0)
        reader.join()
        os.close(terminal)


def top_cpu(dora, node, length, refreshes):
    """Percent of a core that `dora top` takes, with what it makes coordinator and daemon do."""
    interval = 2  # the default
    with Control(dora, node) as control:
        control.write_ring(length)
        control.start()
        control.settle()
        with on_terminal(control, "top") as top:
            time.sleep(interval / 2)  # in the middle between two looks
            pids = dict(zip(("top", "coordinator", "daemon"), (top, *control.pids)))
            before, begin = {name: cpu_ns(pid) for name, pid in pids.items()}, time.monotonic_ns()
            time.sleep(refreshes * interval)
            wall = time.monotonic_ns() - begin
            used = {name: 100 * (cpu_ns(pid) - before[name]) / wall for name, pid in pids.items()}
    return {"value": sum(used.values()), **used}
