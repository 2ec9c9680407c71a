"""`dora validate`, `dora graph`, `dora expand`, `dora schema`, and how `dora` itself answers."""

import json
import os
import pathlib
import subprocess

import pytest

from system import Terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent
DORA = pathlib.Path(os.environ.get("DORA_BIN", ROOT / "build/release/bin/dora")).resolve()

PIPELINE = """\
nodes:
  - id: camera
    path: camera.py
    inputs:
      tick: dora/timer/millis/33
    outputs: [image]
    output_types:
      image: std/media/v1/Image
  - id: plot
    path: dynamic
    inputs:
      picture: camera/image
    input_types:
      picture: {expected}
"""


def dora(*args, cwd=None, env=None):
    return subprocess.run(
        [DORA, *map(str, args)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture
def flow(tmp_path):
    """Writes a descriptor and gives its path."""

    def write(text, name="flow.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def good(flow):
    return flow(PIPELINE.format(expected="std/media/v1/Image"))


def mismatched(flow):
    return flow(PIPELINE.format(expected="std/vision/v1/Detection"))


# dora itself


def test_version():
    result = dora("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("dora-cli ")


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands(args):
    result = dora(*args)
    assert result.returncode == 0
    for command in ["validate", "graph", "expand", "schema"]:
        assert command in result.stdout


def commands(*group):
    """All of them, with those of groups."""
    lines = dora(*group, "--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    for word in (line.split()[0] for line in lines if line[2] != " "):
        if "Commands:" in dora(*group, word, "--help").stdout:
            yield from commands(*group, word)
        else:
            yield (*group, word)


def test_help_explains_the_json_of_each_format():
    seen = 0
    for command in commands():
        text = dora(*command, "--help").stdout
        if "--format" in text:
            seen += 1
            assert '{"' in text, command
    assert seen > 15


@pytest.mark.parametrize("columns", [30, 60, 80, 200])
def test_help_fits_the_terminal(columns):
    """But for examples and usage, which are to be copied, and single words."""
    for args in ([], ["run"], ["logs"], ["topic"], ["topic", "echo"], ["daemon"]):
        terminal = Terminal(*args, "--help", columns=columns)
        assert terminal.wait() == 0
        lines = [line.rstrip("\r") for line in terminal.lines()]
        kept = [line for line in lines if "dora " not in line and not line.lstrip().startswith("--")]
        assert len(kept) > len(lines) / 2
        assert not [line for line in kept if len(line) > min(columns, 100) and " " in line.strip()]
        words = " ".join(dora(*args, "--help").stdout.split())
        assert " ".join(" ".join(lines).split()) == words


@pytest.mark.parametrize("command", ["validate", "graph", "expand", "schema", "help"])
def test_every_command_explains_itself(command):
    by_option, by_help = dora(command, "--help"), dora("help", command)
    assert by_option.returncode == 0
    assert f"dora {command}" in by_option.stdout
    assert by_option.stdout == by_help.stdout


@pytest.mark.parametrize(
    "args, message, hint",
    [
        ([], "`dora` needs a command", "dora --help"),
        (["valdate"], "no command `valdate`", "did you mean `dora validate`?"),
        (["help", "grahp"], "no command `grahp`", "did you mean `dora graph`?"),
        (["--frobnicate"], "no option `--frobnicate`", "dora --help"),
        (["validate"], "needs PATH", "dora validate --help"),
        (["validate", "a", "b"], "no use for `b`", "dora validate --help"),
        (["validate", "--strict-type-s", "a"], "no option `--strict-type-s`", "did you mean `--strict-types`?"),
        (["validate", "--format", "xml", "a"], "`--format` can't be `xml`", "text|json"),
        (["graph", "--mermaid", "--dot", "a"], "exclude each other", "HTML"),
    ],
)
def test_wrong_usage(args, message, hint):
    result = dora(*args)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert hint in result.stderr


def test_no_colour_where_nobody_looks(flow):
    result = dora("validate", flow("nodes: 7\n"))
    assert "\033" not in result.stdout + result.stderr


def test_a_full_disk_is_an_error(flow):
    path = good(flow)
    with open("/dev/full", "w") as full:
        result = subprocess.run([DORA, "expand", path], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert result.returncode == 1
    assert "can't write to stdout" in result.stderr


# validate


def test_a_right_dataflow(flow):
    path = good(flow)
    result = dora("validate", path)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        f"Validating {path}...",
        "Input/output wiring OK.",
        "Descriptor config OK.",
        "All type annotations OK.",
    ]


def test_all_errors_in_one_run(flow):
    path = flow("nodes:\n  - id: a\n    path: x\n    inputs: {i: bb/out, j: dora/timer/weeks/1}\n  - id: b\n    pth: x\n")
    result = dora("validate", path)
    assert result.returncode == 1
    assert f"{path}:4:" in result.stderr
    assert "bb" in result.stderr
    assert "weeks" in result.stderr
    assert "pth" in result.stderr
    assert "error: " in result.stderr


def test_a_missing_file():
    result = dora("validate", "/nowhere/flow.yml")
    assert result.returncode == 1
    assert result.stderr.startswith("error: /nowhere/flow.yml: No such file or directory\nhint: ")
    assert "hint: name the descriptor in it, such as /tmp/dataflow.yml\n" in dora("validate", "/tmp").stderr


def test_types_warn(flow):
    result = dora("validate", mismatched(flow))
    assert result.returncode == 0
    assert "Type warnings:" in result.stdout
    assert (
        'node "plot": type mismatch on input "picture": upstream camera/image declares "std/media/v1/Image",'
        ' but expected "std/vision/v1/Detection"'
    ) in result.stdout
    assert "1 type warning(s) found." in result.stdout


@pytest.mark.parametrize("by", ["option", "descriptor"])
def test_strict_types_fail(flow, by):
    path = mismatched(flow)
    if by == "descriptor":
        path.write_text("strict_types: true\n" + path.read_text())
    result = dora("validate", path, *(["--strict-types"] if by == "option" else []))
    assert result.returncode == 1
    assert "1 type warning(s) found." in result.stdout
    assert "breaks strict types" in result.stderr


def test_rules_of_the_dataflow_make_types_fit(flow):
    path = mismatched(flow)
    path.write_text(path.read_text() + "type_rules:\n  - {from: std/media/v1/Image, to: std/vision/v1/Detection}\n")
    result = dora("validate", path)
    assert result.returncode == 0
    assert "All type annotations OK." in result.stdout


def test_inferred_types_are_told(flow):
    text = PIPELINE.format(expected="x")
    path = flow(text[: text.rindex("    input_types")])
    result = dora("validate", path)
    assert result.returncode == 0
    assert 'node "plot": input "picture" inferred as "std/media/v1/Image" from upstream camera/image' in result.stdout


def test_the_users_own_types(flow):
    path = flow(PIPELINE.format(expected="arm/v1/Grasp"))
    assert 'unknown type "arm/v1/Grasp"' in dora("validate", path).stdout
    flow("types:\n  Grasp: {arrow: Struct, fields: [{name: width, type: Float32}]}\n", "types/arm/v1.yml")
    result = dora("validate", path)
    assert "unknown type" not in result.stdout
    assert "type mismatch" in result.stdout


def test_findings_as_json(flow):
    path = mismatched(flow)
    result = dora("validate", "--format", "json", path)
    assert result.returncode == 0
    document = json.loads(result.stdout)
    assert document["path"] == str(path)
    assert document["valid"] is True
    (finding,) = document["findings"]
    assert finding["severity"] == "warning"
    assert finding["type"] is True
    assert (finding["file"], finding["line"]) == (str(path), 12)
    assert json.loads(dora("validate", "--format=json", "--strict-types", path).stdout)["valid"] is False
    assert "\"severity\"" in dora("validate", "--help").stdout


# graph


def test_mermaid(flow):
    result = dora("graph", "--mermaid", good(flow))
    assert result.returncode == 0
    assert result.stdout.startswith("flowchart TB\n")
    assert 'camera -- "image → picture" --> plot' in result.stdout
    assert "timer 33 ms" in result.stdout


def test_dot(flow):
    result = dora("graph", "--dot", good(flow))
    assert result.returncode == 0
    assert result.stdout.startswith("digraph dataflow {\n")
    assert '"camera" -> "plot" [label="image → picture"];' in result.stdout


def test_pages_never_overwrite(flow, tmp_path):
    path = good(flow)
    for name in ["flow-graph.html", "flow-graph.1.html", "flow-graph.2.html"]:
        result = dora("graph", path, cwd=tmp_path)
        assert result.returncode == 0
        assert result.stdout == f"The graph is in {tmp_path / name}\n"
        page = (tmp_path / name).read_text()
        assert page.startswith("<!DOCTYPE html>")
        assert "camera/image → plot/picture" in page


def test_a_page_shows_env_and_escapes_it(flow, tmp_path):
    path = flow("nodes:\n  - id: a\n    path: x\n    env: {TEXT: '</title><script>evil()</script>'}\n")
    assert dora("graph", path, cwd=tmp_path).returncode == 0
    page = (tmp_path / "flow-graph.html").read_text()
    assert "TEXT=&lt;/title&gt;&lt;script&gt;evil()" in page
    assert "<script>evil" not in page


def test_open_hands_the_page_to_the_desktop(flow, tmp_path):
    tool = tmp_path / "bin" / "xdg-open"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$1" > opened\n')
    tool.chmod(0o755)
    result = dora("graph", good(flow), "--open", cwd=tmp_path, env={"PATH": f"{tool.parent}:{os.environ['PATH']}"})
    assert result.returncode == 0
    assert (tmp_path / "opened").read_text() == "flow-graph.html\n"


def test_a_folder_that_can_not_be_written(flow, tmp_path):
    path = good(flow)
    result = dora("graph", path, cwd="/proc")
    assert result.returncode == 1
    assert "can't write flow-graph.html" in result.stderr


@pytest.mark.parametrize("option", ["--mermaid", "--dot", None])
def test_a_wrong_dataflow_is_not_drawn(flow, tmp_path, option):
    path = flow("nodes:\n  - id: a\n    path: x\n    inputs: {i: gone/out}\n")
    result = dora("graph", path, *([option] if option else []), cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "has 1 error" in result.stderr


# expand

MODULE = """\
module: {name: double, inputs: [value], outputs: [doubled]}
nodes:
  - id: worker
    path: worker.py
    inputs: {in: _mod/value}
    outputs: [doubled]
"""

USES_MODULE = """\
nodes:
  - id: source
    path: source
    outputs: [n]
  - id: twice
    module: double.yml
    inputs: {value: source/n}
  - id: sink
    path: sink
    inputs: {result: twice/doubled}
"""


def test_modules_are_put_in_place(flow, tmp_path):
    flow(MODULE, "double.yml")
    result = dora("expand", flow(USES_MODULE))
    assert result.returncode == 0
    assert "id: twice.worker" in result.stdout
    assert "module" not in result.stdout
    again = dora("expand", flow(result.stdout, "flat.yml"))
    assert again.stdout == result.stdout
    drawn = dora("graph", "--mermaid", tmp_path / "flow.yml")
    assert "twice.worker" in drawn.stdout


def test_the_file_of_a_module_is_checked(flow):
    path = flow(MODULE, "double.yml")
    result = dora("expand", "--module", path)
    assert result.returncode == 0
    assert result.stdout == f"Module file is valid: {path}\n"
    broken = flow(MODULE.replace("outputs: [doubled]}", "outputs: [halved]}"), "broken.yml")
    result = dora("expand", "--module", broken)
    assert result.returncode == 1
    assert "halved" in result.stderr


def test_a_dataflow_is_no_module(flow):
    result = dora("expand", "--module", good(flow))
    assert result.returncode == 1
    assert "is a dataflow" in result.stderr


# schema


def test_the_schema_is_json_and_knows_the_keys():
    result = dora("schema")
    assert result.returncode == 0
    schema = json.loads(result.stdout)
    assert "nodes" in schema["properties"]
