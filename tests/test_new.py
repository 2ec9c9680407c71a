"""dora new: projects that build and run at once, and the names they can have."""

import compileall
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import ACTOR, BUILD, DEADLINE


@pytest.fixture(scope="module")
def prefix(dora, tmp_path_factory):
    """An installed dora."""
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def path_with(folder):
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def new(tmp_path, dora):
    """dora new ARGS…, in the test's folder."""

    def make(*args, **how):
        return subprocess.run([dora, "new", *args], cwd=tmp_path, capture_output=True, text=True, **how)

    return make


@pytest.fixture
def environment(python, tmp_path):
    """Variables of an environment as a user makes it, in which nodes can be installed. It has what DORA_TEST_PYTHON has,
    and dora's package; and nothing is fetched."""
    python3 = pathlib.Path(shutil.which("python3", path=python["PATH"]))
    subprocess.run([python3, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    [packages] = (tmp_path / "env/lib").glob("python3*/site-packages")
    [others] = python3.parent.parent.glob("lib/python3*/site-packages")
    (packages / "dora.pth").write_text(f"{python['PYTHONPATH']}\n{others}\n")
    (tmp_path / "env/bin/pip").write_text(f'#!/bin/sh\nexec {tmp_path}/env/bin/python -m pip "$@"\n')
    (tmp_path / "env/bin/pip").chmod(0o755)
    # The variable is the opposite of what it says.
    return {**path_with(tmp_path / "env/bin"), "PIP_NO_BUILD_ISOLATION": "no", "PIP_NO_INDEX": "yes"}


def heard(dora, folder, env):
    """What the listener of a project heard in its first seconds; `dora run` builds it."""
    done = subprocess.run(
        [dora, "run", "dataflow.yml", "--stop-after", "2500ms"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"I heard on (.*)", done.stdout))


@pytest.mark.release_only
@pytest.mark.parametrize("language, name, suffix", [("c", "C", "c"), ("cxx", "C++", "cc")])
def test_a_project_builds_and_runs(new, prefix, tmp_path, language, name, suffix):
    done = new("hello", "--lang", language)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"Created new {name} dataflow `hello` at ./hello"
    for node in ("talker_1", "talker_2", "listener_1"):
        assert {path.name for path in (tmp_path / "hello" / node).iterdir()} == {f"node.{suffix}", "CMakeLists.txt"}
    assert "project(hello " in (tmp_path / "hello/CMakeLists.txt").read_text()
    assert heard(prefix / "bin/dora", tmp_path / "hello", path_with(prefix / "bin")) == {
        "speech-1: Hello from talker_1",
        "speech-2: Hello from talker_2",
    }


@pytest.mark.release_only
def test_a_build_folder_is_as_good_as_an_installed_dora(new, dora, tmp_path):
    done = new("hello")
    folder = re.search(r'export PATH="(.*):\$PATH"', done.stdout).group(1)
    assert folder == str(dora.resolve().parent)
    assert "export PATH" not in new("other", env=path_with(folder)).stdout
    subprocess.run(["cmake", "-B", "build"], cwd=tmp_path / "hello", env=path_with(folder), check=True)
    subprocess.run(["cmake", "--build", "build"], cwd=tmp_path / "hello", check=True)
    assert (tmp_path / "hello/bin/listener_1").exists()


@pytest.mark.release_only
@pytest.mark.parametrize("language, name", [("c", "C"), ("cxx", "C++")])
def test_a_node_joins_a_dataflow_as_dora_says(new, dora, tmp_path, language, name):
    done = new("my-node.2", "--kind", "node", "--lang", language)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first == f"Created new {name} custom node `my-node.2` at ./my-node.2"
    listed = [line for line in lines if line.startswith(("  - id", "    "))]
    (tmp_path / "dataflow.yml").write_text("\n".join(["nodes:", *listed]))
    subprocess.run(
        [dora, "run", "dataflow.yml", "--stop-after", "200ms"],
        cwd=tmp_path,
        env=path_with(dora.parent),
        check=True,
        timeout=2 * DEADLINE,
    )
    assert (tmp_path / "bin/my-node.2").exists()


@pytest.mark.release_only
@pytest.mark.parametrize("language, name, suffix", [("c", "C", "c"), ("cxx", "C++", "cc")])
def test_an_operator_joins_a_dataflow_as_dora_says(new, prefix, tmp_path, language, name, suffix):
    done = new("my-operator.2", "--kind", "operator", "--lang", language)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first == f"Created new {name} operator `my-operator.2` at ./my-operator.2"
    assert {path.name for path in (tmp_path / "my-operator.2").iterdir()} == {f"operator.{suffix}", "CMakeLists.txt"}
    listed = [line for line in lines if line.startswith(("  - id", "    "))]
    listener = {"id": "listener", "path": str(ACTOR), "args": "join listen"}
    listener["inputs"] = {"in": "my-operator.2/speech"}
    (tmp_path / "dataflow.yml").write_text("\n".join(["nodes:", *listed, "  - " + json.dumps(listener)]))
    done = subprocess.run(
        [prefix / "bin/dora", "run", "dataflow.yml", "--stop-after", "1s"],
        cwd=tmp_path,
        env=path_with(prefix / "bin"),
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"summary in count=[1-9]", done.stdout), done.stdout


@pytest.mark.release_only
def test_an_operator_in_python_joins_a_dataflow_as_dora_says(new, start, tmp_path, environment):
    listed = new("my-operator.2", "--kind", "operator", "--lang", "python", check=True).stdout.splitlines()
    assert listed[0] == "Created new Python operator `my-operator.2` at ./my-operator.2"
    listed = [line for line in listed if line.startswith(("  - id", "    "))]
    listener = {"id": "listener", "path": str(ACTOR), "args": "join listen"}
    listener["inputs"] = {"in": "my-operator.2/speech"}
    (tmp_path / "dataflow.yml").write_text("\n".join(["nodes:", *listed, "  - " + json.dumps(listener)]))
    running = start("dataflow.yml", cwd=tmp_path, env=environment)
    running.wait_for("listener", "input in ")
    assert running.stop() == 0, running.stderr


def test_a_project_in_python_is_valid(new, dora, tmp_path):
    done = new("hello", "--lang", "python")
    assert done.returncode == 0
    assert done.stdout.startswith("Created new Python dataflow `hello` at ./hello\n")
    assert "dora's Python package" in done.stdout
    assert new("my-node", "--lang", "python", "--kind", "node").returncode == 0
    assert (tmp_path / "my-node/my_node/main.py").exists()
    assert not [path for path in (tmp_path / "my-node").rglob("*") if path.is_file() and "talker" in path.read_text()]
    for project in ("hello", "my-node"):
        assert compileall.compile_dir(tmp_path / project, quiet=1)
    for node in ("talker_1", "talker_2", "listener_1"):
        folder = tmp_path / "hello" / node.replace("_", "-")
        modules = [f"{node}/{module}.py" for module in ("__init__", "__main__", "main")]
        for file in ["pyproject.toml", "README.md", f"tests/test_{node}.py", *modules]:
            assert (folder / file).exists()
    subprocess.run([dora, "validate", tmp_path / "hello/dataflow.yml"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.release_only
def test_a_project_in_python_builds_and_runs(new, start, tmp_path, environment):
    new("hello", "--lang", "python", check=True)
    running = start(tmp_path / "hello/dataflow.yml", env=environment)
    for number in (1, 2):
        heard = f"I heard on speech-{number}: Hello from talker_{number}"
        running.wait_for("listener_1", heard, seconds=3 * DEADLINE)
    assert running.stop() == 0
    for node in ("talker-1", "listener-1"):
        subprocess.run(["python", "-m", "pytest", "-q"], cwd=tmp_path / "hello" / node, env=environment, check=True)


@pytest.mark.release_only
def test_a_node_in_python_joins_a_dataflow_as_dora_says(new, dora, tmp_path, environment):
    listed = new("my-node.2", "--kind", "node", "--lang", "python", check=True).stdout.splitlines()
    listed = [line for line in listed if line.startswith(("  - id", "    "))]
    (tmp_path / "dataflow.yml").write_text("\n".join(["nodes:", *listed]))
    command = [dora, "run", "dataflow.yml", "--stop-after", "200ms"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=2 * DEADLINE)
    subprocess.run(["python", "-m", "pytest", "-q"], cwd=tmp_path / "my-node.2", env=environment, check=True)


@pytest.mark.parametrize("pip", ["pip", "pip3"])
def test_with_uv_pip_is_that_of_uv(dora, tmp_path, pip):
    (tmp_path / "uv").write_text('#!/bin/sh\necho "$@" >said\n')
    (tmp_path / "uv").chmod(0o755)
    (tmp_path / "dataflow.yml").write_text(f"nodes: [{{id: node, path: node, build: {pip} install -e node}}]")
    subprocess.run([dora, "build", "--uv", "dataflow.yml"], cwd=tmp_path, env=path_with(tmp_path), check=True)
    assert (tmp_path / "said").read_text() == "pip install -e node\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["a/b"], "can't have a `/`"),
        (["café"], "beyond ASCII"),
        (["../up"], "can't have a `/`"),
        ([".hidden"], "can't be a name"),
        ([""], "can't be a name"),
        (["two words"], "can't be a name"),
        (["x" * 300], "can't be a name"),
        (["test", "--kind", "node"], "keeps for itself"),
        (["all", "--kind", "operator"], "keeps for itself"),
        (["library", "--kind", "operator"], "can't begin with `lib`"),
        (["x", "--lang", "rust"], "no template for Rust"),
        (["x", "--lang", "ada"], "`--lang` can't be `ada`"),
        ([], "needs NAME"),
    ],
)
def test_names_and_languages_that_are_refused(new, tmp_path, arguments, message):
    done = new(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_left_alone(new, tmp_path):
    (tmp_path / "hello").mkdir()
    done = new("hello")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ./hello exists already")
    assert not list((tmp_path / "hello").iterdir())


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
def test_nothing_is_left_of_a_project_that_could_not_be_written(dora, tmp_path):
    """Files can't be larger than 100 bytes: writing one fails."""
    command = ["prlimit", "--fsize=100", "env", "--ignore-signal=XFSZ", dora, "new", "hello"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "can't write hello/" in done.stderr
    assert not list(tmp_path.iterdir())
