"""Machines of a test's own: network namespaces on one switch, each with folders and environment of its own.

    from machines import machines  # noqa: F401

    def test_something(machines):
        a, b = machines("a", "b")
        a.dora("up", "--machine-id", "a", "--listen", f"tcp/{a.address}:7447")
        b.cut()   # its cable
        b.mend()
        b.shape(delay=0.02, rate=100e6, loss=0.01)

Needs root and iproute2. Delays and rates are netem's, or where the kernel lacks it those of a cable of our own
(tests/net/cable.c); losses are nftables'. What can't be done skips the test, with a word.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import BUILD, DEADLINE, DORA, until
from system import Done, System

CABLE = BUILD / "tests/net/cable"


def ip(*args, check=True):
    return subprocess.run(["ip", *map(str, args)], check=check, capture_output=True, text=True)


class Machine(System):
    """Everything that `System` does, in a namespace of its own."""

    def __init__(self, name, number, namespace, hub, folder, environment):
        super().__init__(folder)
        self.name, self.number, self.namespace, self.hub = name, number, namespace, hub
        self.address = f"10.77.0.{number}"
        self.cable = None  # our own, where there is one
        self.folder = pathlib.Path(folder)
        for part in ("run", "state", "tmp", "work"):
            (self.folder / part).mkdir(mode=0o700, parents=True)
        self.environment = {
            **environment,
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "TMPDIR": str(self.folder / "tmp"),
        }

    def inside(self, *command):
        """The command as this machine runs it."""
        return ["ip", "netns", "exec", self.namespace, *map(str, command)]

    def dora(self, *args, status=0, seconds=DEADLINE, env=None, **how):
        done = subprocess.run(
            self.inside(DORA, *args),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            errors="replace",
            cwd=self.folder / "work",
            env={**self.environment, **(env or {})},
            **how,
        )
        done = Done(done.returncode, done.stdout, done.stderr)
        assert status in (None, done.status), f"{self.name}: dora {' '.join(map(str, args))}: {done}"
        return done

    def popen(self, *command, env=None, **how):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        how = {**pipes, "text": True, "cwd": self.folder / "work", **how}
        return subprocess.Popen(self.inside(*command), env={**self.environment, **(env or {})}, **how)

    def begin(self, *args, **how):
        return self.popen(DORA, *args, **how)

    def cut(self):
        """Pulls the cable out of the switch: packets vanish, and nobody is told."""
        ip("-n", self.hub, "link", "set", "to-" + self.name, "down")

    def mend(self):
        ip("-n", self.hub, "link", "set", "to-" + self.name, "up")

    def plug(self, mac=None):
        """Brings up its card, net0, and the other end of the cable at the switch."""
        end = "to-" + self.name
        if mac:
            ip("-n", self.namespace, "link", "set", "net0", "address", mac)
        ip("-n", self.hub, "link", "set", end, "master", "bridge0")
        ip("-n", self.hub, "link", "set", end, "up")
        ip("-n", self.namespace, "address", "add", self.address + "/24", "dev", "net0")
        ip("-n", self.namespace, "link", "set", "net0", "up")

    def unplug(self):
        if self.cable:
            self.cable.communicate(timeout=DEADLINE)
            self.cable = None

    def shape(self, delay=0, rate=0, loss=0):
        """What leaves this machine comes later by `delay` seconds, at `rate` bits a second at most (0: any), and is lost
        at times: the share `loss` of it. It holds until the next call."""
        queue = 16 + round(rate * (delay + 0.1) / 12000) if rate else 16384  # packets, for 100 ms as the cable's
        how = ["delay", f"{round(delay * 1e6)}us", "limit", queue, *(["rate", f"{round(rate)}bit"] if rate else [])]
        tc = ["tc", "-n", self.namespace, "qdisc", "replace", "dev", "net0", "root", "netem", *map(str, how)]
        done = subprocess.run(tc, capture_output=True, text=True)
        if done.returncode != 0:
            self._shape_cable(round(delay * 1e6), round(rate), done.stderr.strip())
        self._lose(loss)

    def _shape_cable(self, delay, rate, reason):
        """By a cable of our own in place of the kernel's: connections stay, for the card keeps its addresses."""
        if not self.cable:
            if not CABLE.exists() or not os.path.exists("/dev/net/tun"):
                pytest.skip(f"the kernel knows neither netem ({reason}) nor tap devices, or {CABLE} is not built")
            end = "to-" + self.name
            mac = json.loads(ip("-n", self.namespace, "-j", "link", "show", "net0").stdout)[0]["address"]
            ip("-n", self.hub, "link", "delete", end)
            command = [CABLE, self.namespace, "net0", self.hub, end]
            self.cable = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self.cable.stdout.readline() == "plugged in\n"
            self.plug(mac)
        self.cable.stdin.write(f"{delay} {rate}\n")
        self.cable.stdin.flush()

    def _lose(self, share):
        """In the switch: a packet that is lost where it is sent is known to be lost, and sent again at once."""
        if not shutil.which("nft"):
            if share:
                pytest.skip("nftables is not installed")
            return
        table = f"table bridge lossy-{self.number}"
        rules = (
            f"{table} {{}}; delete {table}; {table} {{ chain in {{ type filter hook prerouting priority 0; "
            f'iifname "to-{self.name}" numgen random mod 10000 < {round(share * 10000)} drop; }}; }}'
        )
        done = subprocess.run(["ip", "netns", "exec", self.hub, "nft", rules], capture_output=True, text=True)
        if share and done.returncode != 0:
            pytest.skip(f"the kernel knows no losses (nftables): {done.stderr.strip()}")


class Switch:
    """The namespaces of a test."""

    def __init__(self, folder, environment):
        self.folder, self.environment = pathlib.Path(folder), environment
        self.prefix = f"dora{os.getpid()}"
        self.hub = f"{self.prefix}-hub"
        self.machines = []

    def __call__(self, *names):
        return [self.add(name) for name in names]

    def add(self, name):
        number = len(self.machines) + 1
        namespace = f"{self.prefix}-{number}"
        if not self.machines:
            ip("netns", "add", self.hub)
            ip("-n", self.hub, "link", "add", "name", "bridge0", "type", "bridge")
            ip("-n", self.hub, "link", "set", "bridge0", "up")
        ip("netns", "add", namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        machine = Machine(name, number, namespace, self.hub, self.folder / name, self.environment)
        card = ["type", "veth", "peer", "name", "net0", "netns", namespace]
        ip("-n", self.hub, "link", "add", "name", "to-" + name, *card)
        machine.plug()
        self.machines.append(machine)
        return machine

    def close(self):
        for machine in self.machines:
            machine.mend()
            machine.dora("down", "--force", status=None)
            for pid in machine.pids().values():
                os.kill(pid, 9)
        for machine in self.machines:
            until(lambda: not machine.pids(), f"the end of the processes on {machine.name}")
            machine.unplug()
            ip("netns", "delete", machine.namespace, check=False)
        if self.machines:
            ip("netns", "delete", self.hub, check=False)


def has_net():
    """Whether this build reaches other machines."""
    try:
        return subprocess.run([BUILD / "libexec/dora/dora-gateway", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def machines(dora):
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2, for network namespaces")
    if not has_net():
        pytest.skip("this build has no engine for what crosses machines (zenoh)")
    if ip("netns", "list", check=False).returncode != 0:
        pytest.skip("there are no network namespaces here")
    with tempfile.TemporaryDirectory(prefix="dora-machines-") as folder:
        switch = Switch(folder, dict(os.environ))
        try:
            yield switch
        finally:
            switch.close()
