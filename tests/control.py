"""The control protocol by hand (docs/control.md): a peer of a coordinator that says what a test wants.

    peer = Peer(system.runtime / "coordinator.sock", "cli")
    assert peer.call("status")["running"] == 0
"""

import json
import socket


class Fault(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']} ({error.get('hint')})")
        self.code, self.message, self.hint = error["code"], error["message"], error.get("hint")
        self.machine = error.get("machine")


class Peer:
    def __init__(self, path, role, protocol=1, seconds=20, machine=None, version=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("r", encoding="utf-8")
        self.last = 0
        self.waiting = []  # what came while something else was waited for
        try:
            self.hello = self.read()["hello"]
            hello = {"protocol": protocol, "version": version or self.hello["version"], "role": role}
            self.say(hello={**hello, **({"machine": machine} if machine else {})})
        except (OSError, TypeError):  # hung up on
            self.close()
            raise ConnectionError from None

    def say(self, **message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        """The next message; None at the end."""
        line = self.file.readline()
        return json.loads(line) if line else None

    def ask(self, method, **params):
        self.last += 1
        self.say(id=self.last, method=method, params=params)
        return self.last

    def next(self, wanted):
        """The next message for which `wanted(message)` is true; others are kept."""
        for i, message in enumerate(self.waiting):
            if wanted(message):
                return self.waiting.pop(i)
        while (message := self.read()) is not None:
            if wanted(message):
                return message
            self.waiting.append(message)
        raise EOFError

    def answer(self, id):
        """Of a request of ours."""
        message = self.next(lambda message: message.get("id") == id and ("result" in message or "error" in message))
        if "error" in message:
            raise Fault(message["error"])
        return message["result"]

    def call(self, method, **params):
        return self.answer(self.ask(method, **params))

    def asked(self, method):
        """The next request of this name from the other side."""
        return self.next(lambda message: message.get("method") == method)

    def close(self):
        self.file.close()
        self.socket.close()


class FakeDaemon(Peer):
    """A daemon that runs nothing and says what it is told to."""

    def __init__(self, path, dataflows=(), id="fake", machine="here", labels=None, is_far=False, version=None):
        super().__init__(path, "daemon", machine=machine if is_far else None, version=version)
        self.machine = machine
        self.call(
            "daemon.register", id=id, pid=1, machine=machine, labels=labels or {}, dataflows=list(dataflows)
        )

    def update(self, dataflow, **changes):
        return self.call("daemon.update", dataflow={**dataflow, **changes})

    def start(self, status="running"):
        """Takes the next dataflow.start and answers it."""
        request = self.asked("dataflow.start")
        params = request["params"]
        made = {key: params[key] for key in ("uuid", "name", "path", "directory")}
        made.update(status=status, started=1700000000.5, ended=None, error=None, nodes=[{"id": "a", "status": status}])
        self.say(id=request["id"], result=made)
        return made
