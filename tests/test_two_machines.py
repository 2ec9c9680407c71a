"""The command, the coordinator and the daemons of several machines, all real: what is asked, lost, found and ended."""

import json
import os
import re
import signal
import shutil
import subprocess

import pytest

from conftest import actor, until
from sites import sites  # noqa: F401


def there(node, **deploy):
    return {**node, "deploy": deploy or {"machine": "robot"}}


TICKS = {
    "source": actor("join", "quiet", "listen", inputs={"t": "dora/timer/millis/20"}, outputs=["out"]),
    "sink": there(actor("join", "listen", inputs={"in": "source/out", "t": "dora/timer/millis/20"}, outputs=["out"])),
}


def nodes(site, name="one"):
    listed = site.dora("node", "list", "-d", name, "-f", "json").json()
    return {one["node"]: (one["status"], one["machine"]) for one in listed}


def test_every_command_works_on_every_machine(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    uuid = base.start(flow(**TICKS), "--name", "one")
    for site in (base, robot):
        assert site.list()[0]["machines"] == ["base", "robot"] or site.list()[0]["machines"] == ["robot", "base"]
        assert nodes(site) == {"source": ("running", "base"), "sink": ("running", "robot")}
        assert {one["node"] for one in site.dora("topic", "list", "-f", "json").json()} == {"source", "sink"}
        assert "robot" in site.dora("node", "info", "sink").stdout
        site.dora("param", "set", "sink", "gain", "3")
        site.dora("param", "set", "source", "gain", "4")
        assert site.dora("param", "get", "sink", "gain").stdout == "3\n"
        for topic in ("source/out", "sink/out"):
            assert topic in site.dora("topic", "info", topic, "--duration", "100ms").stdout
            site.dora("topic", "pub", topic, "1")
    base.dora("node", "restart", "sink")
    assert nodes(base)["sink"] == ("running", "robot")
    shown = robot.dora("top", "--once", "--format", "table").stdout
    assert re.search(r"^sink .* robot ", shown, re.M) and "ROUND TRIP" in shown
    assert re.search(r"^base +robot ", shown, re.M) and re.search(r"^robot +base ", shown, re.M)
    rows = json.loads(base.dora("top", "--once").stdout)
    assert {row["node"]: row["machine"] for row in rows} == {"source": "base", "sink": "robot"}
    assert "source/out" in base.dora("topic", "hz", "--duration", "1").stdout  # of all that can be watched there
    until(lambda: all(one.get("round_trip") for one in base.daemons() if one["machine"] == "robot"), "a ping")
    robot.dora("stop", "one")
    assert base.status_of(uuid) == "finished"


def test_a_part_that_can_not_start_says_why_and_where(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    done = base.dora("start", flow(**TICKS, lame=there({"path": "/nowhere/lame"})), "--attach", "--name", "one", status=1)
    assert "machine robot: " in done.stderr and "/nowhere/lame" in done.stderr
    assert base.list()[0]["status"] == "failed"
    done = base.dora("start", flow(one=there(actor("join"), machine="robt")), "--detach", status=1)
    assert "node `one` is to run on machine `robt`" in done.stderr and "did you mean `robot`" in done.stderr
    base.dora("start", flow(**TICKS, crash=there(actor("exit=3"))), "--detach", "--name", "two", status=None)
    until(lambda: base.list()[0]["status"] == "failed", "the failure")
    assert not [one for one in base.list("--status", "running")]


def test_a_daemon_that_is_killed_is_lost_and_its_nodes_are_placed_again_when_it_is_back(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot", args=("--lost-after", "1s"))
    nodes_ = {**TICKS, "sink": {**TICKS["sink"], "restart_policy": "on-failure"}}
    nodes_["last"] = actor("join", "listen", inputs={"in": "sink/out", "t": "dora/timer/millis/20"})
    base.start(flow(**nodes_), "--name", "one")
    os.kill(robot.pids()["daemon"], signal.SIGKILL)
    until(lambda: nodes(base).get("sink") == ("failed", "robot"), "the loss")
    assert nodes(base)["source"] == ("running", "base")
    said = base.dora("list").stdout
    assert "running" in said
    until(lambda: not robot.pids(), "the end of the gateway")
    sites.up(robot)
    until(lambda: nodes(base).get("sink") == ("running", "robot"), "sink's coming back")
    assert nodes(base)["last"] == ("running", "base")
    base.dora("stop", "one")


def received(site, node):
    """Messages on `in` so far."""
    info = json.loads(site.dora("node", "info", node, "-f", "json", status=None).stdout or "{}")
    return sum(one["received"] for one in info.get("inputs", []) if one["id"] == "in")


def test_the_daemon_beside_the_coordinator_is_killed_and_its_nodes_run_again(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    source = actor("join", "send=out:100000:8:10", outputs=["out"], restart_policy="always")
    base.start(flow(source=source, sink=TICKS["sink"]), "--name", "one")
    until(lambda: received(robot, "sink") > 0, "messages")
    os.kill(base.pids()["daemon"], signal.SIGKILL)
    until(lambda: "daemon" not in base.pids(), "the daemon's end")
    sites.up(base)
    until(lambda: nodes(base).get("source") == ("running", "base"), "source to run again")
    until(lambda: received(base, "sink") > 0, "the other machine")
    before = received(base, "sink")
    until(lambda: received(base, "sink") > before, "messages again")
    base.dora("stop", "one", "--grace-duration", "2s")  # its source takes no notice of a Stop


def test_another_machine_with_the_labels_takes_over(sites, flow):  # noqa: F811
    base, robot, spare = sites.join("base", "robot", "spare", args=("--lost-after", "1s"))
    for site in (robot, spare):
        site.dora("down")
        sites.up(site, "--labels", "eye=yes")
    until(lambda: sum(one["alive"] for one in base.daemons()) == 3, "all machines")
    eye = actor("join", "send=out:100000:8:10", outputs=["out"], restart_policy="always", deploy={"labels": {"eye": "yes"}})
    sink = actor("join", "quiet", "listen", inputs={"in": "eye/out", "t": "dora/timer/millis/20"})
    base.start(flow(eye=eye, sink=sink), "--name", "one")
    until(lambda: received(base, "sink") > 0, "messages")
    taken = nodes(base)["eye"][1]
    killed, other = (robot, spare) if taken == "robot" else (spare, robot)
    os.kill(killed.pids()["daemon"], signal.SIGKILL)
    until(lambda: nodes(base).get("eye") == ("running", other.name), "eye on the other machine")
    before = received(base, "sink")
    until(lambda: received(base, "sink") > before, "messages again")
    until(lambda: not killed.pids(), "the gateway's end")
    sites.up(killed, "--labels", "eye=yes")
    until(lambda: sum(one["alive"] for one in base.daemons()) == 3, "all machines")
    assert nodes(base)["eye"] == ("running", other.name)
    base.dora("stop", "one", "--grace-duration", "2s")  # its source takes no notice of a Stop


def test_data_flows_on_while_the_coordinator_is_killed_and_started_again(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    uuid = base.start(
        flow(
            source=actor("join", "send=out:300:8:10", outputs=["out"]),
            sink=there(actor("join", "quiet", "listen", inputs={"in": {"source": "source/out", "queue_policy": "backpressure"}})),
        ),
        "--name", "one",
    )
    for _ in range(2):
        os.kill(base.pids()["coordinator"], signal.SIGKILL)
        until(lambda: "coordinator" not in base.pids(), "the coordinator's end")
        sites.up(base)
        until(lambda: len([one for one in base.daemons() if one["alive"]]) == 2, "both daemons")
    until(lambda: base.status_of(uuid) == "finished", "the end")
    assert "count=300 " in until(lambda: sink_said(robot, base, uuid))


def sink_said(robot, base, uuid):
    for site in (robot, base):
        for path in site.folder.parent.rglob("log_sink.jsonl"):
            if "summary" in path.read_text():
                return path.read_text()
    text = ""
    for path in dict.fromkeys(base.dora("logs", uuid, "sink", status=None).stdout.splitlines()):
        text += path
    return text if "summary" in text else None


def test_down_ends_one_machine_s_daemon_or_all(sites, flow):  # noqa: F811
    base, robot = sites.join("base", "robot")
    base.start(flow(**TICKS), "--name", "one")
    assert "1 dataflow is running on machine robot" in robot.dora("down", status=1).stderr
    robot.dora("stop", "one")
    assert "daemon of this machine stopped" in robot.dora("down").stdout
    until(lambda: not robot.pids(), "the gateway's end")
    assert base.pids().keys() == {"coordinator", "daemon"}
    sites.up(robot)
    base.dora("down")
    until(lambda: not robot.pids() and not base.pids(), "the end of all")


def test_a_machine_without_its_coordinator_says_so(sites):  # noqa: F811
    base, robot = sites.add("base"), sites.add("robot")
    daemon = robot.begin("daemon", "--machine-id", "robot", "--connect", sites.endpoint)
    until(lambda: "coordinator" in robot.pids(), "the gateway")
    done = robot.dora("list", status=1)
    assert "coordinator" in done.stderr and sites.endpoint in done.stderr
    sites.up(base)
    until(lambda: len(base.daemons()) == 2, "both")
    robot.dora("list")
    daemon.terminate()
    daemon.communicate()


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")
def test_a_cluster_with_certificates_and_nobody_joins_without_one(sites, tmp_path, monkeypatch, flow):  # noqa: F811
    """dora cluster with real daemons; ssh is the shell here, with the folders of that machine."""
    base, robot, thief = sites.add("base"), sites.add("robot"), sites.add("thief")
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    environment = " ".join(f"{key}='{value}'" for key, value in robot.environment.items())
    ssh.write_text(f'#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\n{environment} exec sh -c "$1"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    path = tmp_path / "cluster.yml"
    dora = os.environ.get("DORA_BIN") or subprocess.check_output(["which", "dora"], text=True).strip()
    path.write_text(
        f"coordinator: {{addr: 127.0.0.1, port: {sites.port}}}\ncerts: certs\nmachines:\n"
        f"  - {{id: base, host: 127.0.0.1}}\n  - {{id: robot, host: robot.example, listen: [], dora: {dora}, labels: {{arm: left}}}}\n"
    )
    base.dora("cluster", "certs", path)
    done = base.dora("cluster", "up", path)
    assert "2 of 2 machines are up" in done.stdout
    assert "was running already" in base.dora("cluster", "up", path).stdout
    done = base.dora("cluster", "status", path)
    assert re.search(r"^robot +alive +0 .*arm=left", done.stdout, re.M)
    uuid = base.start(flow(**{**TICKS, "sink": there(TICKS["sink"], labels={"arm": "left"})}), "--name", "one")
    assert nodes(robot)["sink"] == ("running", "robot")
    # With no certificate, with one of another authority, and in clear text.
    tls = f"tls/127.0.0.1:{sites.port}"
    other = tmp_path / "other.yml"
    other.write_text(path.read_text().replace("certs: certs", "certs: others").replace("id: robot", "id: thief"))
    base.dora("cluster", "certs", other)
    for args in (["--connect", tls], ["--connect", tls, "--zenoh-config", tmp_path / "others/thief.json5"], ["--connect", sites.endpoint]):
        daemon = thief.begin("daemon", "--machine-id", "thief", *args)
        until(lambda: "coordinator" in thief.pids(), "the gateway")
        assert thief.dora("list", status=1).stderr
        daemon.terminate()
        _, said = daemon.communicate()
        assert "machine base is in sight" not in said
    assert [one["machine"] for one in base.daemons()] == ["base", "robot"]
    assert base.status_of(uuid) == "running"
    base.dora("cluster", "down", path, "--force")
    until(lambda: not base.pids() and not robot.pids(), "the end of all")


def stranger(sites, site, *args):
    """What the daemon of a machine that is not let in says, and its command."""
    daemon = site.begin("daemon", "--machine-id", site.name, "--connect", sites.endpoint, *args)
    until(lambda: "coordinator" in site.pids(), "the gateway")
    listening = lambda: "no coordinator is running" not in (said := site.dora("list", status=1).stderr) and said
    refused = until(listening, "the gateway's socket")
    daemon.terminate()
    return daemon.communicate()[1], refused


def test_user_and_password_of_a_zenoh_configuration(sites, tmp_path):  # noqa: F811
    """As docs/security.md has it."""
    (tmp_path / "users.txt").write_text("base:first\nrobot:second\n")
    configs = {}
    for user, password in (("base", "first"), ("robot", "second"), ("thief", "third")):
        configs[user] = tmp_path / f"{user}.json5"
        configs[user].write_text(
            f'{{ transport: {{ auth: {{ usrpwd: {{ user: "{user}", password: "{password}",'
            f' dictionary_file: "{tmp_path}/users.txt" }} }} }} }}'
        )
    base, robot, thief = sites.add("base"), sites.add("robot"), sites.add("thief")
    sites.up(base, "--zenoh-config", configs["base"])
    sites.up(robot, "--zenoh-config", configs["robot"])
    for args in ((), ("--zenoh-config", configs["thief"])):
        said, refused = stranger(sites, thief, *args)
        assert "machine base is in sight" not in said and "no coordinator is in sight" in refused
    assert [one["machine"] for one in base.daemons()] == ["base", "robot"]


ACCESS = """
  access_control: {
    enabled: true,
    default_permission: "deny",
    rules: [
      { id: "all", permission: "allow", flows: ["ingress", "egress"], key_exprs: ["**", "dora/@1/**"],
        messages: ["put", "delete", "query", "reply", "declare_subscriber", "declare_queryable",
                   "liveliness_token", "liveliness_query", "declare_liveliness_subscriber"] },
    ],
    subjects: [{ id: "machines", cert_common_names: ["base", "robot"] }],
    policies: [{ subjects: ["machines"], rules: ["all"] }],
  },
"""


@pytest.mark.release_only  # zenoh's TLS link corrupts memory now and then (docs/machines.md), most often under AddressSanitizer
@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")
def test_access_control_by_the_names_in_certificates(sites, tmp_path, flow):  # noqa: F811
    """As docs/security.md has it: a certificate that is not named has a connection, and can do nothing with it."""
    path = tmp_path / "cluster.yml"
    path.write_text(
        f"coordinator: {{addr: 127.0.0.1, port: {sites.port}, id: base}}\nmachines:\n"
        "  - {id: robot, host: robot.example}\n  - {id: guest, host: guest.example}\n"
    )
    sites.endpoint = sites.endpoint.replace("tcp/", "tls/")
    base, robot, guest = sites.add("base"), sites.add("robot"), sites.add("guest")
    base.dora("cluster", "certs", path, "--out", tmp_path / "certs")
    config = tmp_path / "certs/base.json5"
    text = config.read_text()
    config.write_text(text[: text.rindex("}")] + ACCESS + "}\n")
    sites.up(base, "--zenoh-config", config)
    sites.up(robot, "--zenoh-config", tmp_path / "certs/robot.json5")
    said, refused = stranger(sites, guest, "--zenoh-config", tmp_path / "certs/guest.json5")
    assert "machine base is in sight" not in said and refused
    base.start(flow(**TICKS), "--name", "one")
    assert nodes(robot)["sink"] == ("running", "robot")
    assert [one["machine"] for one in base.daemons()] == ["base", "robot"]


def refused(site, *args):
    """What `up` says; it leaves nothing running."""
    done = site.dora("up", *args, status=1)
    assert "this machine can't take part: " in done.stderr and "started" not in done.stdout, done
    assert not site.pids()
    assert site.dora("down").stdout == "nothing is running\n"
    return done.stderr


@pytest.mark.parametrize("name", ["robot", "base"])
def test_up_with_a_name_that_is_taken_fails_and_leaves_the_other_alone(sites, name):  # noqa: F811
    base, robot = sites.join("base", "robot")
    third = sites.add("third")
    before = base.pids(), robot.pids()
    said = refused(third, "--machine-id", name, "--connect", sites.endpoint)
    assert "another name" in said and "--machine-id" in said and f"`{name}`" in said
    assert before == (base.pids(), robot.pids())
    assert {one["machine"] for one in base.daemons() if one["alive"]} == {"base", "robot"}
    sites.up(third)


def test_up_as_a_second_coordinator_fails_and_leaves_the_first_alone(sites):  # noqa: F811
    base, robot = sites.join("base", "robot")
    second = sites.add("second")
    before = base.pids(), robot.pids()
    said = refused(second, "--machine-id", "second", "--coordinator", "--connect", sites.endpoint)
    assert "machine `base` has a coordinator already" in said and "without --coordinator" in said
    assert before == (base.pids(), robot.pids())
    # One that was running already goes on, with what it has.
    second.dora("up")
    coordinator = second.pids()["coordinator"]
    os.kill(second.pids()["daemon"], signal.SIGTERM)
    until(lambda: "daemon" not in second.pids(), "the daemon's end")
    second.dora("up", "--machine-id", "second", "--coordinator", "--connect", sites.endpoint, status=1)
    assert second.pids() == {"coordinator": coordinator}
    second.dora("down")
    assert before == (base.pids(), robot.pids())


def test_up_tells_what_is_wrong_with_the_gateway(sites, tmp_path):  # noqa: F811
    base, other = sites.add("base"), sites.add("other")
    sites.up(base)
    said = refused(other, "--machine-id", "other", "--listen", sites.endpoint)
    assert sites.endpoint in said
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = other.dora("up", "--machine-id", "other", "--connect", sites.endpoint, env={"DORA_GATEWAY": str(broken)}, status=1)
    assert "can't take part: its gateway ends as soon as it is started" in done.stderr and not other.pids()


def test_down_ends_the_daemon_of_this_machine_and_not_one_of_its_name(sites):  # noqa: F811
    base, robot = sites.join("base", "robot")
    twin = sites.add("twin")
    before = base.pids(), robot.pids()
    daemon = twin.begin("daemon", "--machine-id", "robot", "--connect", sites.endpoint)
    until(lambda: (twin.runtime / "daemon.json").exists() and "refused" in (twin.runtime / "daemon.json").read_text(), "the refusal")
    done = twin.dora("status", status=1)
    assert "the daemon here is not taken: " in done.stderr and "Daemon: Running" not in done.stdout
    done = twin.dora("up", "--machine-id", "robot", "--connect", sites.endpoint, status=1)
    assert "goes on trying" in done.stderr and "another name" in done.stderr
    assert "daemon of this machine stopped" in twin.dora("down").stdout
    daemon.communicate()
    assert before == (base.pids(), robot.pids())
    assert {one["machine"] for one in base.daemons() if one["alive"]} == {"base", "robot"}


@pytest.mark.release_only  # it waits
def test_up_before_the_coordinator_says_so_and_the_machine_is_taken_later(sites):  # noqa: F811
    base, robot = sites.add("base"), sites.add("robot")
    done = sites.up(robot)
    assert "coordinator: none is in sight yet" in done.stdout and "daemon started" in done.stdout
    assert "goes on looking" in done.stderr
    sites.up(base)
    until(lambda: len(base.daemons()) == 2, "both")
    assert "daemon already running" in sites.up(robot).stdout
    base.dora("down")
    until(lambda: not robot.pids() and not base.pids(), "the end of all")
    # Nothing can run there: it needs no --force.
    sites.up(robot)
    assert "daemon of this machine stopped" in robot.dora("down").stdout
