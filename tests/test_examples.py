"""Each example runs to its end, and its nodes say what they should."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, DEADLINE, ROOT


def ran(run, name, file="dataflow.yml"):
    done = run(BUILD / "examples" / name / file)
    assert done.status == 0, done.stdout + done.stderr
    return done


def test_pipeline(run):
    ran(run, "pipeline")


def test_image(run):
    ran(run, "image")


def test_poll_loop(run):
    assert ran(run, "poll-loop").lines("worker")[-1] == "received 800 values"


def test_service(run):
    done = ran(run, "service")
    for client in ("client-1", "client-2"):
        assert done.lines(client) == [f"{number}² = {number**2}" for number in range(1, 6)]
    assert done.lines("server") == ["answered 10 requests"]


def test_action(run):
    goals = " ".join(ran(run, "action").lines("client"))
    there, midway, back = re.fullmatch(r"drive to 3 (.*) drive to 1000 (.*) drive to 0 (.*)", goals).groups()
    assert there == "  at 1   at 2   at 3 succeeded at 3"
    assert midway.startswith("  at 4   at 5   at 6   that's far enough")
    assert 6 <= int(re.search(r" canceled at (\d+)$", midway).group(1)) < 1000
    assert back.endswith("  at 1   at 0 succeeded at 0")


def test_streaming(run):
    first, second, third = ran(run, "streaming").lines("listener")
    assert first == "segment 0: Hello, I can count."
    assert re.fullmatch(r"segment 1 was given up after: 1 2 3 4 5( \d+)*", second)
    assert third == "segment 2: I have finished."


@pytest.mark.parametrize("arrangement, node", [("dataflow", "report"), ("shared", "vision"), ("one-thread", "vision")])
def test_operators(run, arrangement, node):
    lines = ran(run, "operators", f"{arrangement}.yml").lines(node)
    assert re.fullmatch(r"spot at \d+, \d+", lines[0])
    assert re.fullmatch(r"[1-9]\d* spots, on average \d+ µs after their frame", lines[-1])


@pytest.mark.skipif(not (BUILD / "examples/cxx").exists(), reason="no C++ compiler when this was built")
def test_cxx(run):
    done = ran(run, "cxx")
    lines = done.lines("nearest")
    assert done.lines("lidar") == ["sent 50 scans"]
    assert re.fullmatch(r"scan \d+: nearest of [1-9]\d* points at 2 m", lines[0])
    assert re.fullmatch(r"read \d+ scans", lines[-1])


@pytest.fixture
def ran_python(run, python, tmp_path):
    """An example in Python, in a folder of its own, since what it writes is beside its descriptor."""

    def ran(name, swap=("", "")):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("out", "__pycache__"))
        descriptor = tmp_path / name / "dataflow.yml"
        assert swap[0] in descriptor.read_text()
        descriptor.write_text(descriptor.read_text().replace(*swap))
        done = run(descriptor, env=python)
        assert done.status == 0, done.stdout + done.stderr
        return done

    return ran


@pytest.mark.release_only
def test_python_image(ran_python):
    edges, image = ran_python("python-image").lines("meter")
    assert re.fullmatch(r"edges: 60 images, brightness 2\d\.\d", edges)
    assert re.fullmatch(r"image: 60 images, brightness 12\d\.\d", image)


@pytest.mark.release_only
def test_python_camera(ran_python, tmp_path):
    done = ran_python("python-camera", ('args: "90"', 'args: "20"'))
    assert done.lines("painter") == ["saw 20 images, wrote out/last.png and out/sheet.png"]
    for name, width, height in (("last", 320, 240), ("sheet", 960, 720)):
        head = (tmp_path / f"python-camera/out/{name}.png").read_bytes()[:24]
        assert head == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")


@pytest.mark.release_only
def test_python_web(ran_python):
    page, stream = ran_python("python-web").lines("visitor")
    assert re.fullmatch(r"page of \d+ bytes", page)
    assert re.fullmatch(r"stream: (data: \d+\.\d\d(, )?){3}", stream)


@pytest.mark.release_only
def test_python_operators(ran_python):
    bars = ran_python("python-operators").lines("wheel")
    assert len(bars) == 30 and all(re.fullmatch(r" *-?\d+\.\d\d turns/s =*", bar) for bar in bars)


@pytest.mark.release_only
def test_python_table(ran_python):
    lines = ran_python("python-table").lines("report")
    assert re.fullmatch(r"50 tables, 150 rows, \d+ measured nothing", lines[0])
    assert [line.split()[0] for line in lines[3:]] == ["cellar", "roof", "yard"]


@pytest.mark.release_only
@pytest.mark.skipif(not all(map(shutil.which, ("cargo", "c++", "cmake"))), reason="no cargo, C++ compiler or CMake")
def test_mixed(python, tmp_path):
    """As a user of an installed dora runs it, who has this tree beside it for the crate."""
    prefix, folder = tmp_path / "prefix", tmp_path / "examples/mixed"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(ROOT / "examples/mixed", folder, ignore=shutil.ignore_patterns("bin", "build", "target", "out"))
    (tmp_path / "rust").symlink_to(ROOT / "rust")
    env = {**os.environ, **python, "PATH": f"{prefix}/bin:{python['PATH']}"}
    env.update(CARGO_NET_OFFLINE="true", DORA_LIB_DIR=str(prefix / "lib"))
    command = [prefix / "bin/dora", "run", "dataflow.yml"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=5 * DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"meter: (\d+) Hz, loudness 0\.3\d", done.stdout) == "260 290 330 350 390 440 490 520".split()
