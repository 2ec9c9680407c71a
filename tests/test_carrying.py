"""deploy.distribute: programs that `dora start` brings to the machines which run them (docs/machines.md)."""

import base64
import hashlib
import os
import pathlib
import shutil
import struct

import pytest

from conftest import ACTOR, actor, until
from control import Fault, Peer
from sites import sites  # noqa: F401
from system import Terminal

# ruff: noqa: F811


def there(*script, machine="robot", path="./node", distribute="scp", **keys):
    return {**actor(*script, **keys), "path": path, "deploy": {"machine": machine, "distribute": distribute}}


def running(site, node, name="one"):
    """The file that the node's process runs."""
    info = site.dora("node", "list", "-d", name, "-f", "json").json()
    return os.readlink(f"/proc/{next(one['pid'] for one in info if one['node'] == node)}/exe")


def carried(site):
    """What lies on the machine: SHA-256/name."""
    folder = site.state / "files"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


LISTENS = ("join", "listen")
TICKS = {"t": "dora/timer/millis/50"}


@pytest.mark.parametrize("word", ["scp", "http"])
def test_a_program_is_carried_run_from_there_and_not_sent_again(sites, flow, word):
    base, robot = sites.join("base", "robot")
    path = flow(node=there(*LISTENS, inputs=TICKS, distribute=word), near={**actor(*LISTENS, inputs=TICKS), "path": "./node"})
    shutil.copy(ACTOR, path.parent / "node")
    base.start(path, "--name", "one")
    name = f"{digest(ACTOR)}/node"
    assert carried(robot) == [name] and carried(base) == []
    file = robot.state / "files" / name
    assert running(base, "node") == str(file) and running(base, "near") == str(path.parent / "node")
    assert file.stat().st_mode & 0o777 == 0o755 and (robot.state / "files").stat().st_mode & 0o77 == 0
    made = file.stat().st_mtime_ns, file.stat().st_ino
    # Started again, also when the program here is another one by now, it is the same.
    (path.parent / "node").unlink()
    shutil.copy(shutil.which("true"), path.parent / "node")
    base.dora("node", "restart", "node")
    assert running(base, "node") == str(file)
    base.dora("stop", "one")
    (path.parent / "node").unlink()
    shutil.copy(ACTOR, path.parent / "node")
    base.start(path, "--name", "one")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == made
    # What runs is kept.
    base.dora("clean")
    assert carried(robot) == [name]
    base.dora("stop", "one")
    base.dora("clean")
    until(lambda: carried(robot) == [], "the file to be removed")


def test_from_any_machine_to_any_other_and_not_to_its_own(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(
        at_base=there(*LISTENS, machine="base", inputs=TICKS),
        at_robot=there(*LISTENS, inputs=TICKS),
        anywhere={**actor(*LISTENS, inputs=TICKS), "path": "node", "deploy": {"distribute": "scp"}},
    )
    shutil.copy(ACTOR, path.parent / "node")
    robot.start(path, "--name", "one")
    file = base.state / "files" / digest(ACTOR) / "node"
    assert running(base, "at_base") == running(base, "anywhere") == str(file)
    assert running(base, "at_robot") == str(path.parent / "node") and carried(robot) == []
    robot.dora("stop", "one")


def test_a_dataflow_that_is_restarted_runs_the_same_file(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(node=there(*LISTENS, inputs=TICKS))
    shutil.copy(ACTOR, path.parent / "node")
    base.start(path, "--name", "one")
    (path.parent / "node").unlink()
    base.dora("restart", "one")
    until(lambda: running(base, "node").startswith(str(robot.state)), "the node again")
    # Where it is gone, that is said.
    base.dora("stop", "one")
    shutil.rmtree(robot.state / "files")
    done = base.dora("restart", "one", status=1)
    assert "`node` was not carried to this machine" in done.stderr and "dora start" in done.stderr


def test_a_script_keeps_its_name_and_its_folder_is_the_dataflow_s(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(node=there(path="say.py"), command={**there(path="sh"), "args": "-c 'echo a command'"})
    (path.parent / "say.py").write_text("import os, sys\nprint('runs', sys.argv[0], 'in', os.getcwd())\n")
    done = base.dora("start", path, "--attach")
    file = robot.state / "files" / digest(path.parent / "say.py") / "say.py"
    assert f"runs {file} in {path.parent}" in done.stdout
    # A command on PATH is the other machine's own.
    assert "a command" in done.stdout and len(carried(robot)) == 1


def test_a_program_below_its_working_directory(sites, flow):
    base, robot = sites.join("base", "robot")
    node = there("say=hello", path="./tool")
    node["deploy"]["working_dir"] = "sub"
    path = flow(node=node)
    (path.parent / "sub").mkdir()
    shutil.copy(ACTOR, path.parent / "sub/tool")
    assert "hello" in base.dora("start", path, "--attach").stdout
    assert carried(robot) == [f"{digest(ACTOR)}/tool"]


def test_where_labels_fit_each_machine_gets_it(sites, flow):
    base, robot, spare = sites.join("base", "robot", "spare", args=("--lost-after", "1s"))
    for site in (robot, spare):
        site.dora("down")
        sites.up(site, "--labels", "eye=yes")
    until(lambda: sum(one["alive"] for one in base.daemons()) == 3, "all machines")
    node = there(*LISTENS, inputs=TICKS, restart_policy="always")
    node["deploy"] = {"labels": {"eye": "yes"}, "distribute": "scp"}
    path = flow(node=node, near=actor(*LISTENS, inputs=TICKS))
    shutil.copy(ACTOR, path.parent / "node")
    base.start(path, "--name", "one")
    assert carried(robot) == carried(spare) == [f"{digest(ACTOR)}/node"] and carried(base) == []
    on, other = (robot, spare) if running(base, "node").startswith(str(robot.state)) else (spare, robot)
    os.kill(on.pids()["daemon"], 9)
    until(lambda: any(one["node"] == "node" and one["machine"] == other.name and one["status"] == "running"
                      for one in base.dora("node", "list", "-d", "one", "-f", "json").json()), "the node over there")
    assert running(base, "node") == str(other.state / "files" / digest(ACTOR) / "node")
    base.dora("stop", "one")


def test_a_node_moves_to_where_its_file_is(sites, flow):
    base, robot, spare = sites.join("base", "robot", "spare")
    path = flow(
        node=there(*LISTENS, inputs=TICKS), at_base=there(*LISTENS, machine="base", inputs=TICKS),
        at_spare=there(*LISTENS, machine="spare", path="./other", inputs=TICKS),
    )
    for name in ("node", "other"):
        shutil.copy(ACTOR, path.parent / name)
    base.start(path, "--name", "one")
    done = base.dora("node", "move", "node", "--to", "spare", status=1)
    assert "its program `node` was not carried to this machine" in done.stderr, done
    assert running(base, "node").startswith(str(robot.state))
    base.dora("node", "move", "node", "--to", "base")
    assert running(base, "node") == str(path.parent / "node")
    base.dora("node", "move", "node", "--to", "robot")
    assert running(base, "node").startswith(str(robot.state))
    base.dora("stop", "one")


def elf(machine):
    """The beginning of a program for another kind of machine."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + bytes(100)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: None, "node `node`: there is no file `./node` to carry"),
        (lambda path: path.mkdir(), "there is no file `./node` to carry"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: (path.touch(), os.truncate(path, (512 << 20) + 1)), "at most 512 can be carried"),
        (lambda path: path.write_bytes(elf(8)), "`node` is for ELF machine 8, and machine robot is "),
        (lambda path: (path.write_text("x"), path.chmod(0)), "can't read"),
    ],
)
def test_what_can_not_be_carried_is_told_before_anything_starts(sites, flow, make, words):
    base, robot = sites.join("base", "robot")
    path = flow(near=actor(*LISTENS, inputs=TICKS), node=there(*LISTENS, inputs=TICKS))
    make(path.parent / "node")
    if words == "can't read" and os.geteuid() == 0:
        pytest.skip("root reads everything")
    done = base.dora("start", path, "--detach", status=1)
    assert words in done.stderr and "triggered" not in done.stdout, done
    assert base.list() == [] and carried(robot) == []


def test_what_is_no_program_of_its_own_is_left_out_with_a_word(sites, flow):
    base, robot = sites.join("base", "robot")
    dynamic = {"path": "dynamic", "outputs": ["out"], "deploy": {"machine": "robot", "distribute": "scp"}}
    path = flow(
        host={"operators": [{"id": "op", "python": "op.py", "outputs": ["out"]}], "deploy": {"distribute": "scp"}},
        hand=dynamic, near=actor(*LISTENS, inputs=TICKS),
    )
    (path.parent / "op.py").write_text("class Operator:\n    pass\n")
    done = base.dora("start", path, "--detach", "--name", "one", status=None)
    assert "warning: node `host`: what its operators load is not carried" in done.stderr and "`hand`" not in done.stderr
    assert carried(robot) == carried(base) == []
    base.dora("stop", "one", "--force", status=None)


def test_a_machine_that_is_not_there(sites, flow):
    base, robot = sites.join("base", "robot")
    path = flow(node=there(*LISTENS, machine="robt"))
    done = base.dora("start", path, "--detach", status=1)
    assert "machine `robt`, which isn't there" in done.stderr and base.list() == []


@pytest.mark.parametrize("machine", ["robot", "base"])
def test_a_large_file_in_many_pieces_and_how_far_it_is(sites, flow, machine):
    base, robot = sites.join("base", "robot")
    to, by = (robot, base) if machine == "robot" else (base, robot)
    path = flow(node=there("say=there", machine=machine))
    with open(path.parent / "node", "wb") as file:
        file.write(ACTOR.read_bytes() + os.urandom(24 << 20))
    (path.parent / "node").chmod(0o755)
    terminal = Terminal("start", path, "--attach", env=by.environment)
    assert terminal.wait() == 0
    assert f"carrying node to machine {machine}: " in terminal.text
    assert carried(to) == [f"{digest(path.parent / 'node')}/node"]


def test_pieces_that_make_no_sense(sites):
    """What any process of the user could ask for, by the coordinator."""
    base, robot = sites.join("base", "robot")
    peer = Peer(base.runtime / "coordinator.sock", "cli")
    data = b"#!/bin/sh\necho hello\n"
    name = {"machine": "robot", "sha256": hashlib.sha256(data).hexdigest(), "name": "tool"}
    whole = {**name, "size": len(data), "elf": 0}

    def fault(method, **params):
        with pytest.raises(Fault) as caught:
            peer.call(method, **params)
        return caught.value

    for changes in (
        {"sha256": "../" * 21 + "x"}, {"sha256": "A" * 64}, {"sha256": ""}, {"name": "../tool"}, {"name": ""}, {"name": ".."},
        {"name": "x" * 201}, {"size": 0}, {"size": -1}, {"size": (512 << 20) + 1}, {"elf": -1}, {"elf": 65536}, {"size": "1"},
    ):
        assert fault("file.offer", **{**whole, **changes}).code == "invalid", changes
    assert fault("file.offer", **{**whole, "machine": "moon"}).code == "not-found"
    assert fault("file.clean", machine="robot", keep=[]).code == "invalid"
    assert fault("file.put", **name, offset=0, data="aGVsbG8=").code == "not-found"
    assert peer.call("file.offer", **whole) == {"has": False, "offset": 0}
    assert fault("file.put", **name, offset=0, data="no Base64").code == "invalid"
    half = base64.b64encode(data[:10]).decode()
    assert peer.call("file.put", **name, offset=0, data=half) == {"offset": 10}
    assert peer.call("file.put", **name, offset=0, data=half) == {"offset": 10}  # nothing is written twice
    assert peer.call("file.put", **name, offset=11, data=half) == {"offset": 10}
    assert peer.call("file.offer", **whole) == {"has": False, "offset": 10}  # and goes on from there
    assert fault("file.put", **name, offset=10, data=base64.b64encode(data).decode()).code == "invalid"  # too much
    rest = base64.b64encode(data[10:]).decode()
    assert peer.call("file.put", **name, offset=10, data=rest) == {"offset": len(data), "has": True}
    assert peer.call("file.offer", **whole) == {"has": True, "offset": len(data)}
    # What isn't what it says is not kept.
    other = {**name, "sha256": "0" * 64}
    peer.call("file.offer", **{**whole, **other})
    said = fault("file.put", **other, offset=0, data=base64.b64encode(data).decode())
    assert said.code == "failed" and "not what was offered" in said.message
    # Twenty that are begun: the oldest make room.
    for i in range(20):
        peer.call("file.offer", **{**whole, "sha256": f"{i:064x}"})
    assert fault("file.put", **{**name, "sha256": f"{0:064x}"}, offset=0, data=half).code == "not-found"
    assert len(list((robot.state / "files").glob("new-*"))) == 16
    peer.close()
    robot.dora("down")
    sites.up(robot)
    assert carried(robot) == [f"{name['sha256']}/tool"] and not list((robot.state / "files").glob("new-*"))
