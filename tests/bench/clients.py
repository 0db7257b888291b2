"""What loads the servers, from core 1: wrk for HTTP, and sockets that throw away what they read."""
import base64
import os
import re
import socket
import struct
import subprocess
import time

from rivals import ON_CLIENT_CORE

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
BLOCK = 256 << 10


class Run:
    """Requests or bytes in so many seconds, and the server's CPU seconds for them."""

    def __init__(self, requests, bytes_, seconds, cpu):
        self.requests, self.bytes, self.seconds, self.cpu = requests, bytes_, seconds, cpu

    @property
    def requests_per_second(self):
        return self.requests / self.seconds

    @property
    def bytes_per_second(self):
        return self.bytes / self.seconds

    @property
    def cpu_per_gb(self):
        return self.cpu / (self.bytes / 1e9)

    @property
    def cpu_per_10k(self):
        return self.cpu / (self.requests / 1e4)


def measured(server, work):
    """`work()` returns (requests, bytes)."""
    cpu, start = server.cpu(), time.monotonic()
    requests, size = work()
    return Run(requests, size, time.monotonic() - start, server.cpu() - cpu)


def wrk(server, path, connections, seconds, headers=()):
    """GETs over keep-alive connections, each one at a time."""
    command = [*ON_CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
               *[part for header in headers for part in ("-H", header)], server.url(path)]
    output = ""

    def work():
        nonlocal output
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
        total = re.search(r"(\d+) requests in [\d.]+\w+, ([\d.]+)([KMGT]?)B read", output)
        assert total, output
        return int(total[1]), float(total[2]) * UNITS[total[3]]
    run = measured(server, work)
    errors = re.search(r"Socket errors:.*", output)
    assert not errors or re.fullmatch(r"Socket errors: connect 0, read 0, write 0, timeout \d+", errors[0]), output
    return run


def connect(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def head_of(connection):
    """The head of an answer, and what came after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"closed after {data!r}"
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def websocket(server, path):
    """An open WebSocket, and what came after the handshake."""
    connection = connect(server)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
                        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
    head, rest = head_of(connection)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection, rest


def frame(opcode, payload, mask=b"\0\0\0\0"):
    """A client's frame. The mask of zeros masks nothing; the server cannot know."""
    if len(payload) < 126:
        size = struct.pack("!B", 0x80 | len(payload))
    elif len(payload) < 65536:
        size = struct.pack("!BH", 0x80 | 126, len(payload))
    else:
        size = struct.pack("!BQ", 0x80 | 127, len(payload))
    return struct.pack("!B", 0x80 | opcode) + size + mask + payload


def get_once(server, path):
    """A connection over which one small answer came."""
    connection = connect(server)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
    head, rest = head_of(connection)
    assert head.startswith(b"HTTP/1.1 200"), head
    return connection


def swallow(connection, wanted, buffer=bytearray(1 << 20)):
    """Reads and drops `wanted` bytes at least."""
    while wanted > 0:
        count = connection.recv_into(buffer)
        assert count > 0, "closed early"
        wanted -= count


def get(server, path, size):
    """One GET of a large file, without wrk."""
    def work():
        with connect(server) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            head, rest = head_of(connection)
            assert head.startswith(b"HTTP/1.1 200"), head
            swallow(connection, size - len(rest))
        return 1, size
    return measured(server, work)


def ws_push(server, name, size):
    """/ws/files: the whole file, pushed."""
    def work():
        connection, rest = websocket(server, f"/ws/files/{name}")
        with connection:
            swallow(connection, size - len(rest))
        return 1, size
    return measured(server, work)


def ws_pull(server, name, size, ahead=12):
    """/ws/read: blocks of 256 KiB, `ahead` of which are asked for before they come."""
    def asking(block):
        return frame(1, f'{{"id":{block},"op":"read","file":"{name}","offset":{block * BLOCK},"length":{BLOCK}}}'.encode())

    def work():
        connection, rest = websocket(server, "/ws/read")
        with connection:
            blocks, asked, taken = size // BLOCK, 0, len(rest)
            buffer = bytearray(1 << 20)
            while taken < size:
                until = min(blocks, -(-taken // BLOCK) + ahead)
                if asked < until:
                    connection.sendall(b"".join(map(asking, range(asked, until))))
                    asked = until
                count = connection.recv_into(buffer)
                assert count > 0, "closed early"
                taken += count
        return 1, size
    return measured(server, work)


def put(server, name, file, size):
    """PUT of a file's bytes by sendfile."""
    def work():
        with connect(server) as connection, open(file, "rb") as source:
            connection.sendall((f"PUT /files/{name} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                                f"Content-Length: {size}\r\n\r\n").encode())
            connection.sendfile(source)
            head, _ = head_of(connection)
            assert head.split()[1] in (b"201", b"204", b"200"), head
        return 1, size
    return measured(server, work)


def put_in_a_row(server, names, file, size):
    """The same file by several PUTs, one after the other, as one piece of work."""
    def work():
        for name in names:
            put(server, name, file, size)
        return 1, size
    return measured(server, work)


def ws_upload(server, name, file, size, message=1 << 20):
    """/ws/upload: binary messages of 1 MiB, masked for real."""
    mask = b"\x12\x34\x56\x78"
    with open(file, "rb") as source:
        plain = source.read(message)
    masked = (int.from_bytes(plain, "little") ^ int.from_bytes(mask * (message // 4), "little")).to_bytes(message, "little")
    whole = frame(2, masked, mask)

    def work():
        connection, _ = websocket(server, f"/ws/upload?name={name}")
        with connection:
            for _ in range(size // message):
                connection.sendall(whole)
            connection.sendall(frame(2, b""))
            answer = connection.recv(65536)
            assert b'"sha256"' in answer, answer
        return 1, size
    return measured(server, work)
