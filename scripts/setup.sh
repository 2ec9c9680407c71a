# Sourced by scripts/demo and scripts/test: installs what they need, where it is missing, from Debian's packages.
# shellcheck shell=bash

missing=()

# need PACKAGE COMMAND…: PACKAGE is missing unless COMMAND succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# Whether clang can link a fuzz target: its run-time libraries are a package of their own.
clang_fuzzes() {
    local out
    out=$(mktemp) || return 1
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
        clang -x c -fsanitize=fuzzer,address,undefined - -o "$out"
    local status=$?
    rm -f "$out"
    return $status
}

# The first Python here that has pytest, whose name it prints; python3 on PATH may be another than Debian's.
find_pytest() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import pytest, xdist' >/dev/null 2>&1 && echo "$python" && return
    done
    return 1
}

# The first Python here that extensions can be built for and environments made of, whose name it prints.
find_python() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import ensurepip, os, sys, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 11) or not os.path.exists(header))' >/dev/null 2>&1 && echo "$python" && return
    done
    return 1
}

# The environment in which Python is tested, whose interpreter it prints. It lies outside of this tree, and is made once for
# each list of packages; that takes the packages from PyPI.
python_environment() {
    local python list=python/tests/requirements.txt folder
    python=$(find_python) || return 1
    folder=${XDG_CACHE_HOME:-${HOME:?}/.cache}/dora-python-$({ "$python" -VV && cat "$list"; } | sha256sum | head -c 12)
    mkdir -p "$folder" || return 1
    (
        flock 9
        if [ ! -e "$folder/complete" ]; then
            echo "Making an environment for Python in $folder" >&2
            "$python" -m venv --clear "$folder/env" && "$folder/env/bin/python" -m pip install -q -r "$list" &&
                touch "$folder/complete"
        fi
    ) 9>"$folder/lock" >&2 </dev/null || return 1
    echo "$folder/env/bin/python"
}

# Optional, and no package of Debian 12: Rust's cargo, 1.89 or newer, for dataflows on several machines (src/link). Without
# it their tests are skipped, each with a word.
need_to_build() {
    need cmake command -v cmake
    need ninja-build command -v ninja
    need gcc command -v cc
    need libc6-dev test -e /usr/include/stdio.h
    need pkg-config command -v pkg-config
    need libyaml-dev pkg-config --exists yaml-0.1
    need libjansson-dev pkg-config --exists jansson
    need libuv1-dev pkg-config --exists libuv
    need libsqlite3-dev pkg-config --exists sqlite3
    need libcmocka-dev pkg-config --exists cmocka
}

need_to_test() {
    need g++ command -v c++
    need python3-pytest-xdist find_pytest
    need procps command -v ps
    need python3-dev find_python
    need python3-venv find_python
    need dpkg-dev command -v dpkg-shlibdeps
    need file command -v file
    # Networks of a test's own (tests/machines.py) take root.
    if [ "$(id -u)" -eq 0 ]; then
        need iproute2 command -v ip
        need nftables command -v nft
    fi
}

need_to_fuzz() {
    need clang command -v clang
    need libclang-rt-dev clang_fuzzes
}

# Installs what is missing, with one line that says so; needs root or sudo.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo=(sudo)
    fi
    if ! command -v apt-get >/dev/null || { [ ${#sudo[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
        echo "Please install what these Debian packages hold, then try again: ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${sudo[@]}" apt-get update -qq &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
    missing=()
}
