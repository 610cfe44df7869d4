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
archive() {
    find "$@" 2>/dev/null | sort -V | tail -n 1
}
sqlite=$(archive "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib /usr/local/lib -name libsqlite3.a || true)
cxx=$(archive /usr/lib/gcc -name libstdc++.a || true)
for library in "$sqlite" "$cxx"; do
    [[ -z $library ]] || ln -sfn "$library" "$static/${library##*/}"
done
[[ -n $sqlite ]] || echo "install: no static libsqlite3.a here, so the binary will need the shared libsqlite3" >&2
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
