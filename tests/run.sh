#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Ends with one line "N passed, M failed".
#   tests/run.sh              everything
#   tests/run.sh --quick      the release build's unit and simulation tests only
#   tests/run.sh --no-sanitizers
set -uo pipefail
cd "$(dirname "$0")/.."

quick=no sanitizers=yes
for option in "$@"; do
  case "$option" in
    --quick) quick=yes sanitizers=no ;;
    --no-sanitizers) sanitizers=no ;;
    *) echo "usage: tests/run.sh [--quick] [--no-sanitizers]" >&2; exit 2 ;;
  esac
done

examples/setup.sh --tests || exit 1
passed=0 failed=0 failures=()

# run NAME COMMAND…: one step, timed, counted.
run() {
  local name=$1 start=$SECONDS; shift
  echo "==== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); failures+=("$name"); fi
  echo "==== $name: $((SECONDS - start)) s"
}

# build PRESET OPTION…
build() { cmake --preset "$1" -DBUILD_TESTING=ON "${@:2}" >/dev/null && cmake --build --preset "$1"; }
failpoints_build() {
  cmake --preset release -B build/failpoints -DCHISME_FAILPOINTS=ON -DCHISME_PAGE=OFF -DBUILD_TESTING=OFF >/dev/null &&
    cmake --build build/failpoints --target chisme
}
unit_tests() { ctest --preset "$1"; }
# The rules about the project's text were looked at once already.
sanitized_tests() { ctest --preset "$1" --exclude-regex '^tidy[.]'; }

run "build release" build release -DCHISME_PLANTED_BUGS=ON
run "headers compile alone" cmake --build --preset release --target all_verify_interface_header_sets
run "unit and simulation tests" unit_tests release
if [ $quick = no ]; then
  for test in tests/end_to_end/*_test.py tests/chaos/*_test.py; do
    run "$(basename "$test")" timeout 900 /usr/bin/python3 "$test"
  done
  run "build with failpoints" failpoints_build
  run "faults on real processes" timeout 600 /usr/bin/python3 tests/chaos/run.py --short
  run "page in a browser" timeout 900 node tests/end_to_end/page/run.mjs
fi
if [ $sanitizers = yes ]; then
  for preset in asan-ubsan tsan; do
    run "build $preset" build $preset
    run "tests under $preset" sanitized_tests $preset
  done
fi

for name in "${failures[@]}"; do echo "failed: $name"; done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
