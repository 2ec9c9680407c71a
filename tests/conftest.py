"""What the end-to-end tests share: dora run to its end or in the background, with nodes that follow a script.

    def test_something(flow, run):
        done = run(flow(source=actor("join", "send=out:10:8", outputs=["out"]),
                        sink=actor("join", "listen", inputs={"in": "source/out"})))
        assert done.status == 0
        assert done.summary("sink")["in"]["count"] == 10

After every test, whatever it was about, nothing may be left of what it started (`leave_nothing`).
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
if "DORA_BIN" in os.environ:
    DORA = pathlib.Path(os.environ["DORA_BIN"]).resolve()
    BUILD = pathlib.Path(os.environ.get("DORA_BUILD", DORA.parent.parent)).resolve()
else:
    BUILD = pathlib.Path(os.environ.get("DORA_BUILD", ROOT / "build/release")).resolve()
    DORA = BUILD / "bin/dora"
ACTOR = BUILD / "tests/nodes/actor"
MARK = "DORA_TEST_MARK"
DEADLINE = 60  # seconds, for whatever takes one at most

# In the background of a script, or under nohup, these are ignored, and what is ignored stays so in every process that is
# started: the commands tested could not be interrupted. What is handled becomes the default in them.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


# Processes take a file at a time, in this order. These wait the longest, so that none of them is to be left for the end.
LONGEST = ("test_across", "test_new", "test_two_machines", "test_move", "test_remote", "test_inspect", "test_slow_network",
           "test_examples", "test_run_faults", "test_chaos", "test_run_ending", "test_package", "test_wheel")


def pytest_collection_modifyitems(items):
    order = {stem: i for i, stem in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONGEST)))


def until(condition, what="it", seconds=DEADLINE):
    """Waits until `condition()` is true, and gives what it gave."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} never came to be"
        time.sleep(0.005)
    return result


def actor(*script, **keys):
    """A node that follows a script (tests/nodes/actor.c), with further keys of the descriptor."""
    return {"path": str(ACTOR), "args": shlex.join(script), **keys}


def marked(mark):
    """The processes, zombies aside, that inherited the mark."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            pass
    return found


class Output:
    """What dora run printed with --log-format json to `stdout` and `stderr`, and what nodes said in it."""

    def lines(self, node, level="stdout"):
        """The node's messages of a level; None: of all."""
        found = []
        for line in self.stdout.splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # a line that is still being written
                continue
            if record["node_id"] == node and level in (None, record["level"]):
                found.append(record["message"])
        return found

    def summary(self, node):
        """What the node's last `listen` counted: input → name → number."""
        found = {}
        for line in self.lines(node):
            if line.startswith("summary "):
                _, name, *pairs = line.split()
                found[name] = {key: int(value) for key, value in (pair.split("=") for pair in pairs)}
        return found

    @property
    def dataflow(self):
        return re.search(r"dataflow (\S+) started", self.stderr).group(1)

    def log(self, path, node):
        """The records of the node's log file; `path` is the descriptor's."""
        text = (path.parent / "out" / self.dataflow / f"log_{node}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


@dataclasses.dataclass
class Done(Output):
    status: int
    stdout: str
    stderr: str
    seconds: float


class Running(Output):
    """dora run in the background."""

    def __init__(self, path, *args, env=None, **how):
        self.process = subprocess.Popen(
            [DORA, "run", path, "--log-format", "json", *args],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **how,
        )
        self.pid = self.process.pid
        self._texts = {"stdout": bytearray(), "stderr": bytearray()}
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._texts]
        for reader in self._readers:
            reader.start()

    def _read(self, name):
        while piece := getattr(self.process, name).read1(1 << 20):
            self._texts[name] += piece

    @property
    def stdout(self):
        return bytes(self._texts["stdout"]).decode(errors="replace")

    @property
    def stderr(self):
        return bytes(self._texts["stderr"]).decode(errors="replace")

    def wait_for(self, node, line, count=1, seconds=DEADLINE):
        """Until the node has printed this line (or one that begins so) that often; gives the last of them."""

        def found():
            lines = [text for text in self.lines(node) if text.startswith(line)]
            return lines[count - 1] if len(lines) >= count else None

        try:
            return until(found, f"{line!r} of node {node!r}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.stdout[-4000:]}\n{self.stderr[-4000:]}") from None

    def wait_for_stderr(self, text, seconds=DEADLINE):
        until(lambda: text in self.stderr, f"{text!r} on stderr", seconds)

    def send_signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def wait(self, seconds=DEADLINE):
        """Until it has ended by itself."""
        status = self.process.wait(timeout=seconds)
        for reader in self._readers:
            reader.join(timeout=seconds)
        return status

    def stop(self, seconds=DEADLINE):
        """Ctrl-C, and its end."""
        self.send_signal(signal.SIGINT)
        return self.wait(seconds)


@pytest.fixture(scope="session")
def dora():
    """The program, or the test is skipped."""
    if not DORA.exists() or not ACTOR.exists():
        pytest.skip(f"{BUILD} is not built")
    return DORA


@pytest.fixture(scope="session")
def python(dora):
    """Environment variables with which nodes in Python run: DORA_TEST_PYTHON is an interpreter with pyarrow and numpy, and
    the build's module is in its path. scripts/test makes such an environment."""
    interpreter, package = os.environ.get("DORA_TEST_PYTHON"), BUILD / "python"
    if not interpreter or not (package / "dora").exists():
        pytest.skip("DORA_TEST_PYTHON names no Python with pyarrow, or the Python package is not built")
    return {
        "PATH": f"{pathlib.Path(interpreter).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def flow(tmp_path, dora):
    """Writes a descriptor: flow(id=node, …, name=…, **dataflow keys in `top`); gives its path."""

    def write(top=None, name="flow.yml", **nodes):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = [{"id": id, **node} for id, node in nodes.items()]
        path.write_text(json.dumps({"nodes": listed, **(top or {})}))
        return path

    return write


@pytest.fixture
def run(dora):
    """dora run PATH ARGS… to its end, with log lines in JSON unless `plain`."""

    def finish(path, *args, env=None, plain=False, seconds=DEADLINE, **how):
        began = time.monotonic()
        form = [] if plain else ["--log-format", "json"]
        done = subprocess.run(
            [DORA, "run", path, *form, *args],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            **how,
        )
        stdout, stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        return Done(done.returncode, stdout, stderr, time.monotonic() - began)

    return finish


@pytest.fixture
def start(dora):
    """dora run PATH ARGS… in the background; killed at the test's end if it still runs then."""
    all = []

    def begin(path, *args, **how):
        all.append(Running(path, *args, **how))
        return all[-1]

    yield begin
    for running in all:
        if running.process.poll() is None:
            running.process.kill()
        running.wait()
        running.process.stdout.close()
        running.process.stderr.close()


@pytest.fixture(autouse=True)
def leave_nothing(tmp_path_factory, monkeypatch):
    """After the test no process is left of it, nothing in /dev/shm, and no socket or file in the folders for such."""
    mark = f"{os.getpid()}.{time.monotonic_ns()}"
    with tempfile.TemporaryDirectory(prefix="dora-test-") as scratch:
        monkeypatch.setenv(MARK, mark)
        for variable in ("TMPDIR", "XDG_RUNTIME_DIR"):
            folder = pathlib.Path(scratch) / variable
            folder.mkdir(mode=0o700)
            monkeypatch.setenv(variable, str(folder))
        shared = set(os.listdir("/dev/shm"))
        yield
        # A killed supervisor's children take a moment to die.
        deadline = time.monotonic() + 20
        while (left := marked(mark)) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, "processes are left"
        new = set(os.listdir("/dev/shm")) - shared
        assert not [name for name in new if not name.endswith(".zenoh")]  # dora-rs may run beside us
        files = [str(path) for path in pathlib.Path(scratch).glob("*/**/*")]
        assert not files, "files are left"
