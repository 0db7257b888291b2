#!/usr/bin/env bash
# Installs what chisme is measured beside, builds it, and measures: prints Markdown.
#   tests/bench/run.sh [OPTION…]     options of web.py
set -euo pipefail
cd "$(dirname "$0")/../.."
examples/setup.sh --bench
cmake --preset release >&2
cmake --build --preset release --target chisme >&2
exec /usr/bin/python3 tests/bench/web.py "$@"
