"""Processes that write nonsense, to the daemon and into the memory they share with others: they are dropped alone."""

import array
import os
import pathlib
import random
import re
import resource
import socket
import struct
import time

import pytest

from conftest import BUILD, marked, until
from test_chaos import TRAFFIC, accounts, traffic

VANDAL = BUILD / "tests/nodes/vandal"

pytestmark = pytest.mark.skipif(
    not VANDAL.exists() or not TRAFFIC.exists(), reason=f"{BUILD}/tests/nodes is not built"
)

SEED = int(os.environ.get("DORA_TEST_SEED", time.time_ns() & 0xFFFFFFFF))


@pytest.fixture
def chance():
    print(f"DORA_TEST_SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "accounts").mkdir()
    return tmp_path / "accounts"


def received(folder, node, input):
    """What the node has got on that input so far, or None."""
    account = accounts(folder).get(node, {}).get(0)
    return account.seen[input][0] if account and account.seen[input] else None


def more(folder, node, input, count):
    """Waits for that many further messages."""
    seen = received(folder, node, input)
    least = (seen.count if seen else 0) + count
    until(lambda: (seen := received(folder, node, input)) and seen.count >= least, f"{count} messages")


def check_whole(folder, node, input):
    seen = received(folder, node, input)
    assert (seen.first, seen.disorder, seen.corrupt, seen.gaps) == (0, 0, 0, 0), [
        (name, getattr(seen, name)) for name, _ in seen._fields_
    ]
    assert seen.count == seen.last + 1
    account = accounts(folder)[node][0]
    assert account.finished


@pytest.mark.parametrize(
    "what", ["link", "doorbell", "page", "arena", "events", "files", "socket", "flood", "hello"]
)
def test_who_harms_what_it_shares_is_dropped_alone(flow, start, folder, chance, what):
    """The vandal sits between the source and the sink: it listens to the one, and the other to it."""
    vandal = {
        "path": str(VANDAL),
        "args": f"{what} {SEED} 48",
        "restart_policy": "always",
        "outputs": ["out"],
        "inputs": {
            "good": {"source": "good/out", "queue_size": 100},
            "late": {"source": "good/out", "queue_size": 1},
            "tick": "dora/timer/millis/20",
        },
    }
    good, sink = traffic(folder, "send", {}), traffic(folder, "", {"good": "backpressure", "vandal": "drop_oldest"})
    good["restart_policy"] = sink["restart_policy"] = "never"
    running = start(flow(good=good, sink=sink, vandal=vandal))
    # Each life of the vandal begins with links that are whole.
    until(lambda: running.stderr.count("restarting it") >= 6 or running.process.poll() is not None, "the vandal's lives")
    assert running.process.poll() is None, running.stderr[-3000:]
    more(folder, "sink", "good", 2000)
    running.stop()
    check_whole(folder, "sink", "good")
    for node in "good", "sink":
        assert f"Node `{node}`" not in running.stderr
        assert f"node `{node}`" not in running.stderr


# ---- Strangers at the daemon's socket ----

HELLO, CLOSE_OUTPUT, GOODBYE, REFUSED = 1, 2, 3, 4
MAGIC, VERSION = 0x61726F64, 1


def packet(type, body=b"", texts=(), magic=MAGIC, body_len=None, text_len=None, text_count=None):
    text = b"".join(text.encode() + b"\0" for text in texts)
    header = struct.pack(
        "=IHHII",
        magic,
        type,
        len(texts) if text_count is None else text_count,
        len(body) if body_len is None else body_len,
        len(text) if text_len is None else text_len,
    )
    return header + body + text


def hello(version=VERSION, token=bytes(16), library="0.0.7", id=""):
    return packet(HELLO, struct.pack("=I16s", version, token), (library, id))


class Daemon:
    """Where the daemon of a dataflow listens, and the token of one of its nodes."""

    def __init__(self, folder, node):
        account = accounts(folder)[node][0]
        environment = pathlib.Path(f"/proc/{account.pid}/environ").read_text().split("\0")
        config = next(line for line in environment if line.startswith("DORA_NODE_CONFIG="))
        name, token = re.fullmatch(r"DORA_NODE_CONFIG=dora=1 socket=(.*) token=(\w+)", config).groups()
        self.name = "\0" + name[1:] if name[0] == "@" else name
        self.token = bytes.fromhex(token)
        self.pid = int(pathlib.Path(f"/proc/{account.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(20)
        connection.connect(self.name)
        return connection

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def ask(self, data, fds=()):
        """What it answers: the reason of its refusal and the text; None when it hangs up without a word."""
        with self.connect() as connection:
            connection.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            try:
                answer = connection.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not answer:
                return None
            magic, type, count, body_len, text_len = struct.unpack_from("=IHHII", answer)
            assert (magic, type, count, body_len) == (MAGIC, REFUSED, 1, 8)
            version, reason = struct.unpack_from("=II", answer, 16)
            assert version == VERSION
            assert connection.recv(1 << 16) == b""
            return reason, answer[24:-1].decode()


@pytest.fixture
def busy(flow, start, folder):
    """A dataflow in the midst of work, and its daemon. Afterwards all is well with it."""
    good, sink = traffic(folder, "send", {}), traffic(folder, "", {"good": "backpressure"})
    good["restart_policy"] = sink["restart_policy"] = "never"
    running = start(flow(good=good, sink=sink))
    until(lambda: received(folder, "sink", "good"), "the first message")
    daemon = Daemon(folder, "good")
    before = daemon.fds()
    yield daemon
    until(lambda: daemon.fds() <= before, f"the {before} descriptors as before")
    more(folder, "sink", "good", 1000)
    assert running.stop() == 0, running.stderr
    check_whole(folder, "sink", "good")


@pytest.fixture
def arena():
    """Descriptors: a memfd as a node's arena should be, and some that are none."""
    import fcntl

    sealed = os.memfd_create("arena", os.MFD_ALLOW_SEALING)
    os.ftruncate(sealed, 1 << 20)
    fcntl.fcntl(sealed, 1033, 2)  # F_ADD_SEALS, F_SEAL_SHRINK
    ends = os.pipe()
    others = {"null": os.open("/dev/null", os.O_RDWR), "pipe": ends[0], "memory": os.memfd_create("unsealed")}
    yield sealed, others
    for fd in (sealed, ends[1], *others.values()):
        os.close(fd)


def test_random_bytes_to_the_daemon(busy, chance):
    for _ in range(2000):
        assert busy.ask(chance.randbytes(chance.choice((1, 4, 15, 16, 17, 60, 300, 5000, 60000)))) is None


def test_headers_that_lie(busy, chance, arena):
    sealed, _ = arena
    lies = [
        packet(HELLO, bytes(20), ("x", ""), body_len=length, text_len=text, text_count=count)
        for length in (0, 19, 21, 24, 1 << 16, 1 << 31, 0xFFFFFFFF)
        for text in (0, 1, 3, 4, 1 << 20, 0xFFFFFFFF)
        for count in (0, 1, 2, 3, 4, 0xFFFF)
    ]
    lies += [packet(type, bytes(size), texts) for type in range(30) for size in (0, 4, 8, 20) for texts in ((), ("a", "b"))]
    lies += [hello()[:cut] for cut in range(len(hello()))]
    lies += [packet(HELLO, bytes(20), ("x", ""), magic=MAGIC ^ 1 << bit) for bit in range(32)]
    for lie in lies:
        assert busy.ask(lie, [sealed] if chance.random() < 0.5 else []) is None or lie[4] == HELLO


def test_hello_of_nobody(busy, arena, chance):
    sealed, others = arena
    reason, why = busy.ask(hello(), [sealed])
    assert "no node with ID" in why
    assert "token is not known" in busy.ask(hello(token=chance.randbytes(16)), [sealed])[1]
    # The place is right, the secret isn't.
    assert "token is not known" in busy.ask(hello(token=busy.token[:8] + bytes(8)), [sealed])[1]
    assert "not dynamic" in busy.ask(hello(id="good"), [sealed])[1]
    assert "connected already" in busy.ask(hello(token=busy.token), [sealed])[1]
    assert "no node with ID" in busy.ask(hello(id="x" * 60000), [sealed])[1]
    for fd in others.values():
        busy.ask(hello(id="good"), [fd])
    assert busy.ask(hello()) is None
    assert busy.ask(hello(), [sealed] * 2) is None
    assert busy.ask(hello(), [sealed] * 250) is None


def test_another_version_is_refused_with_both_named(busy, arena):
    for version in 0, 2, 77, 0xFFFFFFFF:
        reason, why = busy.ask(hello(version, busy.token, "9.8.7"), [arena[0]])
        assert reason == 1
        assert "libdora 9.8.7" in why and f"version {version} " in why and f"version {VERSION}:" in why


def test_thousands_of_connections(busy, arena):
    """Those that say nothing, and those that hang up in the middle."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    held = []
    try:
        for i in range(3000):
            held.append(busy.connect())
            if i % 3 == 0:
                held.pop().close()
        # It still answers whoever comes.
        assert "no node with ID" in busy.ask(hello(), [arena[0]])[1]
    finally:
        for connection in held:
            connection.close()


def test_descriptors_that_hold_each_other(busy, chance):
    """Sockets sent through themselves are no leak in the daemon."""
    for _ in range(300):
        with busy.connect() as connection, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            fds = array.array("i", [connection.fileno(), other.fileno()][: chance.randint(1, 2)])
            connection.sendmsg([hello()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])


def test_who_is_flooded_with_knocks_still_starts_dataflows(busy, flow, run, folder, tmp_path):
    """A second dataflow has a daemon of its own, and finds the first one's name taken."""
    with busy.connect(), busy.connect():
        done = run(flow(name="other.yml", alone={"path": str(VANDAL), "args": "page 1 1"}))
    assert done.status == 0, done.stderr
