#!/usr/bin/env bash
# Runs the unit tests with the thread sanitizer, in a build folder of its own. A report of it fails. Without the crash
# images of PowerLossTests: they use one thread, and keep the others from theirs for minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

export TSAN_OPTIONS="halt_on_error=0 exitcode=66 suppressions=$PWD/tools/sanitize.txt${TSAN_OPTIONS:+ $TSAN_OPTIONS}"
options=(--sanitize=thread --scratch-path .build-sanitize)
swift build --build-tests "${options[@]}"
swift test --skip-build "${options[@]}" --skip EndToEnd --skip PowerLossTests
