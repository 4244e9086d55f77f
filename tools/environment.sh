#!/bin/sh
# Make .venv, or mend it, and install the hashed pins of the groups named: sh tools/environment.sh run test
#
#   PYTHON  the interpreter to use; without it the first fit one of python3, python3.13, python3.12, python3.11
#   VENV    the environment's folder, .venv by default
#
# Pins and package are installed again only where requirements/*.txt or pyproject.toml differ from what was installed
# (copies lie in .venv/pins); an environment of another Python, or one moved from another folder, is made anew.
set -eu
cd "$(dirname "$0")/.."

home=$(pwd -P)
venv=${VENV:-.venv}
python=$venv/bin/python
record=$venv/made-in
pins=$venv/pins

# Answers "3.12.1 /opt/python-3.12" where the pins hold; elsewhere "is cpython 3.10.13", and fails.
PROBE='
import platform, sys, sysconfig
version = platform.python_version()
free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
if sys.implementation.name != "cpython" or free_threaded or not (3, 11) <= sys.version_info[:2] <= (3, 13):
    print("is", sys.implementation.name, version + ("t" if free_threaded else ""))
    sys.exit(1)
print(version, sys.base_prefix)
'
# An environment must not be built by the one it replaces: this is the interpreter below it.
BASE='import sys; print(getattr(sys, "_base_executable", None) or sys.executable)'

say() { printf '%s\n' "$*" >&2; }
refuse() {
    say "eventsieve: $*"
    exit 1
}
probe() { "$1" -I -c "$PROBE" 2>/dev/null; }
has() { "$1" -I -c "import $2" 2>/dev/null; }

# Sets `base` to an interpreter that the pins are for and that can make an environment.
find_python() {
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11; fi
    unfit='' bare=''
    for candidate; do
        if ! answer=$(probe "$candidate"); then
            unfit="$unfit${unfit:+, }$candidate ${answer:-is not here}"
        elif has "$candidate" 'venv, ensurepip'; then
            base=$("$candidate" -I -c "$BASE")
            return
        else
            bare=${bare:-"$candidate (Python ${answer%% *})"}
        fi
    done
    [ -z "$bare" ] || refuse "$bare lacks the modules venv and ensurepip. On Debian and Ubuntu install them with" \
        "'apt install python3-venv', then run make again."
    refuse "Python 3.11, 3.12 or 3.13 is needed, since the requirements are pinned for these; $unfit." \
        "Install one, or name it: make demo PYTHON=/path/to/python3.12"
}

# Sets `fault` to the reason why the environment at hand cannot be used; empty where it can.
examine() {
    fault=''
    if [ -f "$record" ]; then
        [ "$(cat "$record")" = "$home" ] || fault='it was made in another folder'
    else
        grep -qF "$home/$venv" "$venv/bin/activate" 2>/dev/null || fault='it was made in another folder'
    fi
    if [ -z "$fault" ]; then
        answer=$(probe "$python") || fault='its Python is gone or is not 3.11 to 3.13'
    fi
    if [ -z "$fault" ]; then
        has "$python" pip || fault='it has no pip, or its Python was replaced'
    fi
    if [ -z "$fault" ] && [ -n "${PYTHON:-}" ]; then
        [ "$(probe "$PYTHON")" = "$answer" ] || fault="it was not made by PYTHON=$PYTHON"
    fi
}

make_environment() {
    find_python
    say "Making $venv with $base"
    rm -rf "$venv"
    mkdir -p "$venv"
    printf '%s\n' "$home" >"$record" # first of all: what stops half-way is known as ours, and made anew
    "$base" -m venv "$venv" || refuse "$base could not make $venv; its own words stand above." \
        "On Debian and Ubuntu 'apt install python3-venv' may be what is missing."
}

install_pins() {
    cmp -s "requirements/$1.txt" "$pins/$1.txt" && return
    say "Installing requirements/$1.txt into $venv (once)"
    # -qq: errors only, since with several indexes configured pip warns at every package that one of them lacks
    "$python" -m pip install -qq --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
    mkdir -p "$pins"
    cp "requirements/$1.txt" "$pins/$1.txt"
}

install_package() {
    cmp -s pyproject.toml "$pins/pyproject.toml" && return
    "$python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
    cp pyproject.toml "$pins/pyproject.toml"
}

if [ -e "$venv" ]; then
    examine
    if [ -n "$fault" ] && [ ! -f "$record" ]; then
        refuse "$venv cannot be used, $fault, and it is not make's to remove: move it away, or say VENV=.venv-make."
    elif [ -n "$fault" ]; then
        say "$venv is made anew: $fault."
        make_environment
    fi
else
    make_environment
fi
for group in build run "$@"; do
    install_pins "$group"
done
install_package
