#!/usr/bin/env python3
"""A gateway of a test, between daemons on one machine (docs/machines.md, tests/nodes/courier.c).

FAKE_GATEWAY_FOLDER names the folder where its like meet; COURIER the program at the ends of edges. It notes what it is asked
in MACHINE.log there, and does as the files say that lie there: MACHINE.refuse is why gateway.open fails, MACHINE.deaf lets
edge.close unanswered.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

folder = pathlib.Path(os.environ["FAKE_GATEWAY_FOLDER"])
daemon = socket.socket(fileno=int(os.environ["DORA_GATEWAY_FD"]))
lock = threading.Lock()
edges = {}  # dataflow, topic, machine → process
waiting = {}  # id → event
last = 0
name = "?"


def say(**message):
    with lock:
        daemon.sendall(json.dumps(message).encode() + b"\n")


def ask(method, **params):
    """Asks the daemon, and waits for its answer."""
    global last
    with lock:
        last += 1
        number = last
    answered = waiting[number] = threading.Event()
    say(id=number, method=method, params=params)
    answered.wait()


def attend(number, key, process, dataflow, topic):
    """What the courier says."""
    first = process.stdout.readline().strip()
    if first == "joined":
        say(id=number, result={})
    else:
        say(id=number, error={"code": "failed", "message": first or "the edge has ended"})
    for line in process.stdout:
        word, _, text = line.strip().partition(" ")
        news = {"failed": text} if word == "failed" else {"restarted": True}
        ask("node", dataflow=dataflow, topic=topic, node=topic.split("/")[0], **news)
        process.stdin.write("\n")
        process.stdin.flush()
    process.wait()
    if edges.get(key) is process:
        del edges[key]


def edge(number, is_sending, dataflow, topic, config, **more):
    ends = (name, more["to"]) if is_sending else (more["from"], name)
    path = folder / "-".join([topic.replace("/", "."), *ends])
    key = (dataflow, topic, ends)
    edges[key] = process = subprocess.Popen(
        [os.environ["COURIER"], "send" if is_sending else "receive", path],
        env={**os.environ, "DORA_NODE_CONFIG": config},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    threading.Thread(target=attend, args=(number, key, process, dataflow, topic), daemon=True).start()


def close(number, dataflow, topic, **more):
    key = (dataflow, topic, (name, more["to"]) if "to" in more else (more["from"], name))
    if key in edges:
        edges[key].terminate()  # no GOODBYE, but it is dead
        edges[key].wait()
    say(id=number, result={})


def serve(number, method, params):
    global name
    if method == "gateway.open":
        name = params["machine"]
        refusal = folder / f"{name}.refuse"
        if refusal.exists():
            say(id=number, error={"code": "failed", "message": refusal.read_text()})
            return
        say(id=number, result={"engine": "fake 1", "instance": "1", "endpoints": params["listen"]})
        threading.Thread(target=ask, args=["machine"], daemon=True, kwargs={"machine": "moon", "alive": True}).start()
    elif method in ("edge.send", "edge.receive"):
        edge(number, method == "edge.send", **params)
    elif method == "edge.close":
        if not (folder / f"{name}.deaf").exists():
            close(number, **params)
    elif method == "metrics":
        listed = [{"dataflow": key[0], "topic": key[1], "to": key[2][1]} for key in edges if key[2][0] == name]
        say(id=number, result={"machines": [{"machine": "moon", "alive": True}], "edges": listed})
    else:
        say(id=number, result={})
    with open(folder / f"{name}.log", "a") as log:
        log.write(json.dumps({"method": method, "params": params}) + "\n")


say(hello={"protocol": 1, "version": "0.1.0", "role": "gateway"})
for line in daemon.makefile("rb"):
    message = json.loads(line)
    if "method" in message:
        serve(message["id"], message["method"], message["params"])
    elif "id" in message:
        waiting.pop(message["id"]).set()
for process in list(edges.values()):
    process.kill()
sys.exit()
