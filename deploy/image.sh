#!/bin/sh
# Fill a folder with all that an image runs from: sh deploy/image.sh server|web FOLDER
#
# The Dockerfile calls this, and so do the tests, where no engine builds images. The environment is not to be moved: its
# commands name the folder. PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")/.."

case ${1-} in
    server) pins=server ;;
    web) pins=page ;;
    *)
        echo 'say: sh deploy/image.sh server|web FOLDER' >&2
        exit 2
        ;;
esac
folder=${2:?name the folder}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/build"
pip() { "$work/build/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install -qq --require-hashes -r requirements/build.txt
# Built from a copy: the folder of the sources may be one that cannot be written.
cp -R pyproject.toml README.md LICENSE CHANGELOG.md src "$work"
pip wheel -qq --no-deps --no-build-isolation --wheel-dir "$work/wheel" "$work"

# Without pip: nothing is installed into a running container.
"${PYTHON:-python3}" -m venv --without-pip "$folder"
pip --python "$folder/bin/python" install -qq --no-compile --require-hashes -r "requirements/$pins.txt"
pip --python "$folder/bin/python" install -qq --no-compile --no-deps "$work"/wheel/*.whl

# What the libraries bring for their own developers is a fifth of the whole.
packages=$("$folder/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for library in numpy scipy sklearn pandas pyarrow matplotlib lightgbm; do
    if [ -d "$packages/$library" ]; then find "$packages/$library" -type d -name tests -prune -exec rm -rf {} +; fi
done
rm -rf "$packages/pyarrow/include"
# Compiled now: the image is read-only when it runs.
"$folder/bin/python" -I -m compileall -qq "$packages" || true # some libraries carry templates that are no Python
