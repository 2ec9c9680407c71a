"""Completion of dora's command line, and the manual: both from the commands' tables."""

import gzip
import json
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

from conftest import BUILD

SHARE = pathlib.Path(__file__).resolve().parent.parent / "share/completions"


def candidates(dora, *words):
    done = subprocess.run([dora, "complete", "--", *words], capture_output=True, text=True, check=True)
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "words, expected",
    [
        (["val"], ["validate"]),
        (["--"], ["--help", "--version"]),
        (["run", "--log-fo"], ["--log-format"]),
        (["run", "--log-format", "j"], ["json"]),
        (["run", "--log-format=j"], ["--log-format=json"]),
        (["run", "--log-format", "=", "j"], ["json"]),  # as bash cuts it
        (["run", "--log-format", "="], ["pretty", "json", "compact"]),
        (["validate", "-f", ""], ["text", "json"]),
        (["run", ""], [":files"]),
        (["run", "--uv", ""], [":files"]),
        (["run", "--", "--"], [":files"]),
        (["run", "a.yml", ""], []),
        (["run", "--stop-after", ""], []),
        (["new", "x", "--kind", "n"], ["node"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["help", "val"], ["validate"]),
        (["help", "validate", ""], []),
        (["no-such-command", ""], []),
    ],
)
def test_what_can_stand_next(dora, words, expected):
    assert candidates(dora, *words) == expected


def test_hidden_commands_are_not_offered(dora):
    offered = candidates(dora, "")
    assert {"run", "validate", "new", "completion"} <= set(offered)
    assert not {"complete", "man"} & set(offered)


@pytest.fixture
def coordinator(tmp_path, monkeypatch):
    """One that knows two dataflows, and answers whatever it is asked with them."""
    nodes = [{"id": "camera"}, {"id": "edges"}]
    dataflows = [
        {"uuid": "0198c0de-0000-7000-8000-000000000001", "name": "vision", "status": "running", "nodes": nodes},
        {"uuid": "0198c0de-0000-7000-8000-000000000002", "name": None, "status": "failed", "nodes": [{"id": "old"}]},
    ]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "dora").mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "dora/coordinator.sock"))
    listener.listen()

    def serve():
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            with peer, peer.makefile("rw") as lines:
                lines.readline()
                hello = {"hello": {"protocol": 1, "version": "0.1.0", "role": "coordinator"}}
                print(json.dumps(hello), file=lines, flush=True)
                for line in lines:
                    answer = {"id": json.loads(line)["id"], "result": {"dataflows": dataflows}}
                    print(json.dumps(answer), file=lines, flush=True)

    server = threading.Thread(target=serve)
    server.start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    server.join()


def test_running_dataflows_are_offered(dora, coordinator):
    assert candidates(dora, "stop", "") == ["vision", "0198c0de-0000-7000-8000-000000000002"]
    assert candidates(dora, "stop", "vi") == ["vision"]
    assert candidates(dora, "logs", "vision", "--node", "") == ["camera", "edges"]


def test_without_a_coordinator_nothing_is_offered(dora, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    done = subprocess.run([dora, "complete", "--", "stop", ""], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(dora, shell):
    script = (SHARE / f"dora.{shell}").read_text()
    assert subprocess.run([dora, "completion", shell], capture_output=True, text=True).stdout == script
    by_default = subprocess.run([dora, "completion"], env={"SHELL": f"/bin/{shell}"}, capture_output=True, text=True)
    assert by_default.stdout == script
    if shutil.which(shell):
        subprocess.run([shell, "-n", SHARE / f"dora.{shell}"], check=True)


def test_another_shell_is_refused(dora):
    done = subprocess.run([dora, "completion", "tcsh"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is one for bash, zsh and fish" in done.stderr


def test_bash_completes(dora, tmp_path):
    """As bash itself calls it: by the words of the line, cut at blanks and `=`."""
    script = f"""
        eval "$({dora} completion bash)"
        compopt() {{ echo "compopt $*"; }}
        try() {{ COMP_WORDS=({dora} "$@") COMP_CWORD=$#; _dora {dora}; echo "${{COMPREPLY[*]}}"; }}
        complete -p dora
        try va
        try run --log-format = c
        try run ''
        try new "a name" --lang p
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "complete -F _dora dora",
        "validate",
        "compact",
        "compopt -o default",
        "",
        "python",
    ]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(dora, tmp_path):
    (tmp_path / "flow.yml").touch()
    script = f"set PATH {dora.parent} $PATH; {dora} completion fish | source; "
    script += "for line in 'dora vali' 'dora run --log-format j' 'dora run fl'; complete -C $line; end"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["validate", "json", "flow.yml"], done.stderr


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes(dora, tmp_path):
    """What the function hands to zsh's own, which need a terminal and are stood in for."""
    script = f"""
        compdef() {{ }}
        _files() {{ print files }}
        _describe() {{ print -l $found }}
        eval "$({dora} completion zsh)"
        try() {{ local words=({dora} "$@" "") CURRENT=$(($# + 1)) PREFIX="${{@[-1]}}"; _dora }}
        try vali
        try run --log-format j
        try run ''
    """
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["validate:Check a dataflow's descriptor", "json", "files"], done.stderr


def pages():
    return sorted((BUILD / "share/man/man1").glob("*.1.gz"))


def test_every_command_has_a_page(dora):
    names = {page.name for page in pages()}
    assert "dora.1.gz" in names
    assert {f"dora-{command}.1.gz" for command in candidates(dora, "")} <= names
    assert "dora-man.1.gz" in names  # pages, other than lists, have what is hidden too
    assert b"dora-man" not in gzip.open(BUILD / "share/man/man1/dora.1.gz").read()


def test_pages_say_what_help_says(dora):
    page = gzip.open(BUILD / "share/man/man1/dora-run.1.gz", "rt").read()
    help = subprocess.run([dora, "run", "--help"], capture_output=True, text=True).stdout
    for option in [word.strip(",[=") for word in help.split() if word.startswith("--")]:
        assert option.split("[")[0].replace("-", r"\-")[2:] in page


@pytest.mark.parametrize(
    "command",
    [["mandoc", "-Tlint", "-Wwarning"], ["groff", "-k", "-mdoc", "-ww", "-Tutf8"], ["man", "-l"]],
    ids=lambda command: command[0],
)
def test_pages_are_well_formed(dora, tmp_path, command):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    for page in pages():
        plain = tmp_path / page.stem
        plain.write_bytes(gzip.open(page).read())
        env = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        done = subprocess.run([*command, plain], capture_output=True, text=True, env=env)
        assert (done.returncode, done.stderr) == (0, ""), page.name
        assert command[0] != "mandoc" or done.stdout == ""
