#!/usr/bin/env bash
# The cluster with nothing but curl: upload to one node, list and read at others, go on with a
# download that broke off. Needs a running cluster (examples/cluster.sh, or `chisme up`).
#   examples/curl.sh [URL of one node] [URL of another]
set -euo pipefail
first=${1:-http://127.0.0.1:7701}
second=${2:-http://127.0.0.1:7703}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

head -c 20M /dev/urandom > "$work/example.bin"

echo "Upload to $first; answered once two nodes have it on disk:"
curl -sS --fail -T "$work/example.bin" "$first/files/example.bin"; echo

echo "Files, as $second knows them:"
curl -sS --fail "$second/files?prefix=example"; echo

echo "Who has it, least loaded first:"
curl -sS --fail "$second/route?file=example.bin"; echo

# -L follows the redirect to a holder. ?via=proxy relays instead and survives a holder's death.
echo "The first half from $second, then the rest from $first:"
curl -sS --fail -L -r 0-9999999 -o "$work/copy.bin" "$second/files/example.bin"
curl -sS --fail -L -C - -o "$work/copy.bin" "$first/files/example.bin"
cmp "$work/example.bin" "$work/copy.bin" && echo "the same bytes"

echo "Remove it again:"
curl -sS --fail -X DELETE -w '%{http_code}\n' "$second/files/example.bin"
