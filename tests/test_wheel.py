"""The Python package as pip makes it: what is in it, and whom it satisfies."""

import email
import os
import subprocess
import zipfile

import pytest

from conftest import ROOT

pytestmark = pytest.mark.release_only


@pytest.fixture(scope="module")
def wheel(python, tmp_path_factory):
    """The wheel's file; nothing is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [os.environ["DORA_TEST_PYTHON"], "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-w", folder, ROOT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    [path] = folder.glob("*.whl")
    return path


def test_it_holds_the_package_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = {info.filename: info.file_size for info in archive.infolist()}
    top = {name.split("/")[0] for name in files}
    assert top == {"dora", *(name for name in top if name.endswith(".dist-info"))}
    assert len([name for name in files if name.endswith(".so")]) == 1
    assert {"dora/__init__.py", "dora/__init__.pyi", "dora/_dora.pyi", "dora/py.typed"} <= set(files)
    assert sum(files.values()) < 1_000_000


def test_it_satisfies_who_asks_for_dora_rs(wheel, python):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Name"] == "dora-rs"
    script = "import sys; from packaging.specifiers import SpecifierSet as S; sys.exit(sys.argv[1] not in S(sys.argv[2]))"
    for asked in (">=0.3.9", ">=1.0", "==1.1.0", "~=1.1", "==1.1.*"):
        subprocess.run([os.environ["DORA_TEST_PYTHON"], "-c", script, metadata["Version"], asked], check=True)


def test_it_is_imported_without_what_it_needs(wheel, python, tmp_path):
    """Neither pyarrow nor numpy nor anything else is loaded before it is used."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = "import sys; before = set(sys.modules); import dora; print(*sorted(set(sys.modules) - before))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [os.environ["DORA_TEST_PYTHON"], "-c", script]
    loaded = subprocess.run(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert loaded == ["dora", "dora._dora"]
