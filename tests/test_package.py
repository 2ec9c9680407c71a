"""The Debian packages that cpack makes, and the services in them."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, DEADLINE, ROOT

pytestmark = [
    pytest.mark.release_only,
    pytest.mark.skipif(
        not all(map(shutil.which, ["cpack", "dpkg-deb", "dpkg-shlibdeps"])), reason="no tools for Debian packages here"
    ),
]
NAMES = ["dora", "libdora0", "libdora-dev"]
WITH_PYTHON = (BUILD / "python/dora").exists()
if WITH_PYTHON:
    NAMES.append("python3-dora")


def output(*command, **how):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **how).stdout


@pytest.fixture(scope="module")
def debs(dora, tmp_path_factory):
    """Each package's file, by its name."""
    folder = tmp_path_factory.mktemp("debs")
    done = subprocess.run(["cpack", "-B", folder], cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    files = {path.name.split("_")[0]: path for path in folder.glob("*.deb")}
    assert sorted(files) == sorted(NAMES)
    return files


@pytest.fixture(scope="module")
def unpacked(debs, tmp_path_factory):
    """A folder with the content of all three."""
    root = tmp_path_factory.mktemp("root")
    for deb in debs.values():
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    return root


def content(deb):
    """The files in a package, below /usr and with the architecture's folder for libraries taken out."""
    listed = [line.split(maxsplit=5)[5] for line in output("dpkg-deb", "-c", deb).splitlines()]
    paths = [path.split(" -> ")[0] for path in listed]
    assert all(path.startswith("./usr/") for path in paths)
    return {re.sub(r"/lib/[a-z0-9_]+-linux-gnu\w*/", "/lib/", path)[len("./usr/") :] for path in paths}


def test_what_each_package_holds(debs):
    runtime, library, development = (content(debs[name]) for name in NAMES[:3])
    assert {
        "bin/dora",
        "bin/dora-coordinator",
        "libexec/dora/dora-runtime",
        "lib/systemd/user/dora-coordinator.service",
        "lib/systemd/user/dora-coordinator.socket",
        "lib/systemd/user/dora-daemon.service",
        "share/bash-completion/completions/dora",
        "share/doc/dora/copyright",
        "share/dora/dora-schema.json",
        "share/fish/vendor_completions.d/dora.fish",
        "share/man/man1/dora.1.gz",
        "share/man/man1/dora-run.1.gz",
        "share/zsh/vendor-completions/_dora",
    } <= runtime
    assert "lib/libdora.so.0" in library
    assert not [path for path in library if path.startswith(("bin", "include"))]
    assert {
        "include/dora/dora.h",
        "include/dora/dora.hpp",
        "include/dora/cpp/node.hpp",
        "include/dora-node-api.h",
        "include/dora-operator-api.h",
        "include/dora/operator.h",
        "include/dora/operator.hpp",
        "include/dora/operator_api.h",
        "include/dora/operator_types.h",
        "include/node_api.h",
        "include/operator_api.h",
        "include/operator_types.h",
        "lib/libdora.a",
        "lib/libdora.so",
        "lib/libdora_node_api_c.so",
        "lib/libdora_node_api_cxx.a",
        "lib/libdora_operator_api_c.a",
        "lib/libdora_operator_api_cxx.a",
        "lib/cmake/dora/doraConfig.cmake",
        "lib/cmake/dora/DoraAddNode.cmake",
        "lib/cmake/dora/DoraAddOperator.cmake",
        "lib/cmake/dora-node-api-c/dora-node-api-cConfig.cmake",
        "lib/cmake/dora-node-api-cxx/dora-node-api-cxxConfig.cmake",
        "lib/cmake/dora-operator-api-c/dora-operator-api-cConfig.cmake",
        "lib/cmake/dora-operator-api-cxx/dora-operator-api-cxxConfig.cmake",
        "lib/pkgconfig/dora.pc",
        "src/dora-node-api.cc",
        "src/dora-operator-api.cc",
    } <= development
    for one, other in [(runtime, library), (runtime, development), (library, development)]:
        assert not [path for path in one & other if path and not path.endswith("/")]


@pytest.mark.skipif(not WITH_PYTHON, reason="the Python package is not built")
def test_what_the_package_for_python_holds(debs):
    held = content(debs["python3-dora"])
    prefix = "lib/python3/dist-packages/dora/"
    assert {prefix + name for name in ("__init__.py", "__init__.pyi", "py.typed", "testing.py")} <= held
    assert len([path for path in held if re.fullmatch(re.escape(prefix) + r"_dora\.cpython-\d+-.*\.so", path)]) == 1
    assert not [path for path in held if "__pycache__" in path]
    assert "python3 (>= 3.11), python3 (<< 3." in output("dpkg-deb", "-f", debs["python3-dora"], "Depends")


def test_what_each_package_needs(debs):
    def field(name, key):
        return output("dpkg-deb", "-f", debs[name], key).strip()

    version = field("dora", "Version")
    needed = {word.split()[0] for word in field("dora", "Depends").split(", ")}
    assert {"libc6", "libjansson4", "libuv1", "libyaml-0-2"} <= needed
    assert not needed & set(NAMES)
    assert field("libdora0", "Depends").startswith("libc6 ") and "," not in field("libdora0", "Depends")
    assert field("libdora-dev", "Depends") == f"libdora0 (= {version})"
    for name in NAMES:
        assert "@" in field(name, "Maintainer")
        assert len(field(name, "Description").splitlines()[0]) < 80


def test_the_command_runs_from_where_it_was_unpacked(unpacked):
    for name in ("dora", "dora-coordinator"):
        assert output(unpacked / "usr/bin" / name, "--version").startswith("dora-cli ")
    help = output(unpacked / "usr/bin/dora-coordinator", "--help")
    assert "dora coordinator" in help


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_has_nothing_to_say(debs, tmp_path):
    """But of the maintainer's address, which is for whoever publishes packages, and of what CPack itself does."""
    known = ["bogus-mail-host", "maintscript-calls-ldconfig", "pkg-config-unavailable-for-cross-compilation"]
    env = {**os.environ, "TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(["lintian", "--allow-root", *debs.values()], stdout=subprocess.PIPE, text=True, env=env)
    assert not [line for line in done.stdout.splitlines() if not any(tag in line for tag in known)]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_services_are_well_formed(dora, tmp_path):
    (tmp_path / "run").mkdir()
    for unit in (ROOT / "packaging/systemd").iterdir():
        text = unit.read_text().replace("ExecStart=", f"ExecStart={dora.resolve().parent}/")
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *sorted(tmp_path.glob("dora-*"))],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed")
def test_the_first_command_starts_the_coordinator(dora, tmp_path, monkeypatch):
    """As the socket unit does: the service is started, by its own name, when somebody speaks to its socket."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "dora").mkdir(mode=0o700)
    passed = [word for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "DORA_TEST_MARK") for word in ("-E", name)]
    path = tmp_path / "dora/coordinator.sock"
    service = dora.parent / "dora-coordinator"
    activator = subprocess.Popen(
        ["systemd-socket-activate", *passed, "-l", path, service], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert b"Listening on" in activator.stdout.readline()
        status = subprocess.run([dora, "status"], capture_output=True, text=True)
        assert "Coordinator: Running" in status.stdout
    finally:
        activator.terminate()
        said = activator.communicate(timeout=DEADLINE)[0].decode()
    assert activator.returncode == 0, said
    assert f"listens at {path}" in said


def can_overlay(folder):
    """Whether this process may give a child its own view of the file system."""
    command = ["unshare", "-m", "sh", "-c", IN_A_COPY.format(folder=folder, command="true")]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


# A system in which everything may be changed, and nothing of that remains.
IN_A_COPY = """set -e
mount -t tmpfs tmpfs {folder}
mkdir {folder}/upper {folder}/work {folder}/root
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {folder}/root
mount --rbind /dev {folder}/root/dev
mount -t proc proc {folder}/root/proc
cp {folder}.debs/* {folder}/root/tmp 2>/dev/null || true
chroot {folder}/root sh -euc '{command}'
"""


def test_they_are_installed_used_and_removed(debs, tmp_path):
    """By dpkg for real, in a copy of this system that ends with the test."""
    folder = tmp_path / "copy"
    folder.mkdir()
    if not can_overlay(folder):
        pytest.skip("needs root, and overlays")
    here = output("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n").splitlines()
    if [line for line in here if line.startswith("i") and line.split()[-1] in NAMES]:
        pytest.skip("dora's packages are installed here")
    shutil.copytree(next(iter(debs.values())).parent, tmp_path / "copy.debs", ignore=shutil.ignore_patterns("_CPack*"))
    script = """
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home XDG_RUNTIME_DIR=/tmp/run
        unset LD_LIBRARY_PATH CMAKE_PREFIX_PATH PKG_CONFIG_PATH TMPDIR
        mkdir -m 700 /tmp/home /tmp/run
        rm -f /var/lib/man-db/auto-update
        dpkg -i /tmp/*.deb >/dev/null
        dora --version
        ldconfig -p | grep -q libdora.so.0
        cd /tmp/home
        dora new hello
        cd hello
        dora run dataflow.yml --stop-after 300ms | grep -o "Hello from talker_1" | head -n 1
        cc talker_1/node.c -o node $(pkg-config --cflags --libs dora)
        ldd node | grep -o "libdora.so.0"
        packages="PACKAGES"
        case $packages in *python3*) /usr/bin/python3 -Bc "import dora; print(dora.__version__)" ;; esac
        dpkg -L $packages | grep -i dora >/tmp/files
        dpkg -r $packages >/dev/null
        while read -r path; do
            if [ -e "$path" ]; then echo "left: $path"; exit 1; fi
        done </tmp/files
        echo removed
    """.replace("PACKAGES", " ".join(NAMES))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", IN_A_COPY.format(folder=folder, command=script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    printed = done.stdout.splitlines()
    assert "Hello from talker_1" in printed and "libdora.so.0" in printed
    assert printed[-1] == "removed"
