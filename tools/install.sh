#!/usr/bin/env bash
# Builds dwell for use and installs it as one file: release build, with the Swift runtime and, where their static
# libraries are there, SQLite and C++'s inside; stripped. PREFIX (default ~/.local) and DESTDIR as usual.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${PREFIX:-$HOME/.local}
case $prefix in
    # A tilde that the shell has left alone.
    '~') prefix=$HOME ;;
    '~/'*) prefix=$HOME/${prefix#'~/'} ;;
esac
[[ $prefix == /* ]] || prefix=$PWD/$prefix
folder=${DESTDIR:-}$prefix/bin

mapfile -t flags < <(grep -Ev '^(#|$)' tools/release-flags.txt)
flags+=(--product dwell)

# The linker takes the first library of a name that it finds, so it is led past a folder that has static ones only.
static=.build/static-libraries
mkdir -p "$static"
take() {
    local name=$1 found
    shift
    # The newest where there are several.
    found=$(find "$@" -name "$name.a" 2>/dev/null | sort -Vr | head -n 1 || true)
    [[ -n $found ]] || return 1
    ln -sfn "$found" "$static/$name.a"
}
machine=$(uname -m)
take libsqlite3 "/usr/lib/$machine-linux-gnu" || take libsqlite3 /usr/lib64 /usr/lib /usr/local/lib \
    || echo "install: no static libsqlite3.a here, so the binary will need the shared libsqlite3" >&2
# One level further down are those for other word lengths.
take libstdc++ "/usr/lib/gcc/$machine-"* -maxdepth 2 \
    || echo "install: no static libstdc++.a here, so the binary will need the shared libstdc++" >&2
flags+=(-Xlinker "-L$PWD/$static" -Xlinker -lm)

swift build "${flags[@]}"
built=$(swift build "${flags[@]}" --show-bin-path)/dwell

# Moved into place: a dwell that runs from there is not disturbed.
mkdir -p "$folder"
install -m 755 "$built" "$folder/.dwell.new"
mv -f "$folder/.dwell.new" "$folder/dwell"

share=${DESTDIR:-}$prefix/share
"$folder/dwell" manual "$share/man/man1"
mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
"$folder/dwell" completions bash > "$share/bash-completion/completions/dwell"
"$folder/dwell" completions zsh > "$share/zsh/site-functions/_dwell"
"$folder/dwell" completions fish > "$share/fish/vendor_completions.d/dwell.fish"

echo "Installed $("$folder/dwell" version) as $folder/dwell"

case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) [[ -n ${DESTDIR:-} ]] || echo "It is not on your PATH yet: export PATH=\"$prefix/bin:\$PATH\"" ;;
esac
