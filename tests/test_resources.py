"""When something runs out, descriptors, disk, memory or addresses, an error names it, and others go on; and what nodes
and daemons of different versions say to each other."""

import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import threading

import pytest

from conftest import ACTOR, actor, until
from test_chaos import TRAFFIC, accounts, traffic

pytestmark = pytest.mark.skipif(not TRAFFIC.exists(), reason=f"{TRAFFIC} is not built")

ALL_SHELLS = ["--allow-shell-nodes"]


def limited(kind, value):
    """For preexec_fn: the limit, soft and hard."""
    return lambda: resource.setrlimit(kind, (value, value))


def crashed(done):
    return done.status < 0 or "anitizer" in done.stderr or "signal SIG" in done.stderr


# ---- dora itself ----


def test_few_descriptors_are_named(flow, run):
    """From too few for anything to enough for all: it says what is missing, or it works."""
    path = flow(
        source=actor("join", "send=out:10:8", outputs=["out"]),
        **{f"sink{i}": actor("join", "listen", inputs={"in": "source/out"}) for i in range(3)},
    )
    worked = set()
    for limit in [*range(3, 24), *range(24, 80, 4)]:
        done = run(path, preexec_fn=limited(resource.RLIMIT_NOFILE, limit), seconds=30)
        assert not crashed(done), (limit, done)
        if done.status == 0:
            worked.add(limit)
            assert all(done.summary(f"sink{i}")["in"]["count"] == 10 for i in range(3))
        else:
            assert re.search("open files|[Dd]escriptors|cannot open shared object", done.stderr), (limit, done)
    assert 76 in worked and 10 not in worked


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_little_memory_is_named(flow, run, kind):
    """The limit holds for dora and its nodes alike."""
    if subprocess.run(f"ldd {ACTOR} | grep -q san.so", shell=True).returncode == 0:
        pytest.skip("a sanitizer needs terabytes of addresses")
    path = flow(
        source=actor("join", "send=out:10:8", outputs=["out"]), sink=actor("join", "listen", inputs={"in": "source/out"})
    )
    worked = set()
    limits = range(2 << 20, 50 << 20, 3 << 20) if kind == "RLIMIT_AS" else range(64 << 10, 4 << 20, 192 << 10)
    for limit in limits:
        done = run(path, preexec_fn=limited(getattr(resource, kind), limit), seconds=30)
        if done.status < 0 and not done.stderr:
            continue  # the kernel could not even load it
        assert not crashed(done), (limit, done)
        if done.status == 0:
            worked.add(limit)
        else:
            assert re.search("memory|map|shared librar|addresses", done.stderr, re.I), (limit, done)
    assert worked


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 1 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can't be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_named_and_ends_nothing(flow, run, small_disk):
    path = flow(
        name="disk/flow.yml",
        chatty=actor("join", "print=8000000", "send=out:100:8", outputs=["out"]),
        sink=actor("join", "listen", inputs={"in": {"source": "chatty/out", "queue_size": 100}}),
    )
    done = run(path)
    assert done.status == 0, done.stderr[-3000:]
    assert done.summary("sink")["in"]["count"] == 100
    assert "No space left on device" in done.stderr, done.stderr[-3000:]
    assert sum(len(line) for line in done.lines("chatty")) >= 8000000 * 0.9


def test_a_disk_full_from_the_start(flow, run, small_disk):
    path = flow(name="disk/flow.yml", a=actor("join", "say=hello"))
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    done = run(path)
    assert not crashed(done)
    assert "No space left on device" in done.stderr, done.stderr


# ---- A node whose memory runs out ----


def confined(limit, *script):
    """A node that a shell has put within a limit."""
    words = " ".join(f"'{word}'" for word in script)
    return {"path": "shell", "args": f"{limit} && exec {ACTOR} {words}", "outputs": ["out"]}


@pytest.mark.parametrize("limit", ["ulimit -f 512", "ulimit -v 100000", "ulimit -v 60000"])
def test_an_arena_that_cannot_grow_is_an_error_of_the_sender(flow, run, limit):
    """Small messages fit, large ones don't, and small ones go on. The receiver gets what was sent, whole."""
    if "-v" in limit and subprocess.run(f"ldd {ACTOR} | grep -q san.so", shell=True).returncode == 0:
        pytest.skip("a sanitizer needs terabytes of addresses")
    source = confined(limit, "join", "send=out:5:10000", "loan=out:200000000", "send=out:5:10000")
    sink = actor("join", "listen", inputs={"in": {"source": "source/out", "queue_size": 100}})
    done = run(flow(source=source, sink=sink), *ALL_SHELLS)
    assert done.status == 0, done
    tried = [line for line in done.lines("source") if line.startswith("loan")]
    assert len(tried) == 1 and re.search("ENOSPC|EFBIG|No space|File too large|addresses|limit", tried[0]), tried
    summary = done.summary("sink")["in"]
    assert summary["count"] == 10 and not summary.get("corrupt", 0), summary


@pytest.fixture
def memory_group():
    """A cgroup with 64 MiB; gives the file that a process joins it by, and what counts its members killed."""
    for root, limit in (
        (pathlib.Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (pathlib.Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = root / f"dora-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(64 << 20))
            yield group / "cgroup.procs"
            return
        except OSError:
            continue
        finally:
            until(lambda: not (group / "cgroup.procs").read_text(), "the end of its processes")
            group.rmdir()
    pytest.skip("no cgroup with a memory limit can be made here")


def test_a_memory_limit_harms_no_reader(flow, run, memory_group):
    """The kernel may refuse the memory or kill the sender; its readers keep what they have."""
    source = confined(
        f"echo $$ > {memory_group}", "join", "send=out:20:100000", "loan=out:300000000", "send=out:20:100000"
    )
    sink = actor("join", "listen", inputs={"in": {"source": "source/out", "queue_size": 100}})
    done = run(flow(source=source, sink=sink), *ALL_SHELLS)
    assert "Node `sink`" not in done.stderr, done.stderr
    summary = done.summary("sink")["in"]
    assert summary["count"] in (20, 40) and not summary.get("corrupt", 0), summary
    if done.status:
        assert "Node `source` failed: exited because of signal SIGKILL" in done.stderr, done.stderr


# ---- Versions ----


def refuse(listener, version):
    """A daemon that speaks another version of the protocol: says so to whoever comes."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(1 << 16)
        text = b"this dora is from the future\0"
        connection.send(struct.pack("=IHHII", 0x61726F64, 4, 1, 8, len(text)) + struct.pack("=II", version, 1) + text)


def test_a_node_names_both_versions_when_the_daemon_speaks_another(dora):
    name = f"dora-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind("\0" + name)
        listener.listen()
        daemon = threading.Thread(target=refuse, args=(listener, 77))
        daemon.start()
        done = subprocess.run(
            [ACTOR, "join"],
            env={**os.environ, "DORA_NODE_CONFIG": f"dora=1 socket=@{name} token={'ab' * 16}"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        daemon.join()
    assert done.returncode == 1
    assert re.search(r"libdora \S+ \(protocol 1\), but the daemon speaks protocol 77", done.stderr), done.stderr
    assert "from the future" in done.stderr


@pytest.mark.parametrize("config", ["", "dora=2 socket=@x token=00", "{}", "dora=1 socket=@x token=" + "zz" * 16, "x" * 5000])
def test_a_node_names_a_configuration_it_does_not_understand(dora, config):
    done = subprocess.run(
        [ACTOR, "join"], env={**os.environ, "DORA_NODE_CONFIG": config}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and "DORA_NODE_CONFIG is not understood by libdora" in done.stderr


def test_a_node_with_few_descriptors_names_them(flow, run):
    """From too few to join to enough; the receiver, which has enough, is told of the end."""
    worked = set()
    for limit in range(4, 16):
        source = confined(f"ulimit -n {limit}", "join", "send=out:5:1000")
        done = run(flow(source=source, sink=actor("join", "listen", inputs={"in": "source/out"})), *ALL_SHELLS)
        assert not crashed(done), (limit, done)
        if done.status == 0:
            worked.add(limit)
            assert done.summary("sink")["in"]["count"] == 5
        else:
            assert re.search("[Tt]oo many open files", done.stderr), (limit, done)
    assert 4 not in worked and 15 in worked


def test_a_node_that_runs_out_of_descriptors_later_is_told(flow, start, tmp_path):
    """Its publisher is started again, but it can't take the new link."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    source, sink = traffic(folder, "send", {}), traffic(folder, "", {"source": "drop_oldest"})
    running = start(flow(source=source, sink={**sink, "restart_policy": "never"}))
    until(lambda: accounts(folder)["sink"] and accounts(folder)["sink"][0].seen["source"], "the first message")
    resource.prlimit(accounts(folder)["sink"][0].pid, resource.RLIMIT_NOFILE, (3, 3))
    os.kill(accounts(folder)["source"][0].pid, signal.SIGKILL)
    until(lambda: any("too many open files" in line for line in running.lines("sink", None)), "its last words")
    until(lambda: accounts(folder)["sink"][0].finished, "its end")
    running.stop()
