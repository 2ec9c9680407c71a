"""What bench/run and bench/compare share: the loads as dataflows, running them, and reading what they measured.

A load is the same descriptor for every side (this project, or a peer that reads the same descriptors); only the path of
the nodes' program differs. Nodes and floors leave files of int64 (bench.h); all figures are made here.
"""

import array
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

MS = 1_000_000
KIB, MIB = 1 << 10, 1 << 20
WAITS = {
    "blocking": {"BENCH_POLL_NS": -1},
    "default": {},
    "polling": {"BENCH_FOREVER": 1},
}


class Failed(Exception):
    """A measure that could not be taken; the text says why."""


# ---- Figures


def percentile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def summary(values):
    """Figures of one run's samples (ns): the first tenth warms caches up and is left out, as are zeros (never came)."""
    kept = [v for v in values[len(values) // 10 :] if v > 0]
    if not kept:
        raise Failed("no message arrived")
    return {
        "value": percentile(kept, 0.5),
        "p99": percentile(kept, 0.99),
        "min": min(kept),
        "max": max(kept),
        "samples": len(kept),
        "lost": len(values) - len(values) // 10 - len(kept),
    }


def read_values(path):
    values = array.array("q")
    try:
        values.frombytes(pathlib.Path(path).read_bytes())
    except OSError as e:
        raise Failed(f"a node left no results: {e}") from e
    return values.tolist()


def wall_ns(run):
    """How long a call takes."""
    begin = time.monotonic_ns()
    run()
    return time.monotonic_ns() - begin


# ---- The machine


def allowed_cores():
    return sorted(os.sched_getaffinity(0))


def core_pair():
    """Two cores that are not two threads of one, and not core 0, which serves interrupts; as far as the machine has such."""
    cores = allowed_cores()
    if len(cores) == 1:
        raise Failed("the benchmark needs two cores")

    def siblings(core):
        try:
            path = f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
            return pathlib.Path(path).read_text().strip()
        except OSError:
            return str(core)

    first = cores[1] if len(cores) > 2 else cores[0]
    others = [c for c in cores if c != first and c != cores[0]] or [c for c in cores if c != first]
    return first, next((c for c in others if siblings(c) != siblings(first)), others[0])


def machine():
    model = "unknown"
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Hardware", "CPU part")):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    uname = os.uname()
    return {
        "cpu": model,
        "cores": len(allowed_cores()),
        "kernel": uname.release,
        "arch": uname.machine,
        "load_before": os.getloadavg()[0],
    }


@contextlib.contextmanager
def alone():
    """Keeps other work off the machine, for two minutes at most: between messages it would take the caches with it. What
    is measured has a real-time priority, and on each core a process of a lower one is always ready to run. Needs root.
    """

    def spin(core):
        os.sched_setaffinity(0, {core})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))

    spinners = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        for core in allowed_cores():
            code = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: pass"
            command = [sys.executable, "-c", code]
            spinners.append(subprocess.Popen(command, preexec_fn=lambda core=core: spin(core)))
        yield
    except PermissionError as e:
        raise Failed(f"real-time priorities need root: {e}") from e
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Floor:
    def __init__(self, program):
        self.program = str(program)

    def run(self, name, cores=None, count=1, pace=0, size=0):
        where = ",".join(map(str, cores)) if cores else "-"
        arguments = [self.program, name, where, str(count), str(pace), str(size)]
        try:
            out = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"the floor {name} took over two minutes") from e
        if out.returncode:
            raise Failed(f"floor {name}: {out.stderr.decode(errors='replace').strip()}")
        return array.array("q", out.stdout).tolist()


# ---- Running a dataflow


class Memo:
    """What has been measured in this repeat already: rows share it."""

    def __init__(self):
        self.known = {}

    def repeat(self):
        self.known = {}

    def once(self, key, measure):
        if key not in self.known:
            self.known[key] = measure()
        return self.known[key]


class Side(Memo):
    """One implementation: how its `dora run` is called, and where its node of a role is."""

    def __init__(self, name, command, node, env=None):
        super().__init__()
        self.name = name
        self.command = [str(c) for c in command]
        self.node = node  # role -> the keys of a node that say what to run
        self.env = {**os.environ, **(env or {})}


def node(side, role, name, inputs=None, out=True, core=None, env=None):
    described = {"id": name, **side.node(role), "env": env or {}}
    if inputs:
        described["inputs"] = inputs
    if out:
        described["outputs"] = ["out"]
    if core is not None:
        described["cpu_affinity"] = [core]
    return described


class Dataflow:
    """A dataflow that runs in a folder of its own, which goes away with it."""

    def __init__(self, side, nodes, timeout=120):
        self.side, self.timeout = side, timeout
        self.folder = tempfile.TemporaryDirectory(prefix="dora-bench-")
        self.path = pathlib.Path(self.folder.name)
        for n in nodes:
            n["env"]["BENCH_OUT"] = str(self.out(n["id"]))
        # JSON is YAML, and needs no library to write.
        (self.path / "dataflow.yml").write_text(json.dumps({"nodes": nodes}, indent=2) + "\n")

    def out(self, name):
        return self.path / f"{name}.out"

    def __enter__(self):
        self.log = open(self.path / "log", "wb")
        self.started = time.monotonic_ns()
        self.process = subprocess.Popen(
            [*self.side.command, "dataflow.yml"],
            cwd=self.path,
            env=self.side.env,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_):
        for sent in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(sent)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        self.log.close()
        self.folder.cleanup()

    def tail(self):
        lines = (self.path / "log").read_text(errors="replace").split("\n")
        return " | ".join(line.strip() for line in lines if line.strip())[-600:]

    def finish(self):
        """Waits for the end; the wall time of all of it in ns."""
        try:
            code = self.process.wait(self.timeout)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"not done after {self.timeout} s: {self.tail()}") from e
        ended = time.monotonic_ns()
        if code:
            raise Failed(f"dora run ended with {code}: {self.tail()}")
        return ended - self.started


# ---- The loads


def latency(side, size, wait, cores, paced, loan, count):
    """One way from a node to another: every `paced` ns, or back to back (half a round trip) where that is 0."""
    env = {"BENCH_SIZE": size, "BENCH_COUNT": count, "BENCH_PACE_NS": paced, "BENCH_LOAN": int(loan), **WAITS[wait]}
    if paced:
        nodes = [
            node(side, "source", "source", core=cores[0], env=dict(env)),
            node(side, "sink", "sink", {"in": "source/out"}, False, cores[1], dict(env)),
        ]
        result = "sink"
    else:
        nodes = [
            node(side, "ping", "ping", {"in": "pong/out"}, core=cores[0], env=dict(env)),
            node(side, "pong", "pong", {"in": "ping/out"}, core=cores[1], env=dict(env)),
        ]
        result = "ping"
    with Dataflow(side, nodes) as flow:
        flow.finish()
        return summary(read_values(flow.out(result)))


def fan_out(side, receivers, size, wait, cores, pace, count):
    """The slowest receiver of each message, from one sender to so many receivers."""
    env = {"BENCH_SIZE": size, "BENCH_COUNT": count, "BENCH_PACE_NS": pace, "BENCH_LOAN": 1, **WAITS[wait]}
    nodes = [node(side, "source", "source", core=cores[0], env=dict(env))]
    for i in range(receivers):
        core = cores[(i + 1) % len(cores)]
        nodes.append(node(side, "sink", f"sink-{i}", {"in": "source/out"}, False, core, dict(env)))
    with Dataflow(side, nodes) as flow:
        flow.finish()
        late = [read_values(flow.out(f"sink-{i}")) for i in range(receivers)]
    # A message that one of them missed has no slowest receiver.
    return summary([max(times) if all(times) else 0 for times in zip(*late)])


def chain_nodes(side, length, cores, env):
    nodes = []
    for i in range(length):
        role = "source" if i == 0 else "sink" if i == length - 1 else "relay"
        inputs = {"in": f"n{i - 1}/out"} if i else None
        core = cores[i % len(cores)] if cores else None
        nodes.append(node(side, role, f"n{i}", inputs, i < length - 1, core, dict(env)))
    return nodes


def chain(side, length, wait, cores, pace, count):
    """A hop of a message through so many nodes in a row."""
    env = {"BENCH_COUNT": count, "BENCH_PACE_NS": pace, **WAITS[wait]}
    with Dataflow(side, chain_nodes(side, length, cores, env)) as flow:
        flow.finish()
        values = read_values(flow.out(f"n{length - 1}"))
    return summary([v // (length - 1) for v in values])


def startup(side, length):
    """The whole `dora run` of so many nodes in a row that pass one message on."""
    with Dataflow(side, chain_nodes(side, length, None, {"BENCH_COUNT": 1})) as flow:
        wall = flow.finish()
        first = read_values(flow.out(f"n{length - 1}"))
    if first != [first[0]] or first[0] <= 0:
        raise Failed("the message did not arrive")
    return {"value": wall, "message_ns": first[0]}


def flood(side, count, policy, queue_size, wait, cores, counter="count"):
    """Messages a second, 8 bytes each, from the first send to the last receive; every one accounted for."""
    env = {"BENCH_COUNT": count, **WAITS[wait]}
    inputs = {"in": {"source": "flood/out", "queue_size": queue_size, "queue_policy": policy}}
    nodes = [
        node(side, "flood", "flood", core=cores[0], env=dict(env)),
        node(side, counter, "count", inputs, False, cores[1], dict(env)),
    ]
    with Dataflow(side, nodes) as flow:
        flow.finish()
        sent, begin, end = read_values(flow.out("flood"))
        received, dropped, missing, disorder, last = read_values(flow.out("count"))
    if disorder:
        raise Failed(f"{disorder} messages out of order")
    return {
        "value": received * 1e9 / (max(last, end) - begin),
        "sent_a_second": sent * 1e9 / (end - begin),
        "sent": sent,
        "received": received,
        "dropped": dropped,
        "missing": missing,
    }


# ---- Memory


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Failed(f"the kernel tells no PSS of process {pid}")


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def descendants(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue  # it has just ended
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def idle(side):
    """Memory and threads of an idle node, and of all that `dora run` itself is made of."""
    nodes = [
        node(side, "idle", "a", {"in": "b/out"}),
        node(side, "idle", "b", {"in": "a/out"}),
    ]
    with Dataflow(side, nodes) as flow:
        deadline = time.monotonic() + 60
        while not all(flow.out(n).exists() and flow.out(n).stat().st_size == 8 for n in "ab"):
            if flow.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the nodes did not come to idle: {flow.tail()}")
            time.sleep(0.01)
        time.sleep(0.5)  # what start-up leaves to be done in the background is done then
        pids = [read_values(flow.out(n))[0] for n in "ab"]
        runner = [p for p in descendants(flow.process.pid) if p not in pids]
        return {
            "node_pss": 1024 * sum(map(pss_kib, pids)) // 2,
            "node_threads": max(map(threads, pids)),
            "run_pss": 1024 * sum(map(pss_kib, runner)),
            "run_threads": sum(map(threads, runner)),
            "run_processes": len(runner),
        }


def bare_pss(floor):
    """PSS of a process that only waits."""
    with subprocess.Popen([floor.program, "idle"]) as process:
        try:
            time.sleep(0.1)
            return 1024 * pss_kib(process.pid)
        finally:
            process.kill()


# ---- Showing


def three(x):
    """Three figures of a number that is neither tiny nor huge."""
    return f"{x:.{0 if x >= 99.95 else 1 if x >= 9.995 else 2}f}"


def scaled(value, units):
    """In the largest unit that it fills; the last unit is counted in whole numbers."""
    for unit, size in units[:-1]:
        if value >= size:
            return f"{three(value / size)} {unit}"
    return f"{value:.0f} {units[-1][0]}"


def duration(ns):
    return scaled(ns, (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)))


def rate(per_second):
    return scaled(per_second, (("M/s", 1e6), ("k/s", 1e3), ("/s", 1)))


def data(size):
    """A size that is a round one."""
    unit, one = ("MiB", MIB) if size >= MIB else ("KiB", KIB) if size >= KIB else ("B", 1)
    return f"{size // one} {unit}"


def memory(size):
    return scaled(size, (("MB", 1e6), ("KB", 1e3), ("B", 1)))


def whole(n):
    return f"{n:.0f}"
