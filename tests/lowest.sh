#!/usr/bin/env bash
# Do the lowest versions that pyproject.toml declares hold? Tries them in an environment of their own below .lowest/.
#
#   tests/lowest.sh PYTHON [smoke | what pytest is to run, from tests/...]
#
# First without extras, as `pip install` leaves it; then the demo; then the tests that ask most of what is installed.
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
uv pip install --python "$bin/python" --constraint "$here/$version/lowest.txt" pytest pytest-xdist hypothesis "setuptools>=77"
cd "$here/source-$version/tests"
# What old versions may break, by whom it is asked: of the other tests none reaches more of them.
chosen=(
  snapshot/test_catalog.py snapshot/test_kinds.py                                             # botocore's models
  snapshot/collector/test_{every_type,lacking,call,pages,decode,collect,client_sharing}.py    # its clients and parsers
  snapshot/test_{format,validation,verify,archive}.py engine/documents engine/loading         # msgspec, jsonschema, YAML
  engine/language engine/functions engine/compiler engine/judging test_depth.py               # RE2, JMESPath, the stack
  test_cli.py test_streams.py engine/commands/test_{app,groups,customising,own_types}.py      # typer, rich
)
[ $# -gt 0 ] || set -- "${chosen[@]}"
# Old packages warn of what newer ones beside them will change.
exec "$bin/python" -m pytest -q -n 2 --dist worksteal -o filterwarnings=default "$@"
