#!/usr/bin/env bash
# Compiles everything that is ours again and fails when the compiler has a warning to give. Warnings are
# given only when a file is compiled, so what our modules were compiled to is removed first; that of the
# dependencies stays. Leaves the build as `swift test` wants it.
set -euo pipefail
cd "$(dirname "$0")/.."

products=$(swift build --show-bin-path)
for module in Sources/*/ Tests/*/; do
    folder=$products/$(basename "$module").build
    # Not the whole folder: SwiftPM does not write everything in it again.
    [[ ! -d $folder ]] || find "$folder" \( -name '*.o' -o -name '*.swiftdeps' -o -name '*.priors' \) -delete
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build --build-tests >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
warnings=$(grep -E '^[^ ].*: warning: ' "$log" | grep -v '/checkouts/' | sort -u || true)
if [[ -n $warnings ]]; then
    printf '%s\n' "$warnings" >&2
    printf 'check: the compiler warns\n' >&2
    exit 1
fi
