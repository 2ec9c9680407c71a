"""`dora logs`: what nodes printed, from their log files."""

import json
import os
import signal
import subprocess

import pytest

from conftest import actor, until
from system import Terminal, system  # noqa: F401

ID = "019ab3c2-1111-7000-8000-000000000001"


def record(second, node, text, level="stdout", **more):
    stamp = f"2026-01-31T12:00:{second:06.3f}Z"
    return json.dumps({"ts": stamp, "level": level, "node": node, "stream": "stdout", "msg": text, **more}) + "\n"


@pytest.fixture
def logs(tmp_path, system):  # noqa: F811
    """Writes log files of a dataflow: logs.write("log_a.jsonl", lines); and reads them with `dora logs --local`."""

    class Logs:
        folder = tmp_path / "out" / ID

        def write(self, name, *lines, mode="w"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / name, mode) as file:
                file.write("".join(lines))

        def read(self, *args, **how):
            return system.dora("logs", "--local", *args, cwd=tmp_path, **how)

        def messages(self, *args):
            return [line["message"] for line in self.read("--log-format", "json", *args).json()]

        def follow(self, *args):
            return system.begin("logs", "--local", "--follow", *args, cwd=tmp_path)

    return Logs()


def test_lines_of_all_nodes_come_in_the_order_of_time(logs):
    logs.write("log_a.jsonl", record(1, "a", "one"), record(3, "a", "three"), record(5, "a", "five"))
    logs.write("log_b.jsonl", record(2, "b", "two"), record(4, "b", "four"))
    assert logs.messages() == ["one", "two", "three", "four", "five"]
    assert logs.messages("--node", "b") == ["two", "four"]
    assert logs.messages("--all-nodes", "--tail", "2") == ["four", "five"]
    assert logs.messages("--tail", "0") == []


def test_rotated_files_come_first_the_oldest_before_all(logs):
    for number, name in enumerate(("log_a.2.jsonl", "log_a.1.jsonl", "log_a.jsonl")):
        logs.write(name, *(record(10 * number + i, "a", f"{number}.{i}") for i in range(3)))
    assert logs.messages() == [f"{number}.{i}" for number in range(3) for i in range(3)]


def test_a_node_may_be_called_like_a_rotated_file(logs):
    logs.write("log_a.jsonl", record(1, "a", "of a"))
    logs.write("log_a.1.jsonl", record(2, "a.1", "of a.1"))
    assert logs.messages() == ["of a", "of a.1"]
    assert logs.messages("-n", "a") == ["of a"]
    assert logs.messages("-n", "a.1") == ["of a.1"]


def test_lines_are_chosen_by_time_level_and_text(logs):
    levels = ["error", "warn", "info", "debug", "trace", "stdout"]
    logs.write("log_a.jsonl", *(record(i, "a", f"Word {level}", level) for i, level in enumerate(levels)))
    assert logs.messages("--level", "info") == ["Word error", "Word warn", "Word info"]
    assert logs.messages("--grep", "word D") == ["Word debug"]
    assert logs.messages("--since", "2026-01-31T12:00:03Z") == ["Word debug", "Word trace", "Word stdout"]
    assert logs.messages("--until", "2026-01-31T13:00:01+01:00") == ["Word error", "Word warn"]
    assert logs.messages("--since", "1s") == []
    assert logs.messages("--log-filter", "a=warn") == ["Word error", "Word warn"]
    assert logs.messages("--level", "debug", "--tail", "1") == ["Word debug"]


@pytest.mark.release_only  # it takes a minute with a sanitizer
def test_the_last_lines_are_found_from_the_end(logs):
    """Of files that are longer than what is read at first, and of which one is written much less often."""
    rare = ["".join([record(i / 100, "b", f"b{i}", "warn"), "without a time\n"]) for i in range(0, 6000, 37)]
    often = [record(i / 1000, "a", f"a{i} " + "x" * (i % 50), "info" if i % 7 else "debug") for i in range(59999)]
    for number, name in enumerate(("log_a.2.jsonl", "log_a.1.jsonl", "log_a.jsonl")):
        logs.write(name, *often[20000 * number : 20000 * (number + 1)])
    logs.write("log_b.jsonl", *rare)
    for args in ([], ["--grep", "9"], ["--level", "warn"], ["--log-filter", "a=error"], ["-n", "a"], ["-n", "b"]):
        whole = logs.read(*args).stdout.splitlines()
        for count in (0, 1, 3, 700, 30000, 1000000):
            tail = logs.read(*args, "--tail", str(count)).stdout.splitlines()
            assert tail == (whole[-count:] if count else []), (args, count)
    until = ["--until", "2026-01-31T12:00:10Z"]
    assert logs.read(*until, "--tail", "5").stdout.splitlines() == logs.read(*until).stdout.splitlines()[-5:]


@pytest.mark.parametrize("args", [["--since", "soon"], ["--tail", "-1"], ["--tail", "x"], ["--level", "loud"]])
def test_wrong_values_are_explained(logs, args):
    done = logs.read(*args, status=2)
    assert args[1] in done.stderr and args[0] in done.stderr


def test_dora_s_own_form_is_read_and_what_is_none_is_shown_as_it_is(logs):
    other = {"timestamp": "2026-01-31T12:00:01Z", "level": "INFO", "node_id": "a", "message": "other", "fields": {"x": 1}}
    logs.write("log_a.jsonl", json.dumps(other) + "\n", "no JSON at all\n", '{"half": \n', record(2, "a", "last"))
    assert logs.messages() == ["other", "no JSON at all", '{"half": ', "last"]
    assert '{"x":1}' in logs.read("--log-format", "pretty").stdout


def test_the_newest_dataflow_is_meant_and_a_beginning_names_one(logs, tmp_path):
    logs.write("log_a.jsonl", record(1, "a", "old"))
    newer = tmp_path / "out" / ID.replace("1111", "2222")
    newer.mkdir()
    (newer / "log_a.jsonl").write_text(record(1, "a", "new"))
    assert logs.messages() == ["new"]
    assert logs.messages("019ab3c2-1") == ["old"]
    assert "2 dataflows" in logs.read("019a", status=1).stderr
    assert "xyz" in logs.read("xyz", status=1).stderr


def test_a_line_of_10_mb_is_read_whole(logs):
    logs.write("log_a.jsonl", record(1, "a", "x" * 10_000_000), record(2, "a", "after"))
    big, after = logs.messages()
    assert len(big) == 10_000_000 and after == "after"
    assert logs.messages("--tail", "1") == ["after"]


def test_following_sees_new_lines_rotation_and_new_nodes(logs):
    logs.write("log_a.jsonl", record(1, "a", "one"), record(2, "a", "two"))
    follower = logs.follow("--log-format", "json", "--tail", "1")

    def next_message():
        return json.loads(follower.stdout.readline())["message"]

    assert next_message() == "two"
    logs.write("log_a.jsonl", record(3, "a", "three"), mode="a")
    assert next_message() == "three"
    logs.write("log_a.jsonl", record(4, "a", "before the rotation"), mode="a")
    for old, new in ((1, 2), (0, 1)):
        name = [f"log_a.{n}.jsonl" if n else "log_a.jsonl" for n in (old, new)]
        if (logs.folder / name[0]).exists():
            os.rename(logs.folder / name[0], logs.folder / name[1])
    logs.write("log_a.jsonl", record(5, "a", "after it"))
    assert next_message() == "before the rotation"
    assert next_message() == "after it"
    logs.write("log_b.jsonl", record(6, "b", "of another"))
    assert next_message() == "of another"
    # A restarted node's file is emptied.
    logs.write("log_b.jsonl", record(7, "b", "new"))
    assert next_message() == "new"
    half, rest = record(8, "b", "in two pieces")[:20], record(8, "b", "in two pieces")[20:]
    logs.write("log_b.jsonl", half, mode="a")
    logs.write("log_b.jsonl", rest, mode="a")
    assert next_message() == "in two pieces"
    follower.send_signal(signal.SIGINT)
    assert follower.wait() != 0


def test_rotations_in_the_middle_of_reading_lose_and_repeat_nothing(logs):
    """A writer that rotates every 100 lines, while they are followed."""
    logs.write("log_a.jsonl", record(0, "a", "0"))
    follower = logs.follow("--log-format", "compact")
    count = 3000
    for number in range(1, count):
        if number % 100 == 0:
            for old in range(40, -1, -1):
                name = logs.folder / (f"log_a.{old}.jsonl" if old else "log_a.jsonl")
                if name.exists():
                    os.rename(name, logs.folder / f"log_a.{old + 1}.jsonl")
        logs.write("log_a.jsonl", record(number % 60, "a", str(number)), mode="a")
    seen = [int(follower.stdout.readline().rsplit(" ", 1)[1]) for _ in range(count)]
    assert seen == list(range(count))
    follower.kill()
    follower.wait()


def test_a_reader_that_has_seen_enough_ends_it(logs):
    logs.write("log_a.jsonl", *(record(i % 60, "a", f"line {i}") for i in range(20000)))
    reader = logs.follow()
    assert reader.stdout.readline()
    reader.stdout.close()
    assert reader.wait(timeout=30) == -signal.SIGPIPE


def test_nothing_there_is_said_with_what_to_do(logs, system, tmp_path):  # noqa: F811
    done = logs.read(status=1)
    assert "out" in done.stderr and "hint:" in done.stderr
    done = system.dora("logs", status=1)
    assert "dora up" in done.stderr and "--local" in done.stderr


def test_colours_are_for_terminals_and_not_with_no_color(logs, tmp_path):
    logs.write("log_a.jsonl", record(1, "a", "coloured"))
    assert "\x1b" not in logs.read().stdout
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        terminal = Terminal("logs", "--local", cwd=tmp_path, env=env)
        assert terminal.wait() == 0
        assert "coloured" in terminal.text
        assert ("\x1b" in terminal.text) == coloured


def test_what_a_run_printed_is_found(run, flow, system):  # noqa: F811
    path = flow(a=actor("join", "say=hello", "cry=help"))
    assert run(path).status == 0
    lines = system.dora("logs", "--local", "--log-format", "json", cwd=path.parent).json()
    assert {("hello", "a"), ("help", "a")} <= {(line["message"], line["node_id"]) for line in lines}
