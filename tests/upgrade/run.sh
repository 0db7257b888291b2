#!/usr/bin/env bash
# Clusters in which this program and one of an older version run side by side (docs/upgrades.md).
#   tests/upgrade/run.sh [OLD_REVISION] [OPTION OF upgrade_test.py…]
# Builds the old revision's program, without page and tests, in a git worktree at build/upgrade/old; without a
# revision it is the last one that spoke the previous version of the protocol. This program is
# $CHISME, or build/release/chisme.
set -euo pipefail
cd "$(dirname "$0")/../.."
spoken=cluster/wire/messages.hpp
new=${CHISME:-$PWD/build/release/chisme}
old=$PWD/build/upgrade/old

say() { echo "tests/upgrade/run.sh: $*" >&2; }

# What a revision of the header says it speaks: the highest version.
highest_of() { sed -n 's/.*spoken_versions{.*\.highest = \([0-9]*\).*/\1/p'; }

# The newest revision whose program spoke the version before this one's: the parent of the commit that
# brought this one's.
previous_revision() {
  local highest brought
  highest=$(highest_of < "$spoken")
  [ "$highest" -gt 1 ] || { say "there is no version of the protocol before $highest"; return 1; }
  brought=$(git log --format=%H -S".highest = $highest}" -- "$spoken" 2>/dev/null | tail -n 1)
  if [ -z "$brought" ] || ! git rev-parse --verify --quiet "$brought^{commit}^" >/dev/null; then
    say "the project's history is not here (no git repository, or a shallow one), in which the program of version" \
        "$((highest - 1)) is to be found. Fetch it (git fetch --unshallow), or name a revision"
    return 1
  fi
  git rev-parse "$brought^"
}

case "${1:-}" in ''|-*) revision=$(previous_revision) ;; *) revision=$1; shift ;; esac
revision=$(git rev-parse --verify --quiet "$revision^{commit}") || { say "there is no such revision here"; exit 1; }
[ -x "$new" ] || { say "there is no $new: cmake --preset release && cmake --build --preset release --target chisme"; exit 1; }

if [ -e "$old/.git" ]; then
  git -C "$old" checkout --quiet --detach "$revision"
else
  git worktree prune
  git worktree add --quiet --detach "$old" "$revision"
fi
began=$SECONDS
(cd "$old" && cmake --preset release -DCHISME_PAGE=OFF -DBUILD_TESTING=OFF >/dev/null &&
  cmake --build build/release --target chisme)
say "$(git log -1 --format='%h of %cs' "$revision"), which speaks versions to" \
    "$(highest_of < "$old/$spoken"), built in $((SECONDS - began)) s"
exec /usr/bin/python3 tests/upgrade/upgrade_test.py "$old/build/release/chisme" "$new" "$@"
