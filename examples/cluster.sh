#!/usr/bin/env bash
# Installs what is missing, builds chisme and starts a cluster of five nodes on this machine.
#   examples/cluster.sh [options of `chisme up`: --nodes 5 --base-port 7701 --data DIR]
# Type `kill 2`, `start 2`, `status` or `quit`; Ctrl-C ends all nodes.
set -euo pipefail
cd "$(dirname "$0")/.."

examples/setup.sh
cmake --preset release -DBUILD_TESTING=OFF >&2
cmake --build --preset release --target chisme >&2
exec build/release/chisme up "$@"
