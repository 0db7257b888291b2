#!/usr/bin/env bash
# Builds the program and its Debian package twice, from two copies of the last commit in directories of different
# names, without a compiler's cache, and compares the bytes. Takes as long as two builds (a quarter of an hour on 2 cores).
#   examples/reproducible.sh [directory to work in]
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-$(mktemp -d)}
mkdir -p "$work"
commit=$(git rev-parse HEAD)  # also when somebody commits meanwhile
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")
export SOURCE_DATE_EPOCH CCACHE_DISABLE=1

for copy in one another/place; do
  rm -rf "${work:?}/$copy"
  mkdir -p "$work/$copy"
  git archive "$commit" | tar -x -C "$work/$copy"
  (
    cd "$work/$copy"
    cmake --preset release -DBUILD_TESTING=OFF >/dev/null
    cmake --build build/release --target chisme chisme_package_files >/dev/null
    cpack -G DEB --config build/release/CPackConfig.cmake -B build/package >/dev/null
  )
done

failed=0
for file in build/release/chisme build/release/package/chisme.spdx.json build/package/*.deb; do
  for one in "$work"/one/$file; do
    another="$work/another/place/${one#"$work/one/"}"
    sha256sum "$one" "$another"
    cmp "$one" "$another" || failed=1
  done
done
[ $failed -eq 0 ] && echo "both builds made the same bytes"
exit $failed
