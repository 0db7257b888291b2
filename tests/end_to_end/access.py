"""Nodes that ask for tokens, and clients that show them: what access_test.py is made of."""
import base64
import json
import os
import pathlib
import socket
import tempfile
import unittest
import urllib.parse

from harness import CHISME, Cluster, eventually, request, run, some_bytes

ROLES = ("read", "write", "admin")
FILM = some_bytes(300_000, 7)


def make_secret(path):
    made = run(CHISME, "secret", "new", str(path))
    assert made.returncode == 0, made.stderr
    return path.read_text().strip()


def make_token(secret_file, role, expires="1h"):
    """(token, id)"""
    made = run(CHISME, "token", "new", "--secret-file", str(secret_file), "--role", role, "--expires", expires, "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    return told["token"], told["id"]


def bearing(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def follow(url, headers=None, hops=4):
    """GET as browsers follow redirects: to another origin without Authorization. (status, body, URLs)"""
    urls = [url]
    headers = dict(headers or {})
    for _ in range(hops):
        status, answer, body = request(urls[-1], headers=headers)
        if status != 307:
            return status, body, urls
        target = urllib.parse.urljoin(urls[-1], answer["Location"])
        if urllib.parse.urlsplit(target).netloc != urllib.parse.urlsplit(urls[-1]).netloc:
            headers.pop("Authorization", None)
        urls.append(target)
    raise AssertionError(f"too many redirects: {urls}")


def open_websocket(port, target, protocols):
    """The answer's head to a handshake as a browser's page sends it, and the socket."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    offered = f"Sec-WebSocket-Protocol: {', '.join(protocols)}\r\n" if protocols else ""
    connection.sendall((f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offered}\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(1)
        if not got:
            break
        head += got
    return head.decode(), connection


def send_text(connection, text):
    data = text.encode()
    assert len(data) < 126
    connection.sendall(bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data)


def take_frame(connection):
    """(opcode, payload) of a server's frame."""
    def take(count):
        data = b""
        while len(data) < count:
            got = connection.recv(count - len(data))
            if not got:
                raise ConnectionError("the node closed the connection")
            data += got
        return data
    first, length = take(2)
    if length == 126:
        length = int.from_bytes(take(2), "big")
    elif length == 127:
        length = int.from_bytes(take(8), "big")
    return first & 15, take(length)


class Guarded(unittest.TestCase):
    """A cluster of three nodes that wants tokens; a file has two copies, so that one node lacks it."""

    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="chisme-access-")
        cls.addClassCleanup(own.cleanup)
        cls.directory = pathlib.Path(own.name)
        cls.secret_file = cls.directory / "secret"
        make_secret(cls.secret_file)
        cls.cluster = Cluster(3, ("--secret-file", str(cls.secret_file), "--access", "token", "--copies", "2",
                                  "--cors-origin", "https://films.example"))
        cls.addClassCleanup(cls.cluster.close)
        made = {role: make_token(cls.secret_file, role) for role in ROLES}
        cls.tokens = {role: token for role, (token, _) in made.items()} | {None: None}
        cls.store("film.mp4", FILM)
        cls.store("other.mp4", FILM[::-1])

    @classmethod
    def store(cls, name, data):
        status, _, body = request(cls.cluster.url(1, f"/files/{name}"), "PUT", data, bearing(cls.tokens["write"]))
        assert status in (200, 201), body
        eventually(lambda: all(cls.copies(node, name) == 2 for node in (1, 2, 3)), 10, "two copies, everywhere known")

    @classmethod
    def copies(cls, node, name):
        body = request(cls.cluster.url(node, f"/route?file={name}"), headers=bearing(cls.tokens["read"]))[2]
        return len(json.loads(body).get("replicas", []))

    def ask(self, node, path, method="GET", role=None, body=None, headers=None):
        return request(self.cluster.url(node, path), method, body, bearing(self.tokens[role]) | (headers or {}))

    def holders(self, name="film.mp4"):
        body = self.ask(1, f"/route?file={name}", role="read")[2]
        return [self.cluster.node_of(replica["http"]) for replica in json.loads(body)["replicas"]]

    def node_without(self, name="film.mp4"):
        return next(node for node in (1, 2, 3) if node not in self.holders(name))

    def share(self, node=1, name="film.mp4", **wish):
        status, _, body = self.ask(node, "/shares", "POST", "write",
                                   json.dumps({"name": name, "seconds": 3600} | wish))
        self.assertEqual(status, 201, body)
        return json.loads(body)
