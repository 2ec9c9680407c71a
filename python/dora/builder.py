"""Writes descriptors of dataflows.

    from dora.builder import DataflowBuilder

    dataflow = DataflowBuilder()
    camera = dataflow.add_node("camera").path("camera.py").add_input("tick", "dora/timer/hz/30")
    image = camera.add_output("image")
    dataflow.add_node("viewer", path="viewer.py").add_input("image", image, queue_size=1)
    dataflow.to_yaml("dataflow.yml")
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

__all__ = ["DataflowBuilder", "Node", "Operator", "Output"]

QUEUE_POLICIES = ("drop_oldest", "backpressure")


class DataflowBuilder:
    """A descriptor that grows node by node."""

    def __init__(self, name: str = "dora-dataflow") -> None:
        self.name = name
        self.nodes: list[Node] = []

    def add_node(self, id: str, **keys: Any) -> Node:
        """Adds a node; `keys` are those of a node in a descriptor."""
        node = Node(id, **keys)
        self.nodes.append(node)
        return node

    def to_yaml(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The descriptor's text, or None when it was written to the file of that name."""
        import yaml

        text: str = yaml.dump({"nodes": [node.to_dict() for node in self.nodes]})
        if not path:
            return text
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return None

    def __enter__(self) -> DataflowBuilder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Output:
    """An output; as text what an input has as its source: `node/output`, of an operator `node/operator/output`."""

    def __init__(self, node: _Ports, output_id: str) -> None:
        self.node = node
        self.output_id = output_id

    def __str__(self) -> str:
        return f"{self.node._path()}/{self.output_id}"


class _Ports:
    """What a node and an operator have in common: inputs and outputs."""

    config: dict[str, Any]

    def _path(self) -> str:
        raise NotImplementedError

    def add_output(self, output_id: str) -> Output:
        """Adds an output unless it is there, and returns it as a source for inputs."""
        outputs = self.config.setdefault("outputs", [])
        if output_id not in outputs:
            outputs.append(output_id)
        return Output(self, output_id)

    def add_input(
        self,
        input_id: str,
        source: str | Output,
        queue_size: int | None = None,
        queue_policy: str | None = None,
    ) -> Self:
        """Feeds an input from another node's output (an Output, or "node/output") or from a timer ("dora/timer/hz/30").

        `queue_size` messages wait there; when more come, "drop_oldest" drops the oldest and "backpressure" makes the
        sender wait. ValueError if one of the two can't be.
        """
        if queue_policy is not None and queue_policy not in QUEUE_POLICIES:
            raise ValueError(f"queue_policy is {' or '.join(map(repr, QUEUE_POLICIES))}, not {queue_policy!r}")
        if queue_size is not None and queue_size < 1:
            raise ValueError(f"queue_size must be at least 1, not {queue_size!r}")
        options = {"queue_size": queue_size, "queue_policy": queue_policy}
        given = {key: value for key, value in options.items() if value is not None}
        inputs = self.config.setdefault("inputs", {})
        inputs[input_id] = {"source": str(source), **given} if given else str(source)
        return self


class Node(_Ports):
    """A node of the descriptor. What sets a key returns the node, so that calls can be chained."""

    def __init__(self, id: str, **keys: Any) -> None:
        self.id = id
        self.config = {**keys, "id": id}
        self.operators: list[Operator] = []

    def _path(self) -> str:
        return self.id

    def _set(self, **keys: Any) -> Node:
        self.config.update(keys)
        return self

    def path(self, path: str) -> Node:
        """The node's program, or script."""
        return self._set(path=path)

    def args(self, args: str) -> Node:
        """The program's arguments, quoted as for a shell."""
        return self._set(args=args)

    def env(self, env: dict[str, Any]) -> Node:
        """Environment variables of the node and of its build commands."""
        return self._set(env=env)

    def build(self, build_command: str) -> Node:
        """Commands that build the node, one a line."""
        return self._set(build=build_command)

    def git(self, url: str, branch: str | None = None, tag: str | None = None, rev: str | None = None) -> Node:
        """The repository the node comes from, and at most one of a branch, a tag and a commit."""
        named = {"branch": branch, "tag": tag, "rev": rev}
        return self._set(git=url, **{key: value for key, value in named.items() if value})

    def add_operator(self, operator: Operator) -> Node:
        """Makes the node's process a host of this operator too."""
        self.operators.append(operator)
        operator.node = self
        return self

    def to_dict(self) -> dict[str, Any]:
        """The node as a descriptor's value."""
        operators = [operator.to_dict() for operator in self.operators]
        return {**self.config, "operators": operators} if operators else dict(self.config)


class Operator(_Ports):
    """An operator of a node. Those with the same `thread` run one after another."""

    def __init__(
        self,
        id: str,
        name: str | None = None,
        description: str | None = None,
        build: str | None = None,
        python: str | None = None,
        shared_library: str | None = None,
        send_stdout_as: str | None = None,
        thread: str | None = None,
    ) -> None:
        self.id = id
        self.node: Node | None = None
        keys = {
            "name": name,
            "description": description,
            "build": build,
            "python": python,
            "shared-library": shared_library,
            "send_stdout_as": send_stdout_as,
            "thread": thread,
        }
        self.config = {"id": id, **{key: value for key, value in keys.items() if value}}

    def _path(self) -> str:
        if not self.node:
            raise ValueError(f"operator {self.id!r} is of no node yet: node.add_operator(…) comes before its outputs are used")
        return f"{self.node.id}/{self.id}"

    def to_dict(self) -> dict[str, Any]:
        """The operator as a descriptor's value."""
        return self.config
