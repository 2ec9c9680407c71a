"""The service manager's units, run by systemd itself: a user manager in a place of its own, which ends with the test."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import DEADLINE, DORA, actor

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANAGER = "/lib/systemd/systemd"

# systemd runs only where a system was booted with it, by the look of this folder; here that is only seen from within.
# Its control groups are made below one that is removed again.
IN_A_PLACE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
group=/sys/fs/cgroup
if [ -d $group/systemd ]; then group=$group/systemd; fi
mkdir -p $group/{name}
echo $$ >$group/{name}/cgroup.procs
exec unshare -C --pid --fork --mount-proc --kill-child sh -c '{command}'
"""

SCENARIO = """
set -e
{manager} --user --log-target=console >{folder}/manager.log 2>&1 &
manager=$!
until systemctl --user list-units >{folder}/units 2>&1; do kill -0 $manager; done
systemctl --user enable --now dora-coordinator.socket dora-daemon.service
{dora} up
{dora} status
systemctl --user is-active dora-daemon.service dora-coordinator.service dora-coordinator.socket
{dora} start {flow} --detach --name one
kill -KILL $(systemctl --user show -p MainPID --value dora-coordinator.service)
{dora} topic echo source/out --count 1 -f json >{folder}/message
until [ "$(systemctl --user show -p NRestarts --value dora-coordinator.service)" = 1 ]; do :; done
systemctl --user stop dora-daemon.service
{dora} list -f json
systemctl --user is-active dora-coordinator.service
systemctl --user stop dora-coordinator.socket dora-coordinator.service
echo end
kill $manager
wait $manager || true
"""


def in_a_place(name, command):
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", IN_A_PLACE.format(name=name, command=command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=2 * DEADLINE,
    )
    # What systemd has made, from below.
    for folder in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/{name}/**/"), reverse=True):
        folder.rmdir()
    return done


@pytest.mark.skipif(not pathlib.Path(MANAGER).exists(), reason="systemd is not installed")
@pytest.mark.release_only
def test_the_units_run_dora(dora, flow, tmp_path, monkeypatch):
    name = f"dora-test-{os.getpid()}"
    if os.geteuid() != 0 or in_a_place(name, "true").returncode != 0:
        pytest.skip("needs root, and control groups that it may change")
    units = tmp_path / "config/systemd/user"
    units.mkdir(parents=True)
    for folder in ("run", "state", "home"):
        (tmp_path / folder).mkdir(mode=0o700)
    for unit in (ROOT / "packaging/systemd").iterdir():
        (units / unit.name).write_text(unit.read_text().replace("ExecStart=", f"ExecStart={dora.resolve().parent}/"))
    for variable, folder in (("RUNTIME_DIR", "run"), ("STATE_HOME", "state"), ("CONFIG_HOME", "config")):
        monkeypatch.setenv(f"XDG_{variable}", str(tmp_path / folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = flow(
        source=actor("join", "echo=out", "listen", inputs={"t": "dora/timer/millis/10"}, outputs=["out"]),
        sink=actor("join", "quiet", "listen", inputs={"in": "source/out"}),
    )
    done = in_a_place(name, SCENARIO.format(manager=MANAGER, folder=tmp_path, dora=DORA, flow=path))
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    # The daemon has spoken to the coordinator's socket, and so started it.
    assert lines[0].startswith("coordinator already running") and lines[1].startswith("daemon already running")
    assert lines[3:5] == ["Coordinator: Running", "Daemon: Running"] and lines[6:9] == ["active"] * 3
    assert json.loads((tmp_path / "message").read_text())["name"] == "source/out"
    # The daemon was asked to end, and so its nodes were; the coordinator has lived on, and knows.
    (listed,) = (json.loads(line) for line in lines if line.startswith("{"))
    assert (listed["name"], listed["status"]) == ("one", "finished")
    assert lines[-2:] == ["active", "end"]
    shutil.rmtree(tmp_path / "run")
