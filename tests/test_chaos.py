"""What is left, and what is kept, when processes are killed at random: nodes during traffic, and dora run itself."""

import collections
import ctypes
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

from conftest import ACTOR, BUILD, MARK, actor, marked, until

TRAFFIC = BUILD / "tests/nodes/traffic"
KILLS = int(os.environ.get("DORA_TEST_KILLS", 500))
ROUNDS = int(os.environ.get("DORA_TEST_ROUNDS", 100))

pytestmark = pytest.mark.skipif(not TRAFFIC.exists(), reason=f"{TRAFFIC} is not built")


@pytest.fixture
def chance():
    seed = int(os.environ.get("DORA_TEST_SEED", time.time_ns() & 0xFFFFFFFF))
    print(f"DORA_TEST_SEED={seed}")
    return random.Random(seed)


# ---- What nodes/traffic.c writes down: struct account ----


class Seen(ctypes.Structure):
    _fields_ = [("input", ctypes.c_char * 16)] + [
        (name, ctypes.c_uint64) for name in ("generation", "first", "last", "count", "gaps", "disorder", "corrupt")
    ]


class Input(ctypes.Structure):
    _fields_ = [("id", ctypes.c_char * 16)] + [(name, ctypes.c_uint64) for name in ("received", "dropped", "closed")]


class Account(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "pid opening opened finished attempted sent failed kept_corrupt errors seen_count".split()
        )
    ] + [("inputs", Input * 8), ("seen_", Seen * 4096)]

    @property
    def seen(self):
        """Input → what came on it, by generation of its publisher, in order of arrival."""
        found = collections.defaultdict(list)
        for seen in self.seen_[: self.seen_count]:
            found[seen.input.decode()].append(seen)
        return found


def accounts(folder):
    """Node → generation → account, of those that joined."""
    found = collections.defaultdict(dict)
    for path in folder.iterdir():
        node, generation = path.name.split(".")
        data = path.read_bytes()
        if len(data) >= ctypes.sizeof(Account):
            account = Account.from_buffer_copy(data)
            if account.opened:
                found[node][int(generation)] = account
    return found


# ---- Nodes ----

# Node → what it does, and what it listens to, with the queue's policy. Those whose names begin with `stay` are not
# killed. An input is named after the node it comes from. All have a timer too: a node without inputs is not restarted.
FLOW = {
    "source1": ("send", {}),
    "source2": ("send", {}),
    "stay_src": ("send", {}),
    "relay1": ("relay", {"source1": "backpressure", "stay_src": "drop_oldest"}),
    "relay2": ("relay", {"relay1": "drop_oldest"}),
    "sink1": ("", {"source1": "drop_oldest", "source2": "backpressure", "stay_src": "drop_oldest"}),
    "sink2": ("slow", {"stay_src": "drop_oldest", "source2": "drop_oldest"}),
    "stay_all": ("", {"source1": "backpressure", "source2": "backpressure", "relay2": "backpressure"}),
    "stay_late": ("slow", {"source1": "drop_oldest", "stay_src": "drop_oldest", "relay1": "drop_oldest"}),
}


def traffic(folder, does, inputs):
    return {
        "path": str(TRAFFIC),
        "args": f"{folder} {does}",
        "restart_policy": "always",
        "outputs": ["out"],
        "inputs": {"tick": "dora/timer/millis/50"}
        | {
            publisher: {"source": f"{publisher}/out", "queue_size": 16, "queue_policy": policy}
            for publisher, policy in inputs.items()
        },
    }


def usage(pid):
    """What may not grow: descriptors, maps, and private memory in KiB."""
    proc = pathlib.Path(f"/proc/{pid}")
    maps = (proc / "maps").read_text()
    rollup = (proc / "smaps_rollup").read_text().split()
    # A sanitizer keeps what was freed.
    private = 0 if "san.so" in maps else int(rollup[rollup.index("Private_Dirty:") + 1])
    return len(os.listdir(proc / "fd")), maps.count("\n"), private


def arena_size(pid):
    sizes = [
        os.stat(f"/proc/{pid}/fd/{fd}").st_size
        for fd in os.listdir(f"/proc/{pid}/fd")
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("/memfd:dora-arena")
    ]
    return max(sizes)


def check_pair(publishers, reader, input, policy):
    """Everything that one generation of a subscriber says of one input."""
    came = reader.seen[input]
    assert [seen.generation for seen in came] == sorted({seen.generation for seen in came}), "generations mix"
    for at, seen in enumerate(came):
        publisher = publishers[seen.generation]
        what = f"{input}.{seen.generation}: {seen.first}…{seen.last}, {publisher.sent}…{publisher.attempted} sent"
        assert seen.disorder == 0 and seen.corrupt == 0, what
        assert seen.last < publisher.attempted, what
        if policy == "backpressure":
            assert seen.gaps == 0, what
            if reader.opened < publisher.opening:
                assert seen.first == 0, what
            if at + 1 < len(came):  # the next generation's came, so all of this one's had
                assert seen.last + 1 >= publisher.sent, what
        elif at + 1 < len(came) and publisher.sent:
            # The newest are never the ones that are dropped.
            assert seen.last + 1 >= publisher.sent, what


def test_survivors_get_every_message_in_order(flow, start, tmp_path, chance):
    folder = tmp_path / "accounts"
    folder.mkdir()
    running = start(flow(**{id: traffic(folder, *node) for id, node in FLOW.items()}))
    until(lambda: len(accounts(folder)) == len(FLOW), "the start")

    def pids():
        """Node → pid of its newest generation."""
        newest = {}
        for path in folder.iterdir():
            node, generation = path.name.split(".")
            if int(generation) >= newest.get(node, (-1, 0))[0]:
                with path.open("rb") as file:
                    newest[node] = int(generation), int.from_bytes(file.read(8), "little")
        return {node: pid for node, (_, pid) in newest.items()}

    daemon = int(pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0])
    stay = [pid for node, pid in pids().items() if node.startswith("stay")]
    killed = set()
    before = None  # once all is in full swing
    while len(killed) < KILLS:
        victims = [pid for node, pid in pids().items() if not node.startswith("stay") and pid and pid not in killed]
        if not victims:
            time.sleep(0.001)
            continue
        # Now one alone, now several at the same moment.
        for victim in chance.sample(victims, min(len(victims), chance.choice((1, 1, 1, 2, 5)))):
            killed.add(victim)
            os.kill(victim, signal.SIGKILL)
        if len(killed) > KILLS // 3 and not before:
            until(lambda: not killed & set(pids().values()), "the restarts")  # as at the end
            before = {pid: usage(pid) for pid in (daemon, *stay)}
            arena = arena_size(pids()["stay_src"])
        time.sleep(chance.expovariate(1 / 0.015))
    until(lambda: not killed & set(pids().values()), "the last restarts")
    after = {pid: usage(pid) for pid in (daemon, *stay)}
    assert running.process.poll() is None, running.stderr
    assert pids()["stay_src"] in stay
    for pid in after:
        for now, then, slack in zip(after[pid], before[pid], (30, 60, 2048)):
            assert now <= then + slack, (pid, before[pid], after[pid])
    assert arena_size(pids()["stay_src"]) <= 2 * arena + (4 << 20)
    assert running.stop() == 0, running.stderr[-3000:]

    told = accounts(folder)
    for node, (_, inputs) in FLOW.items():
        for generation, reader in told[node].items():
            assert reader.kept_corrupt == 0 and reader.errors == 0, (node, generation)
            for input, policy in inputs.items():
                try:
                    check_pair(told[input], reader, input, policy)
                except AssertionError as error:
                    raise AssertionError(f"{node}.{generation} reads {error}") from None
    assert sum(len(generations) for generations in told.values()) > KILLS // 2
    count_up(told)


def count_up(told):
    """For those that were there all the time: sent = received + dropped, but for what was being sent at a kill, which
    is one message a generation, and what came after the subscriber had stopped, in the last generation."""
    for node, (_, inputs) in FLOW.items():
        if not node.startswith("stay"):
            continue
        reader = told[node][0]
        for input in reader.inputs:
            publisher = input.id.decode()
            if publisher not in inputs:
                continue
            generations = told[publisher]
            came = reader.seen[publisher]
            received = sum(seen.count for seen in came)
            newest = came[-1]
            least = newest.last + 1 + sum(told.sent for at, told in generations.items() if at < newest.generation)
            most = sum(told.attempted for told in generations.values())
            print(f"{node} ← {publisher}: {least}…{most} sent, {received} received, {input.dropped} dropped")
            assert input.received == received
            assert least - len(generations) <= received + input.dropped <= most
            if inputs[publisher] == "backpressure":
                assert input.dropped == 0


# ---- dora run itself is killed ----

# A shell that ignores SIGTERM, has children of its own and one in another session, and runs the node proper.
FAMILY = """trap "" TERM
setsid sh -c 'sleep 1000 & sleep 1000' &
sleep 1000 &
%s join say=joined hang"""


@pytest.fixture
def stubborn(flow, tmp_path):
    """Nodes that are hard to get rid of."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    return flow(
        shell={"path": "shell", "args": FAMILY % ACTOR},
        deaf=actor(f"ignore={int(signal.SIGTERM)}", "family", "join", "hang"),
        again={**actor("join", "next=1", "crash", inputs={"tick": "dora/timer/millis/1"}), "restart_policy": "always"},
        good=actor("join", "listen", inputs={"tick": "dora/timer/millis/1"}),
    )


def daemon_of(keeper):
    try:
        return int(pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0])
    except (OSError, IndexError):
        return None


def begin(dora, stubborn, mark, until_started):
    # At its exit LeakSanitizer waits for a process of its own, for ever if that is killed with the other descendants.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    process = subprocess.Popen(
        [dora, "run", stubborn, "--allow-shell-nodes"],
        env={**os.environ, MARK: mark, "ASAN_OPTIONS": sanitizer},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if until_started:
        until(lambda: b"started" in process.stderr.readline(), "the start")
    return process


@pytest.mark.parametrize("what", ["start", "run", "stop"])
def test_nothing_is_left_of_a_killed_run(stubborn, dora, chance, what):
    for round in range(ROUNDS // 3 + 1):
        mark = f"{os.getpid()}.{what}.{round}"
        process = begin(dora, stubborn, mark, what != "start")
        if what != "start":
            until(lambda: len(marked(mark)) > 9, "the nodes and their children")
        if what == "stop":
            process.send_signal(signal.SIGINT)
        time.sleep(chance.uniform(0, 0.04))
        victim = process.pid if round % 2 else daemon_of(process.pid)
        if victim:
            os.kill(victim, signal.SIGKILL)
        else:
            process.kill()
        process.wait(timeout=20)
        process.stderr.close()
        try:
            until(lambda: not marked(mark), "the end of what it had started", 20)
        except AssertionError:
            left = marked(mark)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"round {round}, {('daemon', 'keeper')[round % 2]} killed: {left}") from None


def test_nodes_end_when_both_are_killed_at_once(stubborn, dora):
    """Nobody is there any more to find what nodes have started, but the nodes themselves die."""
    mark = f"{os.getpid()}.both"
    process = begin(dora, stubborn, mark, True)
    daemon = daemon_of(process.pid)

    def children():
        """Without the orphans that have fallen to it."""
        pids = map(int, pathlib.Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split())
        return {pid for pid in pids if os.getsid(pid) == os.getsid(daemon)}

    nodes = until(lambda: len(children()) >= 4 and children(), "all nodes")
    os.kill(process.pid, signal.SIGSTOP)
    for pid in daemon, process.pid:
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=20)
    process.stderr.close()
    try:
        until(lambda: not nodes & set(marked(mark)), "the end of its nodes", 20)
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
