"""How a dataflow begins: descriptors that can't run, programs, environments, modules, the barrier, dynamic nodes."""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import ACTOR, actor, until


def refused(done, *texts):
    """The run was refused before anything started, with these words."""
    assert done.status != 0
    assert "started" not in done.stderr
    for text in texts:
        assert text in done.stderr, done.stderr


# ---- Descriptors ----


def test_malformed_yaml_names_the_place(run, dora, tmp_path):
    path = tmp_path / "flow.yml"
    path.write_text("nodes:\n  - id: a\n    path: [unclosed\n")
    refused(run(path), "flow.yml:", "error:")


def test_a_descriptor_that_is_missing_is_named(run, dora, tmp_path):
    refused(run(tmp_path / "none.yml"), "none.yml", "No such file or directory")


def test_all_faults_are_told_at_once(run, flow):
    path = flow(
        a=actor("join", outputs=["out"]), b=actor("join", inputs={"x": "aa/out", "y": "a/uot"}, restart_polcy="never")
    )
    refused(run(path), "did you mean", "restart_polcy", "aa", "uot")


def test_duplicate_ids_are_refused(run, tmp_path, dora):
    path = tmp_path / "flow.yml"
    path.write_text(json.dumps({"nodes": [{"id": "a", **actor("join")}, {"id": "a", **actor("join")}]}))
    refused(run(path), "duplicate node id `a`", "flow.yml:1:")


def test_a_cycle_of_modules_is_refused(run, flow, tmp_path):
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.yml").write_text(
            json.dumps({"module": {"name": name}, "nodes": [{"id": "inner", "module": f"{other}.yml"}]})
        )
    refused(run(flow(a={"module": "one.yml"})), "two.yml:1:", "the module `one.yml` uses itself")


def test_a_missing_program_is_named_with_a_way_out(run, flow):
    refused(run(flow(good=actor("join"), bad={"path": "./bin/none"})), "bad", "./bin/none", "hint:")


def test_a_file_that_is_no_program_is_refused(run, flow, tmp_path):
    (tmp_path / "plain.txt").write_text("no program")
    refused(run(flow(good=actor("join"), bad={"path": "./plain.txt"})), "node `bad`", "./plain.txt", "chmod +x")


def test_a_program_that_can_not_be_spawned_is_the_cause(run, flow, tmp_path):
    """Only the kernel knows that it isn't one."""
    (tmp_path / "torn").write_text("torn")
    (tmp_path / "torn").chmod(0o755)
    done = run(flow(good=actor("join"), bad={"path": "./torn"}))
    assert done.status == 1
    assert "Node `bad` failed: failed to spawn: " in done.stderr
    assert "Exec format error" in done.stderr
    assert "Node `good` failed" not in done.stderr


# ---- A start that fails ----


@pytest.mark.parametrize("code", [0, 3])
def test_a_node_that_never_joins_fails_the_start(run, flow, code):
    """The others are told why their dora_node_open fails, and the summary names the cause alone."""
    done = run(flow(a=actor("join"), early=actor("cry=no camera", f"exit={code}"), b=actor("join")))
    assert done.status == 1
    assert "2 more consequential errors" in done.stderr
    for node in "a", "b":
        assert f"Node `{node}` failed" not in done.stderr
    if code:
        summary = done.stderr[done.stderr.index("Dataflow failed:") :]
        assert "Node `early` failed: exited with code 3 with stderr output:" in summary
        assert "no camera" in summary
    # A node that was stopped before it had reached the barrier says nothing.
    for text in done.lines("a") + done.lines("b"):
        assert text.startswith("Node early exited before initializing dora.")


def test_who_waits_at_the_barrier_is_told_who_did_not_come(run, flow, tmp_path):
    gate = tmp_path / "gate"
    path = flow(a=actor(f"touch={gate}", "join"), early=actor(f"gate={gate}", "exit=0"))
    done = run(path)
    assert done.status == 1
    assert f"Node early exited before initializing dora. For more information, run `dora logs {done.dataflow}" in (
        done.lines("a")[0]
    )


# ---- Programs ----


def test_paths_are_relative_to_the_descriptor(run, flow, tmp_path):
    path = flow(a={"path": "../bin/node", "args": "join cwd"}, name="deep/flow.yml")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/node").symlink_to(ACTOR)
    done = run(path, cwd="/")
    assert done.status == 0, done.stderr
    assert done.lines("a") == [str(path.parent)]
    assert done.log(path, "a")[0]["msg"] == str(path.parent)


def test_a_bare_name_is_looked_up_in_path(run, flow, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/some-node").symlink_to(ACTOR)
    path = flow(a={"path": "some-node", "args": "join say=found"})
    done = run(path, env={"PATH": f"{tmp_path}/tools:{os.environ['PATH']}"})
    assert done.lines("a") == ["found"], done.stderr


def test_arguments_are_split_as_a_shell_does(run, flow):
    node = {"path": str(ACTOR), "args": "join 'say=one two' say=\"it's\" say=a\\ b say=$HOME"}
    done = run(flow(a=node))
    assert done.lines("a") == ["one two", "it's", "a b", "$HOME"]


def test_a_script_may_know_nothing_of_dora(run, flow, tmp_path):
    (tmp_path / "hello.py").write_text("import sys\nprint('hello', *sys.argv[1:])\n")
    done = run(flow(a={"path": "hello.py", "args": "1 2"}))
    assert done.lines("a") == ["hello 1 2"]


def test_shell_nodes_run_when_allowed(run, flow):
    path = flow(a={"path": "shell", "args": "echo $((1 + 1)) $WORD", "env": {"WORD": "two"}})
    done = run(path)
    assert done.status == 1 and "Shell nodes are disabled by default (security risk)." in done.stderr
    done = run(path, "--allow-shell-nodes")
    assert done.lines("a") == ["2 two"]
    assert "DORA_ALLOW_SHELL_NODES is set" in done.stderr


def test_variables_come_from_four_places(run, flow):
    variables = ["INHERITED", "FLOW", "LINE", "NODE"]
    path = flow(
        {"env": {"FLOW": "flow", "LINE": "flow", "NODE": "flow"}},
        a=actor("join", *(f"env={name}" for name in variables), env={"NODE": "node", "TRUE": True}),
        b=actor("join", "env=NODE"),
    )
    done = run(path, "--env", "LINE=line", "--env", "NODE=line", env={"INHERITED": "shell", "FLOW": "shell"})
    assert done.lines("a") == ["INHERITED=shell", "FLOW=flow", "LINE=line", "NODE=node"]
    assert done.lines("b") == ["NODE=line"]


def test_a_descriptor_can_not_load_code_into_a_node(run, flow):
    done = run(flow(a=actor("join", "env=LD_PRELOAD", env={"LD_PRELOAD": "/nowhere.so"})))
    assert done.lines("a") == ["LD_PRELOAD=(unset)"], done.stderr


def test_build_commands_run_in_order_before_the_nodes(run, flow, tmp_path):
    (tmp_path / "make.sh").write_text(f"ln -s {ACTOR} node && echo first\n")
    node = {"path": "./node", "args": "join say=ran", "build": "sh make.sh\ntest -e node"}
    done = run(flow(a=node))
    assert done.status == 0, done.stderr
    assert done.lines("a") == ["ran"]


def test_a_build_that_fails_starts_nothing(run, flow):
    refused(run(flow(a=actor("join", build="false"))), "node `a`", "`false`", "exit status 1")


def test_modules_with_parameters(run, flow, tmp_path):
    (tmp_path / "double.yml").write_text(
        json.dumps(
            {
                "module": {"name": "double", "inputs": ["in"], "outputs": ["out"]},
                "nodes": [
                    {
                        "id": "inner",
                        "path": str(ACTOR),
                        "args": "join say=${_param.word} env=PARAM_WORD echo=out listen",
                        "inputs": {"in": "_mod/in"},
                        "outputs": ["out"],
                    }
                ],
            }
        )
    )
    done = run(
        flow(
            source=actor("join", "send=out:3:8", outputs=["out"]),
            m={"module": "double.yml", "params": {"word": "hello"}, "inputs": {"in": "source/out"}},
            sink=actor("join", "listen", inputs={"in": "m/out"}),
        )
    )
    assert done.status == 0, done.stderr
    assert done.lines("m.inner")[:2] == ["hello", "PARAM_WORD=hello"]
    assert done.summary("sink")["in"]["count"] == 3


# ---- Dynamic nodes ----


def by_hand(*script):
    """A dynamic node that a user starts."""
    return subprocess.Popen([ACTOR, *script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_dynamic_node_joins_a_dataflow_that_runs(start, flow, dora):
    node = f"dynamic-{os.getpid()}"
    running = start(
        flow(
            **{
                node: {"path": "dynamic", "inputs": {"in": "source/out"}, "outputs": ["out"]},
                "source": actor("join", "say=up", "listen=1", "send=out:5:8", "listen", inputs={"in": f"{node}/out"},
                                outputs=["out"]),
            }
        )
    )  # fmt: skip
    running.wait_for("source", "up")
    guest = by_hand(f"join={node}", "send=out:1:8", "listen=5", "leave")
    out, error = guest.communicate(timeout=60)
    assert guest.returncode == 0, error
    assert "input in 4 8\n" in out and "gaps=0 bad=0" in out
    running.wait_for("source", "closed in")
    assert running.wait() == 0, running.stderr


def test_a_dynamic_node_may_be_there_first(start, flow, tmp_path):
    """It is let in when the dataflow starts."""
    node, gate = f"dynamic-{os.getpid()}", tmp_path / "gate"
    running = start(
        flow(
            **{
                node: {"path": "dynamic", "inputs": {"in": "source/out"}},
                "source": actor("say=up", f"gate={gate}", "join", "send=out:5:8", "leave", outputs=["out"]),
            }
        )
    )
    running.wait_for("source", "up")
    guest = by_hand(f"join={node}", "listen")
    # The page that it shares with the daemon comes with the answer to its joining.
    until(lambda: "memfd:dora-dataflow" in pathlib.Path(f"/proc/{guest.pid}/maps").read_text())
    gate.touch()
    out, error = guest.communicate(timeout=60)
    assert guest.returncode == 0, error
    assert "count=5 first=0 last=4 gaps=0 bad=0" in out
    assert running.wait() == 0


def test_a_dynamic_node_of_an_unknown_id_is_refused(start, flow):
    node = f"unknown-{os.getpid()}"
    running = start(flow(a=actor("join", "say=up", "wait")))
    running.wait_for("a", "up")
    guest = by_hand(f"join={node}")
    _, error = guest.communicate(timeout=60)
    assert guest.returncode == 1 and node in error
    guest = by_hand("join=a")
    _, error = guest.communicate(timeout=60)
    assert guest.returncode == 1 and "`a`" in error
    assert running.stop() == 0


def test_a_node_that_dora_did_not_start_says_so(dora):
    guest = by_hand("join")
    _, error = guest.communicate(timeout=60)
    assert guest.returncode == 1 and "DORA_NODE_CONFIG" in error


# ---- Logs ----


def test_levels_formats_and_filters(run, flow):
    path = flow(
        a=actor("join", "say=plain", "log=error:E", "log=info:I", "log=debug:D"), b=actor("join", "log=info:other")
    )
    done = run(path)
    assert [done.lines("a", level) for level in ("stdout", "ERROR", "INFO", "DEBUG")] == [["plain"], ["E"], ["I"], ["D"]]
    assert run(path, "--log-level", "info").lines("a", None) == ["E", "I"]
    assert run(path, env={"DORA_LOG_LEVEL": "error"}).lines("b", None) == []
    done = run(path, "--log-level", "error", "--log-filter", "b=info,a=debug")
    assert done.lines("a", None) == ["E", "I", "D"] and done.lines("b", None) == ["other"]
    pretty, compact = run(path, plain=True), run(path, "--log-format", "compact", plain=True)
    assert "stdout a: plain\n" in pretty.stdout and "INFO   b: " in pretty.stdout
    assert "INFO b: other\n" in compact.stdout or "INFO   b: other\n" in compact.stdout


def test_log_files_hold_every_line(run, flow):
    path = flow(
        a=actor("join", "say=out", "log=warn:careful", "say={\"not\": \"ours\"}"),
        b=actor("join", "cry=err", "log=debug:hidden", min_log_level="info"),
    )
    done = run(path, "--log-level", "error")
    a, b = done.log(path, "a"), done.log(path, "b")
    assert [(line["level"], line["msg"], line["stream"], line["node"]) for line in a] == [
        ("stdout", "out", "stdout", "a"),
        ("warn", "careful", "stdout", "a"),
        ("stdout", '{"not": "ours"}', "stdout", "a"),
    ]
    assert all(line["ts"].endswith("Z") for line in a)
    assert b == []


def test_stop_after(run, flow):
    path = flow(a=actor("join", "listen", inputs={"tick": "dora/timer/millis/10"}))
    done = run(path, "--stop-after", "200ms")
    assert done.status == 0, done.stderr
    assert "stop MANUAL" in done.lines("a")
    refused(run(path, "--stop-after", "soon"), "stop-after", "soon")


def test_what_would_have_to_be_fetched_is_refused(dora, flow):
    path = flow(far={"path": "https://example.com/node", "outputs": ["out"]})
    for command in ("run", "start"):
        done = subprocess.run([dora, command, path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "is a URL, and this version doesn't fetch those" in done.stderr
        assert "hint: download it, and name the file here" in done.stderr
        done = subprocess.run([dora, command, "https://example.com/flow.yml"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "hint: download it: curl -LO https://example.com/flow.yml" in done.stderr
