#!/usr/bin/env bash
# Runs every fuzzer for long, one after the other, one process at a time, and prints a table of all
# that was run so. It can be stopped at any time, and called again: each goes on from what it found.
#   tests/fuzz/long.sh [--seconds N] [--executions N] [--max-len N] [--out DIR] [--build DIR] [TARGET…]
# --seconds: for each target (60); --executions: of each at most; --max-len: bytes of an input (4096):
# with short ones many more are run in the same time. DIR gets corpora, crashes, figures.
# A crash stays in the table for as long as its input still fails.
set -uo pipefail
cd "$(dirname "$0")/../.."

seconds=60 executions=-1 length=4096 out=build/fuzz/long build=build/fuzz targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2; shift 2 ;;
    --executions) executions=$2; shift 2 ;;
    --max-len) length=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    -*) echo "usage: tests/fuzz/long.sh [--seconds N] [--executions N] [--max-len N] [--out DIR] [--build DIR] [TARGET…]" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
programs=$build/tests/fuzz
all=()
for source in tests/fuzz/*_fuzz.cpp; do all+=("$(basename "$source" _fuzz.cpp)"); done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
mkdir -p "$out"
limits=(-rss_limit_mb=256 -malloc_limit_mb=64 -timeout=10 -max_len=$length)
slice=60  # what an end of the machine may cost

running=
stop() { [ -z "$running" ] || kill -TERM "$running" 2>/dev/null; stopped=yes; }
stopped=no
trap stop INT TERM

number_in() { grep -oP "$2" "$1" | tail -n 1; }

# Adds what a run's log says to the target's figures.
note() {
  local target=$1 log=$2 took=$3
  printf '%s %s %s %s\n' "$(number_in "$log" '(?<=number_of_executed_units: )\d+')" \
    "$took" "$(number_in "$log" '(?<=peak_rss_mb: )\s*\d+' | tr -d ' ')" \
    "$(number_in "$log" '(?<=cov: )\d+')" >>"$out/$target.figures"
}

fuzz() {
  local target=$1 left=$seconds share begun
  mkdir -p "$out/corpus/$target" "$out/crashes/$target"
  while [ "$left" -gt 0 ] && [ $stopped = no ]; do
    share=$((left < slice ? left : slice))
    begun=$SECONDS
    "$programs/${target}_fuzz" "${limits[@]}" -max_total_time=$share -runs="$executions" \
      -close_fd_mask=1 -print_final_stats=1 -artifact_prefix="$out/crashes/$target/" \
      "$out/corpus/$target" "tests/fuzz/corpus/$target" >"$out/$target.log" 2>&1 &
    running=$!
    while kill -0 "$running" 2>/dev/null; do wait "$running"; done
    wait "$running"; local code=$?
    running=
    note "$target" "$out/$target.log" $((SECONDS - begun))
    [ $code -eq 0 ] || { echo "long.sh: $target failed: $out/$target.log" >&2; return; }
    [ "$executions" -lt 0 ] || return
    left=$((left - share))
  done
}

open_crashes() {
  local target=$1 open=0 input
  for input in "$out/crashes/$target"/{crash,leak,oom,timeout}-*; do
    [ -f "$input" ] || continue
    "$programs/${target}_fuzz" "${limits[@]}" "$input" >/dev/null 2>&1 || open=$((open + 1))
  done
  echo $open
}

table() {
  printf '| %s | %s | %s | %s | %s | %s | %s |\n' target executions seconds "open crashes" "peak RSS, MB" inputs edges
  printf '|---|---:|---:|---:|---:|---:|---:|\n'
  local target total=0 runs took rss cov
  for target in "${all[@]}"; do
    [ -f "$out/$target.figures" ] || continue
    read -r runs took rss cov < <(awk '{ r += $1; t += $2; if ($3 > m) m = $3; if ($4 > c) c = $4 }
                                       END { print r + 0, t + 0, m + 0, c + 0 }' "$out/$target.figures")
    total=$((total + runs))
    printf '| %s | %d | %d | %d | %d | %d | %d |\n' "$target" "$runs" "$took" "$(open_crashes "$target")" \
      "$rss" "$(find "$out/corpus/$target" -type f | wc -l)" "$cov"
  done
  echo "| all | $total | | | | | |"
}

for target in "${targets[@]}"; do
  [ $stopped = no ] && fuzz "$target"
done
table | tee "$out/table.md"
