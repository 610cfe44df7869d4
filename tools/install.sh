#!/usr/bin/env bash
# Builds dwell for use and installs it as one file: release build, with the Swift runtime and, where its
# static library is there, SQLite inside; stripped. PREFIX (default ~/.local) and DESTDIR as usual.
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

# The linker takes the first libsqlite3 it finds, so it is led past a folder that has the static one only.
archive=$(find "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib /usr/local/lib -name libsqlite3.a 2>/dev/null | head -n 1 || true)
if [[ -n $archive ]]; then
    mkdir -p .build/static-sqlite
    ln -sfn "$archive" .build/static-sqlite/libsqlite3.a
    flags+=(-Xlinker "-L$PWD/.build/static-sqlite" -Xlinker -lm)
else
    echo "install: no static libsqlite3.a here, so the binary will need the shared libsqlite3" >&2
fi

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
