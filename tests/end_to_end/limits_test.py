"""`max_file_size` and `quota`, on real processes: refused before a byte is read, or in mid-stream."""
import json
import pathlib
import re
import socket
import tempfile
import time
import unittest

from harness import Node, eventually, get_json, put, request, some_bytes


def begin(node, name, headers):
    """Sends the head of a PUT and nothing else: the connection."""
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
    connection.sendall(f"PUT /files/{name} HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n{headers}\r\n\r\n".encode())
    return connection


def answer(connection):
    """Reads to the end of the answer's head: (status, all that came)."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65536)
        if not part:
            break
        got += part
    return int(got.split()[1]), got


def send_chunks(connection, data, size=20_000):
    """As far as the other side lets us."""
    try:
        for at in range(0, len(data), size):
            part = data[at:at + size]
            connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
    except OSError:
        pass


def used(node):
    text = request(node.url("/metrics"))[2].decode()
    return int(re.search(r"(?m)^chisme_stored_bytes (\d+)", text)[1])


class Limits(unittest.TestCase):
    def setUp(self):
        root = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(root.cleanup)
        self.root = pathlib.Path(root.name)

    def node(self, number, options=(), environment=None, join=None):
        if join:
            options = [*options, "--join", f"127.0.0.1:{join.port + 1000}"]
        node = Node(self.root / str(number), options, environment=environment)
        self.addCleanup(node.close)
        return node.wait_ready()

    def assert_nothing_is_left(self, number):
        eventually(lambda: not list((self.root / str(number) / "staging").iterdir()), 5, "staging is empty")

    def test_a_file_that_is_too_large_is_refused_before_or_as_soon_as_it_is_seen(self):
        node = self.node(1, environment={"CHISME_MAX_FILE_SIZE": "100000"})
        with begin(node, "a", "Content-Length: 100001") as connection:
            self.assertEqual(answer(connection)[0], 413)
        with begin(node, "a", "Content-Length: 100001\r\nExpect: 100-continue") as connection:
            self.assertEqual(answer(connection)[0], 413)
        with begin(node, "a", "Transfer-Encoding: chunked") as connection:
            send_chunks(connection, bytes(150_000))
            self.assertEqual(answer(connection)[0], 413)
        self.assertEqual(request(node.url("/files/a"))[0], 404)
        self.assert_nothing_is_left(1)
        put(node.url("/files/a"), bytes(100_000))

    def test_what_the_quota_has_no_room_for_is_refused_and_room_comes_back(self):
        node = self.node(1, ("--quota", "1000000", "--keep-removed", "1s", "--keep-surplus", "1s"))
        put(node.url("/files/first"), some_bytes(600_000, 1))
        with begin(node, "second", "Content-Length: 600000") as connection:
            status, got = answer(connection)
            self.assertEqual(status, 507, got)
        with begin(node, "second", "Transfer-Encoding: chunked") as connection:
            send_chunks(connection, some_bytes(600_000, 2))
            self.assertEqual(answer(connection)[0], 507)
        self.assertEqual(request(node.url("/files/second"))[0], 404)
        self.assert_nothing_is_left(1)
        self.assertEqual(used(node), 600_000)
        self.assertEqual(request(node.url("/files/first"), "DELETE")[0], 204)
        eventually(lambda: used(node) == 0, 20, "the removed file's bytes are gone")
        put(node.url("/files/second"), some_bytes(600_000, 2))

    def test_of_two_uploads_that_do_not_fit_together_one_is_refused_at_once(self):
        node = self.node(1, ("--quota", "1000000"))
        data = some_bytes(600_000, 1)
        with begin(node, "first", "Content-Length: 600000") as first:
            first.sendall(data[:1000])
            eventually(lambda: used(node) == 600_000, 5, "its room is reserved")
            with begin(node, "second", "Content-Length: 600000") as second:
                self.assertEqual(answer(second)[0], 507)
            first.sendall(data[1000:])
            self.assertEqual(answer(first)[0], 201)
        self.assertEqual(used(node), 600_000)

    def test_nodes_that_are_full_by_quota_are_avoided(self):
        first = self.node(1)
        small = self.node(2, ("--quota", "100000"), join=first)
        for number in (3, 4):
            self.node(number, join=first)
        eventually(lambda: len(get_json(first.url("/cluster"))["members"]) == 4, 10, "four members")
        identity = get_json(small.url("/cluster"))["self"]
        for n in range(20):  # some are placed on the small one, until it is nearly full
            put(first.url(f"/files/{n}"), some_bytes(23_000, n))

        def is_full():
            member = next(m for m in get_json(first.url("/cluster"))["members"] if m["node"] == identity)
            return member["disk_used"] > 0.9
        eventually(is_full, 20, "the small node says that it is full")
        for n in range(20, 60):
            copies = json.loads(request(first.url(f"/files/{n}"), "PUT", some_bytes(23_000, n))[2])["copies"]
            self.assertNotIn(identity, copies)
        time.sleep(0.5)
        self.assertLessEqual(used(small), 100_000)


if __name__ == "__main__":
    unittest.main(verbosity=1)
