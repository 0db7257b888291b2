#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Ends with what each step took, the last lines
# of each that failed, and one line "N passed, M failed".
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
passed=0 failed=0 failures=() times=()
outputs=$(mktemp -d) && trap 'rm -rf "$outputs"' EXIT

# run NAME COMMAND…: one step, timed, counted.
run() {
  local name=$1 start=$SECONDS; shift
  echo "==== $name"
  "$@" 2>&1 | tee "$outputs/$name"
  if [ "${PIPESTATUS[0]}" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); failures+=("$name"); fi
  times+=("$((SECONDS - start)) s  $name")
  echo "==== $name: $((SECONDS - start)) s"
}

# build PRESET OPTION…
build() { cmake --preset "$1" -DBUILD_TESTING=ON "${@:2}" >/dev/null && cmake --build --preset "$1"; }
# With the addresses watched, the fuzzers' corpora are tests too, and each fuzzer a few seconds of it.
sanitized_build() {
  local fuzz=OFF
  [ "$1" != asan-ubsan ] || fuzz=ON
  build "$1" -DCHISME_PAGE=OFF -DCHISME_FUZZ=$fuzz
}
failpoints_build() {
  cmake --preset release -B build/failpoints -DCHISME_FAILPOINTS=ON -DCHISME_PAGE=OFF -DBUILD_TESTING=OFF >/dev/null &&
    cmake --build build/failpoints --target chisme
}
headers_build() { cmake --build --preset release --target all_verify_interface_header_sets; }
# Makes what later steps build, from the time that others leave; what fails is built again, and told, there.
build_ahead() {
  renice -n 19 "$BASHPID"
  failpoints_build
  headers_build
  [ $sanitizers = no ] || { sanitized_build asan-ubsan; sanitized_build tsan; }
}
unit_tests() { ctest --preset "$1" --parallel 2 "${@:2}"; }
# The rules about the project's text were looked at once already.
sanitized_tests() { unit_tests "$1" --exclude-regex '^tidy[.]'; }

run "build release" build release -DCHISME_PLANTED_BUGS=ON
run "unit and simulation tests" unit_tests release
if [ $quick = no ]; then
  # These mostly wait.
  build_ahead >/dev/null 2>&1 &
  ahead=$!
  for test in tests/{end_to_end,chaos,package,docs}/*_test.py tests/abuse/peer_abuse_test.py; do
    run "$(basename "$test")" timeout 900 /usr/bin/python3 "$test"
  done
  run "abuse" timeout 1200 tests/abuse/run.sh --quick
  wait $ahead  # what failed is built again, and told, below
  run "build with failpoints" failpoints_build
  run "faults on real processes" timeout 600 /usr/bin/python3 tests/chaos/run.py --short
  run "page in a browser" timeout 1380 node tests/end_to_end/page/run.mjs
fi
run "headers compile alone" headers_build
if [ $sanitizers = yes ]; then
  for preset in asan-ubsan tsan; do
    run "build $preset" sanitized_build $preset
    run "tests under $preset" sanitized_tests $preset
  done
fi

printf '%s\n' "${times[@]}" | sort -rn
for name in "${failures[@]}"; do
  echo "==== failed: $name, which ended with"
  tail -n 40 "$outputs/$name"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
