"""The rows that bench/run reports: what is measured, what it is held against, and what it must reach."""

import dataclasses
import re
import statistics
import subprocess
from typing import Callable, Optional

import control
import harness
import operators
from harness import KIB, MIB, MS

SIZES = [8, 64, 512, 4 * KIB, 64 * KIB, 512 * KIB, 1 * MIB, 4 * MIB, 40 * MIB]
FAN_OUT = [1, 2, 5, 10, 20, 50]
CHAIN = 20
STARTUP = [2, 20, 50]


class Context(harness.Memo):
    """What the rows are measured with."""

    def __init__(self, floor, side, build, cores, quick):
        super().__init__()
        self.floor, self.side, self.build, self.quick = floor, side, build, quick
        self.pair, self.one, self.all = cores, (cores[0], cores[0]), harness.allowed_cores()

    def count(self, full):
        return max(20, full // 5) if self.quick else full

    # Floors, in ns

    def hand_over(self, kind, cores):
        count = self.count(100_000 if kind == "spin" else 10_000)
        return self.once((kind, cores), lambda: harness.summary(self.floor.run(kind, cores, count))["value"])

    def hand_over_paced(self, kind, cores):
        name = f"{kind}-fan-out"
        run = lambda: harness.summary(self.floor.run(name, cores, self.count(500), MS, 2))["value"]
        return self.once((name, cores), run)

    def memcpy(self, size, pace):
        count = copies(self.count(500), size)
        run = lambda: harness.summary(self.floor.run("memcpy", self.pair, count, pace, size))["value"]
        return self.once(("memcpy", size, pace), run)

    # Latency of this project

    def latency(self, size, wait, cores, paced, loan):
        count = self.count(500 if paced else 100_000 if wait != "blocking" else 10_000)
        if not loan:
            count = copies(count, size)
        pace = pace_of(size, loan) if paced else 0
        key = ("latency", size, wait, cores, paced, loan)
        return self.once(key, lambda: harness.latency(self.side, size, wait, cores, pace, loan, count))


def copies(count, size):
    """No more messages than copying 4 GB takes."""
    return max(20, min(count, 4_000_000_000 // size))


def pace_of(size, loan):
    """1 ms; longer where copying the message takes about as long as that."""
    return MS if loan or size <= MIB else 5 * MS if size <= 4 * MIB else 25 * MS


@dataclasses.dataclass
class Row:
    key: str
    title: str
    measure: Callable  # Context -> {"value": …, …}
    against: Optional[Callable] = None  # Context -> a figure in the same unit
    against_name: str = ""
    show: Callable = harness.duration
    most: Optional[float] = None
    least: Optional[float] = None
    most_ratio: Optional[float] = None
    least_ratio: Optional[float] = None
    most_over: Optional[float] = None  # above `against`
    runs: list = dataclasses.field(default_factory=list)
    floors: list = dataclasses.field(default_factory=list)
    failed: Optional[str] = None

    def take(self, context):
        try:
            floor = self.against(context) if self.against else None
            self.runs.append(self.measure(context))
            self.floors.append(floor)
        except harness.Failed as e:
            self.failed = str(e)

    @property
    def value(self):
        return statistics.median(run["value"] for run in self.runs) if self.runs else None

    @property
    def floor(self):
        return statistics.median(self.floors) if self.floors and self.against else None

    @property
    def ratio(self):
        """Of each repeat, then the median: the machine's mood of that moment is in both sides of it."""
        if not self.runs or not self.against or not all(self.floors):
            return None
        return statistics.median(run["value"] / floor for run, floor in zip(self.runs, self.floors))

    @property
    def target(self):
        round_ = lambda figure: re.sub(r"\.0+ ", " ", self.show(figure))
        if self.most_ratio is not None:
            return f"≤ {self.most_ratio:g} ×"
        if self.least_ratio is not None:
            return f"≥ {self.least_ratio:g} ×"
        if self.most_over is not None:
            return f"≤ + {round_(self.most_over)}"
        if self.most is not None:
            return f"≤ {round_(self.most)}"
        return f"≥ {round_(self.least)}" if self.least is not None else ""

    @property
    def met(self):
        if not self.runs or not self.target:
            return None
        if self.most_ratio is not None:
            return self.ratio is not None and self.ratio <= self.most_ratio
        if self.least_ratio is not None:
            return self.ratio is not None and self.ratio >= self.least_ratio
        if self.most_over is not None:
            return self.value - self.floor <= self.most_over
        return self.value <= self.most if self.most is not None else self.value >= self.least

    @property
    def floor_beyond_target(self):
        return self.most is not None and self.floor is not None and self.floor > self.most

    def as_json(self):
        names = ("key", "title", "value", "floor", "ratio", "target", "met", "against_name", "floor_beyond_target")
        names += ("runs", "floors", "failed")
        return {name: getattr(self, name) for name in names}


def latency_rows():
    places = {"same core": lambda c: c.one, "two cores": lambda c: c.pair}

    def row(mode, wait, place, **kw):
        cores, paced = places[place], mode == "paced"
        return Row(
            f"latency/{mode}/{wait}/{place}".replace(" ", "-"),
            f"{mode}, {wait}, {place}",
            lambda c: c.latency(8, wait, cores(c), paced, False),
            **kw,
        )

    def raw(kind, place):
        return lambda c: c.hand_over(kind, places[place](c))

    def raw_paced(place):
        return lambda c: c.hand_over_paced("futex", places[place](c))

    polling = lambda c: c.latency(8, "polling", c.pair, False, False)["value"]
    spin = raw("spin", "two cores")
    yield row("back to back", "polling", "two cores", against=spin, against_name="spin", most_ratio=2)
    yield row("back to back", "default", "two cores", against=polling, against_name="polling", most_ratio=1.2)
    for place in places:
        kw = {"against": raw("futex", place), "against_name": "futex", "most_ratio": 1.5}
        yield row("back to back", "blocking", place, **kw)
    yield row("back to back", "default", "same core", against=raw("futex", "same core"), against_name="futex")
    for wait in ("blocking", "default"):
        for place in places:
            yield row("paced", wait, place, against=raw_paced(place), against_name="futex", most_ratio=1.5)


def large_rows():
    for paced, wait in ((True, "blocking"), (False, "blocking"), (False, "polling")):
        mode = "paced" if paced else "back to back"
        yield Row(
            f"large/loaned-40MiB/{mode}/{wait}".replace(" ", "-"),
            f"40 MiB loaned, {mode}, {wait}",
            lambda c, p=paced, w=wait: c.latency(40 * MIB, w, c.pair, p, True),
            lambda c, p=paced, w=wait: c.latency(8, w, c.pair, p, True)["value"],
            "8 B",
            most_ratio=1.3,
        )
    yield Row(
        "large/copied-1MiB/paced/polling",
        "1 MiB copied, paced, polling",
        lambda c: c.latency(MIB, "polling", c.pair, True, False),
        lambda c: c.memcpy(MIB, MS),
        "memcpy",
        most_over=10_000,
    )
    yield Row(
        "large/copied-1MiB/paced/blocking",
        "1 MiB copied, paced, blocking",
        lambda c: c.latency(MIB, "blocking", c.pair, True, False),
        lambda c: c.memcpy(MIB, MS) + c.hand_over_paced("futex", c.pair),
        "memcpy+futex",
        most_over=10_000,
    )


def throughput_rows():
    def flood(c, policy, queue, wait):
        count = c.count(5_000_000 if policy == "backpressure" else 2_000_000)
        result = harness.flood(c.side, count, policy, queue, wait, c.pair)
        if policy == "backpressure" and result["received"] != count:
            raise harness.Failed(f"lost {count - result['received']} of {count} messages")
        received, dropped, missing = (result[k] for k in ("received", "dropped", "missing"))
        if missing != dropped or received + dropped != count:
            raise harness.Failed(f"{count} sent, {received} received, {dropped} counted as dropped, {missing} missing")
        return result

    def ring(c):
        return c.once("ring", lambda: float(c.floor.run("ring", c.pair, c.count(10_000_000))[0]))

    for policy, queue, wait, least in (
        ("backpressure", 1000, "default", 8e6),
        ("backpressure", 1000, "polling", None),
        ("drop_oldest", 10, "default", None),
    ):
        yield Row(
            f"throughput/{policy}/{wait}",
            f"{policy}, queue of {queue}, {wait}",
            lambda c, p=policy, q=queue, w=wait: flood(c, p, q, w),
            ring,
            "raw ring",
            harness.rate,
            least=least,
        )


def fan_out_rows():
    def row(n, wait, most=None):
        pace = 2 * MS

        def raw(c):
            run = lambda: harness.summary(c.floor.run("futex-fan-out", c.all, c.count(300), pace, n + 1))["value"]
            return c.once(("fan-out", n), run)

        return Row(
            f"fan-out/{n}/{wait}",
            f"1 → {n}, {wait}",
            lambda c: harness.fan_out(c.side, n, MIB, wait, c.all, pace, c.count(300)),
            raw,
            "futex",
            most=most,
        )

    for n in FAN_OUT:
        yield row(n, "default", 100_000 if n == 20 else None)
    yield row(20, "blocking")


def chain_rows():
    for name, cores, most in (
        ("any core", lambda c: None, 15_000),
        ("one core", lambda c: c.one, None),
        ("taking turns on two", lambda c: c.pair, None),
    ):
        pace = 5 * MS

        def raw(c, cores=cores):
            return harness.summary(c.floor.run("futex-chain", cores(c), c.count(200), pace, CHAIN))["value"]

        yield Row(
            f"chain/{name}".replace(" ", "-"),
            f"a hop of {CHAIN} nodes, {name}",
            lambda c, cores=cores: harness.chain(c.side, CHAIN, "default", cores(c), pace, c.count(200)),
            raw,
            "futex",
            most=most,
        )


def startup_rows():
    for n, most in zip(STARTUP, (15 * MS, None, 150 * MS)):
        yield Row(
            f"startup/{n}",
            f"dora run of {n} nodes, one message",
            lambda c, n=n: harness.startup(c.side, n),
            lambda c, n=n: float(c.floor.run("spawn", None, 1, 0, n)[0]),
            f"spawn {n}",
            most=most,
        )


def idle_rows():
    idle = lambda c: c.once("idle", lambda: harness.idle(c.side))
    bare = lambda c: c.once("bare", lambda: harness.bare_pss(c.floor))
    value = lambda key: lambda c: {"value": idle(c)[key]}
    node = value("node_pss")
    yield Row("idle/node-memory", "node, memory (PSS)", node, bare, "bare process", harness.memory, most=1_000_000)
    yield Row("idle/node-threads", "node, threads", value("node_threads"), show=harness.whole, most=1)
    size = lambda c: {"value": (c.build / "bench" / "bench_idle").stat().st_size}
    yield Row("idle/node-binary", "node, stripped binary", size, show=harness.memory, most=150_000)
    run = value("run_pss")
    yield Row("idle/run-memory", "dora run, memory (PSS)", run, bare, "bare process", harness.memory, most=5_000_000)
    yield Row("idle/run-threads", "dora run, threads", value("run_threads"), show=harness.whole)


def control_rows():
    dora = lambda c: c.build / "bin" / "dora"
    many = lambda c: c.once("many", lambda: control.many(dora(c), c.side.node, 3 if c.quick else 7))
    value = lambda key: lambda c: many(c)[key]

    def bare_command(c):
        """Starting and ending the same program."""
        run = lambda: subprocess.run([dora(c), "--version"], stdout=subprocess.DEVNULL, check=True)
        return c.once("bare command", lambda: statistics.median(harness.wall_ns(run) for _ in range(20)))

    spawn = lambda c: float(c.floor.run("spawn", None, 1, 0, control.MANY)[0])
    yield Row(
        f"control/start-list-stop-{control.MANY}",
        f"start, list, stop {control.MANY} nodes",
        value("cycle"),
        spawn,
        f"spawn {control.MANY}",
        most=300 * MS,
    )
    for command in ("list", "status"):
        yield Row(
            f"control/{command}",
            f"dora {command}, {control.MANY} nodes",
            value(command),
            bare_command,
            "--version",
            most=10 * MS,
        )
    yield Row(
        f"control/memory-{control.MANY}",
        f"coordinator + daemon (PSS), {control.MANY} nodes",
        value("memory"),
        lambda c: c.once("bare", lambda: harness.bare_pss(c.floor)),
        "bare process",
        harness.memory,
        most=8_000_000,
    )

    rounds = lambda c: (3, 0.2) if c.quick else (7, 0.3)
    echo = lambda c: c.once("echo", lambda: control.echo_cost(dora(c), c.side.node, c.pair, *rounds(c)))
    for kind, title in (("watched", "send while echo watches"), ("detached", "send after echo has ended")):
        yield Row(
            "control/echo-cost" + ("" if kind == "watched" else f"/{kind}"),
            title,
            lambda c, kind=kind: {"value": echo(c)[kind], **echo(c)},
            lambda c: echo(c)["before"],
            "before",
            most_ratio=1.1,
        )
    yield Row(
        "control/top-cpu-100",
        "dora top of 100 nodes, percent of a core",
        lambda c: control.top_cpu(dora(c), c.side.node, 100, 1 if c.quick else 3),
        show=lambda percent: f"{harness.three(percent)} %",
        most=3,
    )


def operator_rows():
    make = lambda c: operators.Operators(c.build)

    def one_way(c, shape, size, loan):
        run = lambda: operators.latency(c.side, make(c), shape, size, loan, c.count(100_000))
        return c.once(("operators", shape, size, loan), run)

    processes = lambda c: c.latency(8, "default", c.pair, False, False)["value"]
    for shape in ("threads", "one thread"):
        yield Row(
            f"operators/8B/{shape.replace(' ', '-')}",
            f"8 B from one to another, {shape}",
            lambda c, s=shape: one_way(c, s, 8, False),
            processes,
            "processes",
            most_ratio=1,
        )
    yield Row(
        "operators/40MiB",
        "40 MiB loaned, threads",
        lambda c: one_way(c, "threads", 40 * MIB, True),
        lambda c: one_way(c, "threads", 8, True)["value"],
        "8 B",
        most_ratio=1.3,
    )

    def through(c, shape, queue):
        run = lambda: operators.pipeline(c.side, make(c), shape, queue, c.count(100_000 * min(queue, 100) // 10))
        return c.once(("pipeline", shape, queue), run)

    for queue in (10, 1000):
        for shape, least in (("threads", None), ("one thread", 1.5)):
            yield Row(
                f"operators/pipeline/{queue}/{shape.replace(' ', '-')}",
                f"{operators.PIPELINE} in a row, queues of {queue}, {shape}",
                lambda c, s=shape, q=queue: through(c, s, q),
                lambda c, q=queue: through(c, "isolated", q)["value"],
                "isolated",
                harness.rate,
                least_ratio=least,
            )
    yield Row(
        "operators/memory-20",
        "host of 20 operators, memory (PSS)",
        lambda c: operators.memory(c.side, make(c), 20),
        lambda c: c.once("bare", lambda: harness.bare_pss(c.floor)),
        "bare process",
        harness.memory,
        most=10_000_000,
    )


# The columns of the table by size: paced?, waiting, loaned?
SIZE_MODES = [
    (True, "blocking", True),
    (True, "polling", True),
    (False, "blocking", True),
    (False, "polling", True),
    (True, "blocking", False),
    (False, "polling", False),
]


def size_rows():
    def raw(c, size, paced, wait, loan):
        kind = "spin" if wait == "polling" else "futex"
        floor = c.hand_over_paced(kind, c.pair) if paced else c.hand_over(kind, c.pair)
        return floor if loan else floor + c.memcpy(size, pace_of(size, loan) if paced else 0)

    for size in SIZES:
        for mode in SIZE_MODES:
            paced, wait, loan = mode
            words = ("paced" if paced else "back to back", wait, "loaned" if loan else "copied")
            yield Row(
                f"size/{size}/{'/'.join(words)}".replace(" ", "-"),
                f"{harness.data(size)}, {', '.join(words)}",
                lambda c, s=size, p=paced, w=wait, l=loan: c.latency(s, w, c.pair, p, l),
                lambda c, s=size, m=mode: raw(c, s, *m),
                ("spin" if wait == "polling" else "futex") + ("" if loan else "+memcpy"),
            )


GROUPS = [
    ("One way of 8 B, p50", latency_rows),
    ("One way of large messages on two cores, p50", large_rows),
    ("Messages a second, 8 B, two cores", throughput_rows),
    ("Fan-out of 1 MiB loaned, every 2 ms: the slowest receiver, p50", fan_out_rows),
    ("Chain, a message every 5 ms, p50", chain_rows),
    ("Start-up, wall time of the whole dora run", startup_rows),
    ("Idle", idle_rows),
    ("With coordinator and daemon", control_rows),
    ("Operators", operator_rows),
]
