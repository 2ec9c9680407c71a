"""The cases of conformance: Python files in cases/, each a dataflow and its nodes, that run on dora-rs and here.

A case has a dict `DATAFLOW` of nodes, id → {"inputs", "outputs", …}; a node's function in the file bears its id's name. Of
an operator, id → {"operator": {"inputs", "outputs", …}}, the file has the class.
Optional are `ARGUMENTS` of `dora run`, `TOP`, further keys of the descriptor, and `STATUS`, how it ends (0; None: anyhow). A
function `outside(notes)` runs in a process of its own beside the dataflow, or alone where there is none.
"""

import ast
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import dataflow

CASES = HERE / "cases"
CONSTANTS = ("DATAFLOW", "ARGUMENTS", "TOP", "STATUS")
RECORD = HERE / "dora-rs.json"


def names():
    return sorted(path.stem for path in CASES.glob("*.py"))


def load(name):
    """A case's constants, without importing it: that needs the module under test."""
    found = {}
    for statement in ast.parse((CASES / f"{name}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id in CONSTANTS:
            found[statement.targets[0].id] = ast.literal_eval(statement.value)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "outside":
            found["outside"] = True
    return found


def describe(case, file):
    """The nodes of its descriptor."""
    described = {}
    for name, keys in case.get("DATAFLOW", {}).items():
        if "operator" in keys:
            described[name] = {**keys, "operator": {"python": str(file), **keys["operator"]}}
        else:
            described[name] = keys if keys.get("path") == "dynamic" else dataflow.node(file, name, **keys)
    return described


def run_outside(side, file, folder):
    """The case's process beside the dataflow, to its end."""
    path = pathlib.Path(folder) / "outside.notes"
    command = [side.python, dataflow.NODE, file, "outside"]
    env = {**side.env, "DORA_TEST_NOTES": str(path)}
    try:
        done = subprocess.run(command, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired as e:
        raise dataflow.Failed(f"{file.name}: outside did not end; it noted {dataflow.read_notes(path)}") from e
    if done.returncode:
        raise dataflow.Failed(f"{file.name}: outside ended with {done.returncode}: {done.stderr.decode()[-4000:]}")
    return dataflow.read_notes(path)


def run(side, name, seconds=dataflow.DEADLINE):
    """node → name of a note → what it noted."""
    case, file = load(name), CASES / f"{name}.py"
    described = describe(case, file)
    with tempfile.TemporaryDirectory(prefix="dora-case-") as folder:
        if not described:
            return {"outside": run_outside(side, file, folder)}
        flow = dataflow.Dataflow(side, folder, *case.get("ARGUMENTS", ()), top=case.get("TOP"), **described)
        with flow:
            found = {"outside": run_outside(side, file, folder)} if "outside" in case else {}
            found.update(flow.finish(case.get("STATUS", 0), seconds))
        return {node: notes for node, notes in found.items() if notes}
