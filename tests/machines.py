"""Machines of a test's own: network namespaces on one switch, each with folders and environment of its own.

    from machines import machines  # noqa: F401

    def test_something(machines):
        a, b = machines("a", "b")
        a.dora("up", "--machine-id", "a", "--listen", f"tcp/{a.address}:7447")
        b.cut()   # its cable
        b.mend()
        b.shape(rate="100mbit", delay="20ms", loss=0.01)

Needs root and iproute2. What the kernel can't do (`delay` is netem's, `loss` nftables') skips the test, with a word.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import BUILD, DEADLINE, DORA, until
from system import Done, System


def ip(*args, check=True):
    return subprocess.run(["ip", *map(str, args)], check=check, capture_output=True, text=True)


class Machine(System):
    """Everything that `System` does, in a namespace of its own."""

    def __init__(self, name, namespace, hub, address, folder, environment):
        super().__init__(folder)
        self.name, self.namespace, self.hub, self.address = name, namespace, hub, address
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

    def shape(self, rate=None, delay=None, loss=0):
        """What leaves this machine is limited to `rate` (as "100mbit"), comes later by `delay`, and is lost at times."""
        tc = ["tc", "-n", self.namespace, "qdisc", "replace", "dev", "net0", "root"]
        if delay:
            self._try([*tc, "netem", "delay", delay, *(["rate", rate] if rate else [])], "delays (netem)")
        elif rate:
            self._try([*tc, "tbf", "rate", rate, "burst", "64kb", "latency", "100ms"], "rates (tbf)")
        if loss:
            rules = (
                "add table inet lossy; add chain inet lossy out { type filter hook output priority 0; }; "
                f"add rule inet lossy out meta oifname net0 numgen random mod 10000 < {int(loss * 10000)} drop"
            )
            if not shutil.which("nft"):
                pytest.skip("nftables is not installed")
            self._try(self.inside("nft", rules), "losses (nftables)")

    @staticmethod
    def _try(command, what):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"the kernel knows no {what}: {done.stderr.strip()}")


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
        port = "to-" + name
        ip("-n", self.hub, "link", "add", "name", port, "type", "veth", "peer", "name", "net0", "netns", namespace)
        ip("-n", self.hub, "link", "set", port, "master", "bridge0")
        ip("-n", self.hub, "link", "set", port, "up")
        address = f"10.77.0.{number}"
        ip("-n", namespace, "address", "add", address + "/24", "dev", "net0")
        ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", namespace, "link", "set", "net0", "up")
        machine = Machine(name, namespace, self.hub, address, self.folder / name, self.environment)
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
