#!/usr/bin/env bash
# Sees to it that this machine can build, test and show dwell: checks for Swift, and installs the system
# packages that are missing (as root) or says how. Does nothing, and needs no network, when all is there.
# `tools/setup.sh model` asks for what checks the model of the lifecycle as well, `tools/setup.sh instructions` for what
# counts instructions.
set -euo pipefail

oldest_swift=6.1

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

# What is needed, how to see that it is there, and what for. One package a line.
missing=()
need() {
    local package=$1 purpose=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    missing+=("$package")
    printf 'setup: %s is missing (%s)\n' "$package" "$purpose"
}
has() { command -v "$1"; }

check_swift() {
    command -v swift >/dev/null 2>&1 \
        || fail "Swift $oldest_swift or newer is needed and none is on PATH: https://www.swift.org/install"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    [[ -n $version && $(printf '%s\n' "$oldest_swift" "$version" | sort -V | head -n 1) == "$oldest_swift" ]] \
        || fail "Swift $oldest_swift or newer is needed, this is ${version:-unknown}: https://www.swift.org/install"
}

check_packages() {
    need make "runs the Makefile" has make
    need git "SwiftPM fetches the dependencies with it" has git
    need ca-certificates "fetching over https" test -e /etc/ssl/certs/ca-certificates.crt
    need libsqlite3-dev "building: SQLite's header and library" test -e /usr/include/sqlite3.h
    need sqlite3 "the demo and the tests read the log with it" has sqlite3
    need curl "the demo asks its service with it" has curl
    need python3 "the servers of the examples and of the tests" has python3
    need strace "the tests kill a process at a chosen write with it" has strace
    need openssl "the tests make certificates with it" has openssl
    if [[ ${1:-} == model ]]; then
        need spin "checks the model of the lifecycle" has spin
        need gcc "compiles what spin makes of the model" has_c_compiler
    fi
    if [[ ${1:-} == instructions ]]; then
        need valgrind "counts instructions" has valgrind
    fi
}

has_c_compiler() { has cc || has gcc || has clang; }

install_missing() {
    command -v apt-get >/dev/null 2>&1 \
        || fail "install what these Debian packages are called on your system, then try again: ${missing[*]}"
    if [[ $(id -u) -ne 0 ]]; then
        printf 'setup: install what is missing, then try again:\n' >&2
        printf '  sudo apt-get install -y %s\n' "${missing[*]}" >&2
        exit 1
    fi
    printf 'setup: installing %s\n' "${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Without package lists, or with old ones, the first attempt fails.
    if ! apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        apt-get update -qq
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

check_swift
check_packages "$@"
if ((${#missing[@]} > 0)); then
    install_missing
    missing=()
    check_packages "$@"
    ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}"
fi
