"""Runs dataflows of Python nodes, with this project's `dora` or another's, and gathers what the nodes noted (node.py)."""

import json
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE / "node.py"
DEADLINE = 60  # seconds, for whatever takes two at most


class Failed(Exception):
    """A dataflow that did not end as it should; the text says how."""


class Side:
    """One implementation: its command, the interpreter that has its module, or where that module lies."""

    def __init__(self, command, python=sys.executable, path=None, env=None):
        self.command, self.python = str(command), str(python)
        self.env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "RUST_BACKTRACE": "0", **(env or {})}
        self.env["DORA_BIN"] = self.command  # for dora.run
        # `dora` takes the `python` that is first in PATH.
        self.env["PATH"] = f"{pathlib.Path(self.python).parent}:{self.env['PATH']}"
        self.env.pop("PYTHONPATH", None)
        if path:
            self.env["PYTHONPATH"] = str(path)


def node(file, function, inputs=None, outputs=None, env=None, **keys):
    """A node of a descriptor that runs a function of a file; further keys as a descriptor's."""
    described = {"path": str(NODE), "args": f"{file} {function}", "env": dict(env or {}), **keys}
    if inputs:
        described["inputs"] = inputs
    if outputs:
        described["outputs"] = outputs
    return described


def read_notes(path):
    """Name → what was noted last under it, in order."""
    if not path.exists():
        return {}
    return dict(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


class Dataflow:
    """A dataflow that has been started: Dataflow(side, folder, sink=node(…), source=node(…))."""

    def __init__(self, side, folder, *args, top=None, **nodes):
        self.side, self.folder, self.nodes = side, pathlib.Path(folder), nodes
        listed = []
        for name, described in nodes.items():
            env = {"DORA_TEST_NOTES": str(self.notes_path(name)), **described.get("env", {})}
            listed.append({"id": name, **described, **({} if described.get("path") == "dynamic" else {"env": env})})
        path = self.folder / "dataflow.yml"
        path.write_text(json.dumps({"nodes": listed, **(top or {})}))  # JSON is YAML
        self.output = open(self.folder / "output", "wb")
        self.process = subprocess.Popen(
            [side.command, "run", path.name, *args],
            cwd=self.folder,
            env=side.env,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sent in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(sent)
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    pass
        self.output.close()

    def notes_path(self, name):
        return self.folder / f"{name}.notes"

    def notes(self, name):
        return read_notes(self.notes_path(name))

    @property
    def printed(self):
        return (self.folder / "output").read_text(errors="replace")

    def finish(self, status=0, seconds=DEADLINE):
        """Waits for its end; `status` None: however it ends."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"not done after {seconds} s: {self.printed[-4000:]}") from e
        if status is not None and code != status:
            raise Failed(f"dora run ended with {code}: {self.printed[-4000:]}")
        return {name: self.notes(name) for name in self.nodes}
