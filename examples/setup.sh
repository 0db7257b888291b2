#!/usr/bin/env bash
# Installs what building, running and testing chisme needs on Debian 12. Does nothing, quickly, when
# everything is there. Works as root and with sudo.
#   examples/setup.sh [--tests]     also what only the tests need (a browser, ffmpeg, aria2, …)
#   examples/setup.sh [--bench]     also what chisme is measured beside (nginx, haproxy, …)
#   examples/setup.sh [--containers]     also what tests/containers/run.py needs (podman, …)
set -euo pipefail

build_packages=(
  clang-19 lld-19 libclang-rt-19-dev llvm-19 ninja-build cmake ccache pkg-config dpkg-dev file
  libasio-dev libwebsocketpp-dev node-llhttp libcereal-dev libspdlog-dev libfmt-dev libssl-dev
  libxxhash-dev libarchive-dev libexpat1-dev libsqlite3-dev libutf8proc-dev libcli11-dev libtomlplusplus-dev
  nlohmann-json3-dev libexpected-dev prometheus-cpp-dev)
test_packages=(
  clang-format-19 sslscan openssl libgtest-dev libgmock-dev librapidcheck-dev git curl man-db zsh fish aria2 ffmpeg chromium
  python3 python3-websockets awscli s3cmd litmus rclone cadaver jq sqlite3 e2fsprogs mount iproute2 nftables strace systemd prometheus python3-jsonschema
  lintian python3-yaml nginx-light haproxy)
bench_packages=(nginx-light haproxy wrk python3 python3-flask python3-websockets)
container_packages=(podman runc netavark aardvark-dns iptables docker-compose debootstrap git python3 python3-yaml)

wanted=("${build_packages[@]}")
[ "${1:-}" = --tests ] && wanted+=("${test_packages[@]}")
[ "${1:-}" = --bench ] && wanted+=("${bench_packages[@]}")
[ "${1:-}" = --containers ] && wanted+=("${container_packages[@]}")
command -v node >/dev/null || wanted+=(nodejs)
command -v npm >/dev/null || wanted+=(npm)

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo: ${missing[*]} are missing" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -q >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
