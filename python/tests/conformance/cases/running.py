"""dora.run and dora.build from Python."""

import os

import dora

FLOW = "nodes:\n- id: {id}\n  path: {path}\n  args: {args}\n"


def outside(notes):
    with open("good.yml", "w") as file:
        file.write(FLOW.format(id="good", path="sh", args="-c 'exit 0'"))
    with open("bad.yml", "w") as file:
        file.write("nodes:\n- id: a b\n  path: sh\n")
    with open("built.yml", "w") as file:
        file.write("nodes:\n- id: built\n  path: sh\n  args: -c 'exit 0'\n  build: touch built\n")
    with open("unbuilt.yml", "w") as file:
        file.write("nodes:\n- id: unbuilt\n  path: sh\n  build: 'false'\n")
    notes.call("build", dora.build, "built.yml")
    notes("it was built", os.path.exists("built"))
    notes.call("build that fails", dora.build, "unbuilt.yml")
    notes.call("a bad descriptor", dora.run, "bad.yml")
    notes.call("stop_after negative", lambda: dora.run("good.yml", stop_after=-1))
    notes.call("stop_after a str", lambda: dora.run("good.yml", stop_after="1"))
