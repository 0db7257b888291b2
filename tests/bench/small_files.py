"""Small files: chisme beside nginx's DAV and SQLite's blobs, in one run on one disk.

    tests/bench/small_files.py [--files 100000] [--bytes 1024] [--connections 64] [--directory DIR]

Prints files a second of each: PUTs over keep-alive connections for chisme (one node, which is then its
own only holder) and nginx (apt: nginx-light), rows inserted for SQLite. chisme and SQLite have synced what
they acknowledge; nginx syncs nothing, so it shows what HTTP and a file each cost by themselves. SQLite
commits after each row with synchronous=FULL, and once more with as many rows a commit as there are
connections. At last all files are listed: seconds, and the node's resident memory.
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import selectors
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from harness import Node, eventually, free_base_port, get_json, resident_bytes  # noqa: E402

NGINX = """
{user} daemon off; worker_processes 2; error_log {root}/errors; pid {root}/pid;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/t1; fastcgi_temp_path {root}/t2;
  uwsgi_temp_path {root}/t3; scgi_temp_path {root}/t4; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; location /files/ {{ root {root}; dav_methods PUT; create_full_put_path on; }} }} }}
"""


def body(number, size):
    return (hashlib.sha256(number.to_bytes(8, "big")).digest() * (size // 32 + 1))[:size]


def put_all(port, count, size, connections):
    """PUTs the files over so many connections, one request each at a time: seconds."""
    selector = selectors.DefaultSelector()
    begun = done = 0

    def send(connection):
        nonlocal begun
        head = f"PUT /files/{begun // 1000:04}/{begun % 1000:03} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n" \
               f"Content-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + body(begun, size))
        begun += 1

    start = time.monotonic()
    for _ in range(min(connections, count)):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, bytearray())
        send(connection)
    while done < count:
        for key, _ in selector.select():
            key.data.extend(key.fileobj.recv(65536))
            head, end, rest = bytes(key.data).partition(b"\r\n\r\n")
            if not end:
                continue
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if len(rest) < (int(lengths[0].split(b":")[1]) if lengths else 0):
                continue
            if head.split()[1] not in (b"200", b"201", b"204"):
                raise SystemExit(f"refused: {bytes(key.data)[:300]!r}")
            key.data.clear()
            done += 1
            if begun < count:
                send(key.fileobj)
    seconds = time.monotonic() - start
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    return seconds


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(name, count, seconds, more=""):
    print(f"{name:<34} {count / seconds:8.0f} files/s  {seconds:7.1f} s{more}", flush=True)


def run_chisme(root, options):
    with Node(root / "node") as node:
        node.wait_ready()
        pid = node.process.pid
        seconds = put_all(node.port, options.files, options.bytes, options.connections)
        report("chisme, synced", options.files, seconds,
               f"  CPU {cpu_seconds(pid):.1f} s, resident {resident_bytes(pid) >> 20} MiB")
        list_all(node, options.files)


def list_all(node, count):
    start, listed, after = time.monotonic(), 0, ""
    while after is not None:
        page = get_json(node.url(f"/files?limit=1000&after={after}"))
        listed, after = listed + len(page["files"]), page["next"]
    assert listed == count, f"{listed} files are listed, not {count}"
    print(f"listing {listed} files: {time.monotonic() - start:.2f} s, "
          f"resident {resident_bytes(node.process.pid) >> 20} MiB", flush=True)


def run_nginx(root, options):
    if not shutil.which("nginx"):
        return print("nginx is not installed (apt-get install nginx-light)")
    root.mkdir()
    port = free_base_port(1)
    (root / "conf").write_text(NGINX.format(root=root, port=port, user="user root;" if os.geteuid() == 0 else ""))
    with (root / "errors").open("w") as errors:
        server = subprocess.Popen(["nginx", "-c", str(root / "conf"), "-e", str(root / "errors")], stderr=errors)
    try:
        eventually(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, 10, "nginx answers")
        report("nginx DAV, nothing synced", options.files,
               put_all(port, options.files, options.bytes, options.connections))
    finally:
        server.terminate()
        server.wait(10)


def run_sqlite(root, options, rows):
    root.mkdir()
    with contextlib.closing(sqlite3.connect(root / "blobs.sqlite", isolation_level=None)) as blobs:
        blobs.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                            "CREATE TABLE files (name TEXT PRIMARY KEY, bytes BLOB)")
        start = time.monotonic()
        for first in range(0, options.files, rows):
            blobs.execute("BEGIN")
            blobs.executemany("INSERT INTO files VALUES (?, ?)", (
                (f"{n // 1000:04}/{n % 1000:03}", body(n, options.bytes))
                for n in range(first, min(first + rows, options.files))))
            blobs.execute("COMMIT")
        report(f"SQLite blobs, {rows} a synced commit", options.files, time.monotonic() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        root = pathlib.Path(directory)
        root.chmod(0o755)
        run_sqlite(root / "sqlite-1", options, 1)
        run_sqlite(root / "sqlite-many", options, options.connections)
        run_nginx(root / "nginx", options)
        run_chisme(root, options)


if __name__ == "__main__":
    main()
