"""chisme beside the stack of the exercise that it grew out of (exercise_stack.py): upload, download, redirect.

    tests/bench/exercise.py [--rounds 5] [--size 256] [--seconds 3] [--directory DIR]

Prints Markdown: medians over the rounds, and of the factor chisme / exercise. Servers on core 0, clients on core 1.
"""
import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile

import clients
import rivals

STACK = pathlib.Path(__file__).with_name("exercise_stack.py")
BOUNDARY = "chisme-bench-boundary"


@contextlib.contextmanager
def part_of_stack(kind, root):
    port = rivals.free_base_port(1)
    command = [sys.executable, str(STACK), kind, str(port), str(root)]
    with rivals.process_on(command, port, root / f"{kind}.log") as pid:
        yield rivals.Server(kind, port, [pid])


def form(server, path, file, size):
    """POST of a file as a browser's form sends it."""
    head = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="form.mp4"\r\n'
            "Content-Type: video/mp4\r\n\r\n").encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    def work():
        with clients.connect(server) as connection, open(file, "rb") as source:
            connection.sendall((f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                                f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
                                f"Content-Length: {len(head) + size + len(tail)}\r\n\r\n").encode() + head)
            connection.sendfile(source)
            connection.sendall(tail)
            answer, _ = clients.head_of(connection)
            assert answer.split()[1] in (b"200", b"201"), answer
        return 1, size
    return clients.measured(server, work)


def download(server, name, size):
    """From the exercise's WebSocket server."""
    def work():
        connection, rest = clients.websocket(server, "/")
        with connection:
            connection.sendall(clients.frame(1, name.encode()))
            clients.swallow(connection, size - len(rest))
        return 1, size
    return clients.measured(server, work)


def row(name, options, ours, theirs, rate, unit, by):
    pairs = [(ours(), theirs()) for _ in range(options.rounds)]
    middle = [statistics.median(getattr(run, rate) for run in side) / by for side in zip(*pairs)]
    factor = statistics.median(getattr(a, rate) / getattr(b, rate) for a, b in pairs)
    print(f"| {name} | {middle[0]:.4g} {unit} | {middle[1]:.4g} {unit} | **{factor:.3g}** |", flush=True)


def measure(options, root):
    size = options.size << 20
    file = root / "video.mp4"
    with file.open("wb") as out, open("/dev/urandom", "rb") as random:
        for _ in range(options.size):
            out.write(random.read(1 << 20))
    with part_of_stack("http", root) as flask, part_of_stack("websocket", root) as sockets, \
            rivals.chisme(root / "one") as one, \
            rivals.chisme(root / "other", "--join", f"127.0.0.1:{one.port + 1000}") as other:
        clients.put(one, "video.mp4", file, size)
        print("| | chisme | the exercise | factor |\n|---|--:|--:|--:|")
        by_bytes = ("bytes_per_second", "GB/s", 1e9)
        row(f"upload of {options.size} MiB by a form", options, lambda: form(one, "/files", file, size),
            lambda: form(flask, "/upload", file, size), *by_bytes)
        row(f"download of {options.size} MiB over a WebSocket", options, lambda: clients.ws_push(one, "video.mp4", size),
            lambda: download(sockets, "video.mp4", size), *by_bytes)
        row("redirects, 16 connections", options,
            lambda: clients.wrk(other, "/redirect?file=video.mp4", 16, options.seconds),
            lambda: clients.wrk(flask, "/redirect?file=video.mp4", 16, options.seconds), "requests_per_second", "/s", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="MiB")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        measure(options, pathlib.Path(directory))


if __name__ == "__main__":
    main()
