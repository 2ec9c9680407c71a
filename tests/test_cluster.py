"""dora cluster: machines that a file names, with an ssh of the tests' own that runs commands here, in other folders."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from system import system  # noqa: F401

SSH = """#!/bin/sh
# ssh, but for the network: HOST's commands run here, with folders of its own.
echo "$@" >> "$FAKE_SSH/calls"
while [ $# -gt 2 ]; do shift; done
host=${1#*@}
[ "$host" = down.example ] && { echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255; }
mkdir -p "$FAKE_SSH/$host" && cd "$FAKE_SSH/$host" || exit 1
mkdir -p -m 700 run state
HOME=$PWD XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state exec env -u XDG_CONFIG_HOME sh -c "$2"
"""
# Says what it was asked, and does as if.
STUB = """#!/bin/sh
echo "$@" >> "$FAKE_SSH/asked"
case $1 in up) echo "daemon started: process 1";; esac
"""
CLUSTER = """# two machines
coordinator: {addr: 10.0.0.1, port: 7000}
certs: certs
machines:
  - {id: robot, host: 10.0.0.2, user: ubuntu, port: 2222, dora: DORA, labels: {arm: left, note: it's}}
  - {id: base, host: 10.0.0.1, dora: DORA, labels: {disk: big}}
"""


@pytest.fixture
def cluster(system, tmp_path, monkeypatch):  # noqa: F811
    """cluster(text): the path of a cluster's file with this text; in it DORA is the stub."""
    (tmp_path / "bin").mkdir()
    for name, text in (("ssh", SSH), ("stub", STUB)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SSH", str(tmp_path / "ssh"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "ssh").mkdir()

    def write(text=CLUSTER):
        path = tmp_path / "cluster.yml"
        path.write_text(text.replace("DORA", str(tmp_path / "bin/stub")))
        return path

    return write


def asked():
    path = pathlib.Path(os.environ["FAKE_SSH"]) / "asked"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")
def test_up_gives_each_machine_its_certificate_and_starts_it(system, cluster, tmp_path):  # noqa: F811
    path = cluster()
    done = system.dora("cluster", "up", path, status=1)
    assert "there is no certificate for machine `base`" in done.stderr and "dora cluster certs" in done.stderr
    system.dora("cluster", "certs", path)
    done = system.dora("cluster", "up", path)
    assert "robot: started (ubuntu@10.0.0.2)" in done.stdout and "2 of 2 machines are up" in done.stdout
    base, robot = asked()
    config = tmp_path / "config/dora/cluster-base.json5"
    assert base == f"up --machine-id base --labels disk=big --listen tls/10.0.0.1:7000 --zenoh-config {config}"
    config = tmp_path / "ssh/10.0.0.2/.config/dora/cluster-robot.json5"
    assert robot == (
        "up --machine-id robot --labels arm=left --labels note=it's --listen tls/10.0.0.2:7000 "
        f"--connect tls/10.0.0.1:7000 --zenoh-config {config}"
    )
    assert config.read_text() == (tmp_path / "certs/robot.json5").read_text() and config.stat().st_mode & 0o77 == 0
    calls = (tmp_path / "ssh/calls").read_text()
    assert calls.startswith("-o BatchMode=yes -o ConnectTimeout=10 -p 2222 ubuntu@10.0.0.2 umask 077")


def test_the_later_of_two_machines_connects_to_the_earlier(system, cluster):  # noqa: F811
    """Where the file says at which address that one listens."""
    rests = ("host: 10.0.0.1", "host: 10.0.0.2", "host: named.example", "host: 10.0.0.4, listen: []", "host: 10.0.0.5")
    path = cluster(
        "coordinator: {addr: 10.0.0.1}\ninsecure: true\nmachines:\n"
        + "".join(f"  - {{id: m{i}, dora: DORA, {rest}}}\n" for i, rest in enumerate(rests))
    )
    system.dora("cluster", "up", path)
    connects = [re.findall(r"--connect tcp/10.0.0.(\d):7447", line) for line in asked()]
    assert connects == [[], ["1"], ["1", "2"], ["1", "2"], ["1", "2"]]


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")
def test_certificates_are_signed_by_one_authority_and_name_their_machine(system, cluster, tmp_path):  # noqa: F811
    path = cluster()
    system.dora("cluster", "certs", path, "--out", tmp_path / "made", "--days", "30")
    folder = tmp_path / "made"
    assert folder.stat().st_mode & 0o77 == 0 and all(one.stat().st_mode & 0o77 == 0 for one in folder.iterdir())
    for machine, names in (("base", ["DNS:base", "IP Address:10.0.0.1"]), ("robot", ["DNS:robot", "IP Address:10.0.0.2"])):
        text = (folder / f"{machine}.json5").read_text()
        assert "enable_mtls: true" in text and "verify_name_on_connect: true" in text
        parts = {}
        for key, encoded in re.findall(r'(\w+)_base64: "([^"]+)"', text):
            (tmp_path / key).write_bytes(subprocess.check_output(["openssl", "base64", "-d", "-A"], input=encoded.encode()))
            parts[key] = tmp_path / key
        assert parts["root_ca_certificate"].read_bytes() == (folder / "ca.pem").read_bytes()
        subprocess.check_call(["openssl", "verify", "-CAfile", folder / "ca.pem", parts["listen_certificate"]])
        shown = subprocess.check_output(["openssl", "x509", "-noout", "-text", "-in", parts["listen_certificate"]], text=True)
        assert re.search(r"Alternative Name: *\n *(.*)", shown).group(1).split(", ") == names
        assert "CA:FALSE" in shown and f"Subject: CN = {machine}" in shown
        keys = [
            subprocess.check_output(["openssl", *how, "-in", parts[part]])
            for how, part in ((["x509", "-noout", "-pubkey"], "connect_certificate"), (["pkey", "-pubout"], "connect_private_key"))
        ]
        assert keys[0] == keys[1]
    # Once more: what is there stays; a machine that is new gets its own.
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    path.write_text(path.read_text() + "  - {id: third, host: third.example}\n")
    system.dora("cluster", "certs", path, "--out", folder)
    after = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert after.keys() - before.keys() == {"third.json5"}
    assert all(after[name] == before[name] for name in before if name != "ca.srl")
    folder.chmod(0o755)
    assert "others can read" in system.dora("cluster", "certs", path, "--out", folder, status=1).stderr
    assert "number of days" in system.dora("cluster", "certs", path, "--days", "x", status=2).stderr


def test_a_machine_that_can_not_be_reached_is_named_and_the_others_are_started(system, cluster, tmp_path):  # noqa: F811
    path = cluster(
        "coordinator: {addr: 10.0.0.1}\ninsecure: true\nmachines:\n  - {id: base, host: 10.0.0.1, dora: DORA}\n"
        "  - {id: gone, host: down.example}\n  - {id: bare, host: 10.0.0.3, dora: /nowhere/dora}\n"
        "  - {id: broken, host: 10.0.0.4, dora: 'false'}\n  - {id: named, host: named.example, dora: DORA, listen: []}\n"
    )
    done = system.dora("cluster", "up", path, status=1)
    assert "Connection refused" in done.stderr and "`gone` can't be reached by ssh (down.example)" in done.stderr
    assert "ssh-copy-id down.example" in done.stderr
    assert "machine `bare` has no `/nowhere/dora`" in done.stderr and "as `dora:` of the machine" in done.stderr
    assert "machine `broken`: dora exited with 1" in done.stderr
    assert "2 of 5 machines are up" in done.stdout
    to = "".join(f"--connect tcp/10.0.0.{i}:7447 " for i in (1, 3, 4))
    assert asked()[1] == f"up --machine-id named {to}--insecure"
    done = system.dora("cluster", "down", path, status=1)
    assert "nothing is running" in done.stdout and "named: stopped" in done.stdout and "`gone`" in done.stderr
    assert asked()[-1] == "down --force"
    os.remove(tmp_path / "bin/ssh")
    env = {**os.environ, "PATH": str(tmp_path / "bin")}
    assert "there is no `ssh`" in system.dora("cluster", "up", path, status=1, env=env).stderr


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("", "1:1", "the file is empty"),
        ("coordinator: {addr: 10.0.0.1}\nmachines: [{id: a, host: b}]\n", "1:14", "would speak in clear text"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: []\n", "3:11", "at least one machine"),
        ("insecure: true\ncoordinator: {addr: a, bogus: 1}\nmachines: [{id: a, host: b}]\n", "2:24", "no key `bogus`"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: x, host: b}, {id: x, host: c}]\n", "3:12", "the same id"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: 'x y', host: b}]\n", "3:12", "only letters"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: x, host: -oProxyCommand=x}]\n", "3:12", "begin with `-`"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: x}]\n", "3:12", "needs `host`"),
        ("certs: c\ncoordinator: {addr: a}\nmachines: [{id: x, host: b, listen: tcp/b:1}]\n", "3:37", "clear text beyond"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: x, host: a}, {id: y, host: a}]\n", "3:30", "two machines are"),
        ("insecure: true\ncoordinator: {addr: a}\nmachines: [{id: x, host: b, labels: {a: '1,2'}}]\n", "3:38", "can't stand in a label"),
    ],
)
def test_what_a_cluster_s_file_can_not_say(system, cluster, text, place, words):  # noqa: F811
    done = system.dora("cluster", "up", cluster(text), status=1)
    assert f"cluster.yml:{place}: error: " in done.stderr and words in done.stderr
    assert asked() == []


def test_status_names_the_machines_that_are_missing(system, cluster):  # noqa: F811
    path = cluster("coordinator: {addr: 127.0.0.1, id: base}\nmachines: [{id: robot, host: 10.0.0.2, listen: []}]\n")
    assert system.dora("cluster", "status", status=1).stderr
    system.dora("up", "--machine-id", "base")
    done = system.dora("cluster", "status", path, status=1)
    assert re.search(r"^base \* +coordinator +0 ", done.stdout, re.M) and "Active dataflows: 0" in done.stdout
    assert "machine `robot` is not there" in done.stderr and "`base`" not in done.stderr
    system.dora("cluster", "status")
    system.dora("cluster", "down")
    assert not system.pids()
