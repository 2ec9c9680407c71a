"""Machines of a test's own without any rights: folders, each with a runtime and a state of its own, on this machine.

    from sites import sites  # noqa: F401

    def test_something(sites):
        base, robot = sites.join("base", "robot")
        base.dora("start", …)

For what needs networks to fail, see machines.py.
"""

import contextlib
import os
import pathlib
import socket
import tempfile

import pytest

from conftest import DEADLINE, DORA, until
from system import Done, System


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site(System):
    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder) / name, name
        for part in ("run", "state", "config"):
            (self.folder / part).mkdir(mode=0o700, parents=True)
        super().__init__(self.folder)
        self.environment = {f"XDG_{variable}": str(self.folder / part) for variable, part in (
            ("RUNTIME_DIR", "run"), ("STATE_HOME", "state"), ("CONFIG_HOME", "config"))}

    def dora(self, *args, status=0, seconds=DEADLINE, **how):
        env = {**os.environ, **self.environment, **how.pop("env", {})}
        return super().dora(*args, status=status, seconds=seconds, env=env, **how)

    def begin(self, *args, **how):
        return super().begin(*args, **{**how, "env": {**os.environ, **self.environment, **how.get("env", {})}})

    def daemons(self):
        return self.dora("status", "-f", "json", status=None).json()[0].get("machines", [])

    def log(self, role="daemon"):
        return (self.state / f"{role}.log").read_text(errors="replace")


class Sites:
    def __init__(self, folder):
        self.folder, self.made, self.port = folder, [], free_port()
        self.endpoint = f"tcp/127.0.0.1:{self.port}"

    def add(self, name):
        self.made.append(Site(self.folder, name))
        return self.made[-1]

    def up(self, site, *args):
        how = ("--listen", self.endpoint) if site is self.made[0] else ("--connect", self.endpoint)
        return site.dora("up", "--machine-id", site.name, *how, *args)

    def join(self, *names, args=()):
        """Machines of one coordinator, which is on the first. `args` are of its `up`."""
        for name in names:
            self.up(self.add(name), *(args if not self.made[1:] else ()))
        until(lambda: len(self.made[0].daemons()) == len(names), "all machines")
        return self.made


@pytest.fixture
def sites(dora):
    with tempfile.TemporaryDirectory(prefix="dora-sites-") as folder:
        made = Sites(folder)
        said = made.add("probe").dora("doctor", "-f", "json", status=None).stdout
        made.made.clear()
        if "this build has no zenoh" in said:
            pytest.skip("this build has no engine between machines")
        try:
            yield made
        finally:
            for site in made.made:
                site.dora("down", "--force", status=None)
            for site in reversed(made.made):
                for pid in site.pids().values():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, 9)
                until(lambda: not site.pids(), f"the end of {site.name}")
        for site in made.made:
            for log in site.state.glob("*.log"):
                text = log.read_text(errors="replace")
                assert "Sanitizer" not in text and "runtime error:" not in text, text
