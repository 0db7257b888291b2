#!/usr/bin/env bash
# Attacks on real nodes: every case is a test with a name, and ends with a look whether the node still serves.
#   tests/abuse/run.sh            everything, about ten minutes
#   tests/abuse/run.sh --quick    without the long cases (thousands of slow clients, floods that are measured)
#   tests/abuse/run.sh NAME…      only these files, without _test.py
set -uo pipefail
cd "$(dirname "$0")"

export CHISME_ABUSE_LONG=1
if [ "${1:-}" = --quick ]; then CHISME_ABUSE_LONG=; shift; fi
files=("$@")
[ ${#files[@]} -gt 0 ] || files=(http_rules names origins websocket limits slow floods smuggling advisories)
ulimit -n "$(ulimit -Hn)"

failed=0
for file in "${files[@]}"; do
  echo "== $file"
  /usr/bin/python3 "${file}_test.py" || failed=$((failed + 1))
done
echo "abuse: $((${#files[@]} - failed)) files passed, $failed failed"
[ $failed -eq 0 ]
