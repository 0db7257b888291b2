"""What the attacks are made of: bytes on a socket as they are, and what comes back."""
import base64
import os
import pathlib
import re
import socket
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import harness  # noqa: E402

END_SECONDS = 20
STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d\d\d) [^\r\n]*\r\n")


class Answers(list):
    """The statuses that came back, in order; `raw` is all bytes, `closed` whether the server ended it."""
    raw = b""
    closed = False


def connect(port, timeout=10.0, receive_buffer=None):
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(timeout)
    connection.connect(("127.0.0.1", port))
    return connection


def exchange(port, *pieces, seconds=5.0, pause=0.0, end=False):
    """Sends the pieces, and reads until the server ends the connection or is silent for `seconds`. At the `end` of what is
    sent it has to end it itself, however long its disk takes."""
    answers = Answers()
    with connect(port, seconds) as connection:
        try:
            for number, piece in enumerate(pieces):
                if number and pause:
                    time.sleep(pause)
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(max(seconds, END_SECONDS))
            while True:
                part = connection.recv(65536)
                if not part:
                    answers.closed = True
                    break
                answers.raw += part
        except (ConnectionResetError, BrokenPipeError):
            answers.closed = True
        except socket.timeout:
            pass
    answers.extend(int(status) for status in STATUS_LINE.findall(answers.raw) if status != b"100")
    return answers


def read_answer(connection, head=False):
    """One answer with a Content-Length: (status, headers in lower case, body). Interim ones are skipped."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(1 if not got else 4096) if head else connection.recv(65536)
        if not part:
            raise ConnectionError(f"the connection ended within an answer's head: {got[:200]!r}")
        got += part
    text, _, rest = got.partition(b"\r\n\r\n")
    status = int(text.split(b" ")[1])
    headers = {name.strip().lower().decode(): value.strip().decode("latin-1") for name, _, value in
               (line.partition(b":") for line in text.split(b"\r\n")[1:])}
    length = 0 if head or status in (101, 204, 304) else int(headers.get("content-length", 0))
    while len(rest) < length:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the connection ended within an answer's body")
        rest += part
    return status, headers, rest


class OneNode(unittest.TestCase):
    """One real node for all cases of a class; each case ends with a look whether it still serves."""
    options = ()
    environment = {}

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = pathlib.Path(directory.name)
        cls.data = cls.root / "data"
        cls.log = open(cls.root / "log", "w+b")
        cls.addClassCleanup(cls.log.close)
        cls.node = harness.Node(cls.data, cls.options, environment=cls.environment, log=cls.log)
        cls.addClassCleanup(cls.node.close)
        cls.node.wait_ready()
        cls.port = cls.node.port
        cls.host = f"Host: 127.0.0.1:{cls.port}\r\n".encode()
        harness.put(cls.node.url("/files/kept.txt"), b"kept")

    def tearDown(self):
        self.assertIsNone(self.node.process.poll(), "the node has ended")
        harness.eventually(lambda: self.request("/files/kept.txt")[2] == b"kept", 10, "the node serves")

    def exchange(self, *pieces, **options):
        return exchange(self.port, *pieces, **options)

    def resident(self):
        return harness.resident_bytes(self.node.process.pid)

    def request(self, path, method="GET", body=None, headers=None, timeout=30):
        return harness.request(self.node.url(path), method, body, headers, timeout)

    def names(self):
        """All names of files that the node knows."""
        return [file["name"] for file in harness.get_json(self.node.url("/files?limit=1000"))["files"]]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.node.process.pid}/fd"))


# WebSocket (RFC 6455), the client's side, without any of its good manners.

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
KEY = base64.b64encode(b"0123456789abcdef").decode()


def frame(opcode, payload=b"", *, final=True, masked=True, reserved=0, length=None, wide=False):
    """One frame; `length` is what its header claims, `wide` puts it in eight bytes whatever it is."""
    claimed = len(payload) if length is None else length
    first = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if claimed >= 65536 or wide:
        first += bytes([bit | 127]) + struct.pack(">Q", claimed)
    elif claimed >= 126:
        first += bytes([bit | 126]) + struct.pack(">H", claimed)
    else:
        first += bytes([bit | claimed])
    if not masked:
        return first + payload
    return first + b"\x01\x02\x03\x04" + bytes(byte ^ (i % 4 + 1) for i, byte in enumerate(payload))


def masked_zeros(count):
    return (b"\x01\x02\x03\x04" * (count // 4 + 1))[:count]


def upgrade(port, path, headers="", timeout=10.0, receive_buffer=None):
    """(socket, status, headers) after the handshake."""
    connection = connect(port, timeout, receive_buffer)
    connection.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
                        f"{headers}\r\n").encode())
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        part = connection.recv(1)
        if not part:
            raise ConnectionError(f"the connection ended within the handshake: {got!r}")
        got += part
    lines = got.decode("latin-1").split("\r\n")
    told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return connection, int(lines[0].split()[1]), told


def receive_exactly(connection, count):
    got = b""
    while len(got) < count:
        part = connection.recv(count - len(got))
        if not part:
            raise ConnectionError("ended")
        got += part
    return got


def receive(connection):
    """The next frame: (opcode, payload)."""
    first, second = receive_exactly(connection, 2)
    assert second & 0x80 == 0, "a server's frame is masked"
    length = second & 0x7f
    if length == 126:
        length = struct.unpack(">H", receive_exactly(connection, 2))[0]
    elif length == 127:
        length = struct.unpack(">Q", receive_exactly(connection, 8))[0]
    return first & 0x0f, receive_exactly(connection, length)


def close_code(connection):
    """Reads to the server's close: its code; 1006 when it just ends, None when it goes on for too long."""
    try:
        while True:
            opcode, payload = receive(connection)
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
    except socket.timeout:
        return None
    except (ConnectionError, OSError):
        return 1006
