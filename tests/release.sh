#!/usr/bin/env bash
# Make what a release is of, in dist/: wheel, source archive, list of components and digests. Nothing is uploaded.
#
#   tests/release.sh PYTHON
#
# It is made twice, from what is committed, and must be the same bytes. Then it is installed where nothing else is.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?which Python, such as .venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -z "$(git status --porcelain)" ] || { echo "commit first: a release is of what is committed"; exit 1; }
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

for turn in one other; do
  mkdir "$work/$turn"
  git archive --prefix=source/ HEAD | tar --extract --directory="$work/$turn"
  "$python" -m build --outdir "$work/$turn/dist" "$work/$turn/source" > "$work/$turn/log" 2>&1 || { tail -20 "$work/$turn/log"; exit 1; }
  # Of a source archive times, owners and order are whatever they were where it was made: here they are those of the commit.
  source=$(echo "$work/$turn"/dist/*.tar.gz)
  mkdir "$work/$turn/again"
  tar --extract --gzip --file="$source" --directory="$work/$turn/again"
  tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=r,a+X \
    --format=ustar --directory="$work/$turn/again" "$(ls "$work/$turn/again")" | gzip --no-name --best > "$source"
done
cmp "$work/one"/dist/*.whl "$work/other"/dist/*.whl
cmp "$work/one"/dist/*.tar.gz "$work/other"/dist/*.tar.gz
echo "made twice: the same bytes"
"$python" -m twine check --strict "$work"/one/dist/*

version=$("$python" -c 'import stillframe; print(stillframe.__version__)')
grep -q "^## \[$version\]\|^This will be $version" CHANGELOG.md || { echo "CHANGELOG.md does not know $version"; exit 1; }
for made in "$work"/one/dist/*; do
  "$python" -m venv "$work/clean"
  "$work/clean/bin/python" -m pip install --quiet "$made"
  (cd "$work" && [ "$(clean/bin/stillframe --version)" = "stillframe $version" ] && clean/bin/stillframe policy test)
  (cd "$work" && clean/bin/stillframe collect --print-iam-policy > policy.json && clean/bin/stillframe pack list > packs.txt)
  echo "${made##*/}: installed where nothing else is, and works"
  "$python" -m cyclonedx_py environment --output-reproducible "$work/clean/bin/python" \
    --output-file "$work/one/stillframe-$version.cdx.json"
  rm -r "$work/clean"
done
rm -rf dist
mkdir dist
cp "$work"/one/dist/* "$work/one/stillframe-$version.cdx.json" dist/
(cd dist && sha256sum -- * | tee SHA256SUMS)
