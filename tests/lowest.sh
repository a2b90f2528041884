#!/usr/bin/env bash
# Do the lowest versions that pyproject.toml declares hold? Tries them in an environment of their own below .lowest/.
#
#   tests/lowest.sh PYTHON [smoke | what pytest is to run...]
#
# First without extras, as `pip install` leaves it; then the demo; then the tests that need no more than pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?which Python, such as python3.13}
shift
version=$("$python" -c 'import sys; print(*sys.version_info[:2], sep=".")')
here=$PWD/.lowest bin=$PWD/.lowest/$version/bin

"$python" -m venv "$here/tools"
"$here/tools/bin/python" -m pip install --quiet uv
uv() { "$here/tools/bin/uv" --quiet "$@"; }

rm -rf "$here/source-$version"
mkdir "$here/source-$version"
git ls-files -z | tar --create --null --files-from=- | tar --extract --touch --directory="$here/source-$version"
uv venv --clear --python "$python" "$here/$version"
uv pip install --python "$bin/python" --resolution lowest-direct --refresh-package stillframe "$here/source-$version"
uv pip freeze --python "$bin/python" | grep -v '^stillframe' | tee "$here/$version/lowest.txt"

smoke() {
  for words in --version --help "evaluate --help" "policy lint --shipped" "policy test" "resource show AWS::EC2::VPC" \
    "collect --print-iam-policy" "$@"; do
    # shellcheck disable=SC2086 # words of a command
    (cd "$here/$version" && bin/stillframe $words > out.txt 2> err.txt) || {
      echo "stillframe $words: exit $?" && tail "$here/$version/err.txt" && exit 1
    }
    echo "stillframe $words: as it should be"
  done
}

smoke
uv pip install --python "$bin/python" --constraint "$here/$version/lowest.txt" "$here/source-$version[demo]"
smoke demo
[ "${1:-}" != smoke ] || exit 0
uv pip install --python "$bin/python" --constraint "$here/$version/lowest.txt" pytest pytest-xdist hypothesis
cd "$here/source-$version"
# What needs other tools, or more of the stand-in than it does beside the lowest jsonschema.
without=(test_architecture test_bench test_mutation test_packaging engine/test_html engine/test_reports)
without+=(snapshot/test_permissions snapshot/test_whole_account)
without=("${without[@]/#/--ignore=tests/}")
# Old packages warn of what newer ones beside them will change.
exec "$bin/python" -m pytest -q -o filterwarnings=default "${without[@]/%/.py}" "$@"
