"""Each limit of clients, by its flag, on a real node: who passes it is told so or ended, and others go on."""
import contextlib
import json
import os
import pathlib
import socket
import tempfile
import time
import unittest

from wire import harness
import tus
import wire
from wire import OneNode

HOST = b"Host: 127.0.0.1\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
FILM_BYTES = 64 << 20


class Connections(OneNode):
    options = ("--connections", "16")

    def tearDown(self):
        harness.eventually(lambda: self.request("/files/kept.txt")[0] == 200, 10, "places are free again")
        super().tearDown()

    def status(self, message):
        with wire.connect(self.port) as connection:
            connection.sendall(message)
            return wire.read_answer(connection)

    def test_the_last_places_tell_how_the_node_does_and_beyond_them_it_is_503(self):
        held = []
        try:
            for _ in range(14):
                held.append(wire.connect(self.port))
                held[-1].sendall(HEALTH)
                self.assertEqual(wire.read_answer(held[-1])[0], 200)
            for path in (b"/healthz", b"/readyz", b"/cluster", b"/metrics"):
                harness.eventually(lambda: self.status(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")[0] == 200, 5, path)
            status, headers, body = self.status(b"GET /files/kept.txt HTTP/1.1\r\n" + HOST + b"\r\n")
            self.assertEqual(status, 503, body)
            self.assertIn("retry-after", headers)
            self.assertIn("detail", json.loads(body))
            # Who was there before is served all the same.
            held[0].sendall(b"GET /files/kept.txt HTTP/1.1\r\n" + HOST + b"\r\n")
            self.assertEqual(wire.read_answer(held[0])[2], b"kept")
            time.sleep(0.3)
            while len(held) < 16:
                held.append(wire.connect(self.port))
            time.sleep(0.3)
            status, headers, body = self.status(HEALTH)
            self.assertEqual(status, 503, body)
            self.assertIn("retry-after", headers)
        finally:
            for connection in held:
                connection.close()


class Heads(OneNode):
    environment = {"CHISME_HEAD_BYTES": "2K", "CHISME_HEAD_TIMEOUT": "1s", "CHISME_IDLE_TIMEOUT": "1.5"}

    def test_a_head_that_is_too_long_is_431(self):
        self.assertEqual(self.request("/healthz", headers={"X": "x" * 1500})[0], 200)
        self.assertEqual(self.request("/healthz", headers={"X": "x" * 2500})[0], 431)

    def test_a_connection_without_a_request_ends(self):
        for sent in (b"", HEALTH):
            begun = time.monotonic()
            answers = self.exchange(sent, seconds=10) if sent else self.exchange(seconds=10)
            self.assertTrue(answers.closed)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertGreater(time.monotonic() - begun, 1)


class Pace(OneNode):
    """Windows of two seconds instead of a minute."""
    options = ("--slowest", "1000", "--slowest-window", "2s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.put(cls.node.url("/files/film.bin"), bytes(FILM_BYTES))

    def drip(self, head, piece=b"x", pause=0.1, seconds=12):
        """How long the node puts up with it; None when it never ends it."""
        with wire.connect(self.port, 0.05) as connection:
            connection.sendall(head)
            begun = time.monotonic()
            while time.monotonic() - begun < seconds:
                try:
                    connection.sendall(piece)
                    time.sleep(pause)
                    if connection.recv(4096) == b"":
                        return time.monotonic() - begun
                except socket.timeout:
                    continue
                except OSError:
                    return time.monotonic() - begun
        return None

    def test_slow_bodies_of_every_kind_are_ended(self):
        path = tus.create(self.node.url(), 1_000_000, Upload_Metadata=tus.metadata(filename="slow"))
        form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="slow"\r\n\r\n'
        for name, head, piece in (
                ("length", b"PUT /files/slow HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", b"x"),
                ("chunks", b"PUT /files/slow HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
                ("form", b"POST /files HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n" + form, b"x"),
                ("part of a form's head", b"POST /files HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n", b"-"),
                ("tus", f"PATCH {path} HTTP/1.1\r\n".encode() + HOST + b"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
                 b"Content-Length: 1000000\r\n\r\n", b"x"),
                ("live", b"PUT /files/slow?live=1 HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", b"x"),
                ("a body that nobody wants", b"POST /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n", b"x")):
            with self.subTest(name):
                took = self.drip(head, piece)
                self.assertIsNotNone(took)
                self.assertLess(took, 8)
        self.assertNotIn("slow", self.names())
        harness.eventually(lambda: not list((self.data / "staging").iterdir()), 10, "staging is empty")

    def test_a_slow_reader_is_ended_and_one_that_is_fast_enough_is_not(self):
        for rate, ends in ((200, True), (200_000, False)):
            with self.subTest(rate=rate), wire.connect(self.port, 10, receive_buffer=4096) as connection:
                connection.sendall(b"GET /files/film.bin HTTP/1.1\r\n" + HOST + b"\r\n")
                begun, got = time.monotonic(), len(connection.recv(1))  # from then on the file is open
                while time.monotonic() - begun < 9:
                    time.sleep(0.1)
                    part = connection.recv(rate // 10)
                    got += len(part)
                    if not part:
                        break
                took = time.monotonic() - begun
                # What is on its way is still to be read; the file is given whole only to who was not ended.
                with contextlib.suppress(ConnectionError):
                    while got <= FILM_BYTES and (part := connection.recv(1 << 20)):
                        got += len(part)
                self.assertEqual(got <= FILM_BYTES, ends, f"{got} bytes, the slow ones in {took:.1f} s")

    def test_a_player_that_pauses_is_idle_and_not_slow(self):
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            asked = wire.frame(wire.TEXT, json.dumps({"id": 1, "op": "read", "file": "film.bin", "offset": 0, "length": 100_000}).encode())
            connection.sendall(asked)
            got = 0
            while got < 100_000:
                got += len(wire.receive(connection)[1]) - 12
            time.sleep(9)
            connection.sendall(asked)
            self.assertEqual(wire.receive(connection)[0], wire.BINARY)


class Staging(OneNode):
    options = ("--staging-bytes", "1M")

    def begin(self, name, length):
        connection = wire.connect(self.port)
        connection.sendall(f"PUT /files/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode())
        return connection

    def test_what_is_arriving_has_a_bound_and_the_next_comes_after_it(self):
        with self.begin("one", 800_000) as one:
            one.sendall(bytes(1000))
            time.sleep(0.3)
            with self.begin("two", 800_000) as two:
                status, headers, body = wire.read_answer(two)
                self.assertEqual(status, 503, body)
                self.assertIn("retry-after", headers)
                self.assertIn("arrive", json.loads(body)["detail"])
            harness.put(self.node.url("/files/small"), bytes(1000))
            one.sendall(bytes(799_000))
            self.assertEqual(wire.read_answer(one)[0], 201)
        harness.put(self.node.url("/files/two"), bytes(800_000))

    def test_what_tells_no_length_is_held_to_it_too(self):
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        answers = self.exchange(b"PUT /files/three HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 40, seconds=3)
        self.assertEqual(list(answers), [503])
        self.assertNotIn("three", self.names())
        harness.eventually(lambda: not list((self.data / "staging").iterdir()), 10, "staging is empty")


class Requests(OneNode):
    options = ("--requests-per-second", "20", "--limit-loopback")

    def setUp(self):
        harness.eventually(lambda: self.request("/files/kept.txt")[0] == 200, 10, "there is something left")

    def tearDown(self):
        self.setUp()
        super().tearDown()

    def test_beyond_its_rate_a_client_is_told_429_and_when_to_come_again(self):
        statuses = []
        with wire.connect(self.port) as connection:
            while 429 not in statuses and len(statuses) < 500:
                connection.sendall(HEALTH)
                status, headers, body = wire.read_answer(connection)
                statuses.append(status)
            self.assertEqual(statuses[-1], 429)
            self.assertGreater(int(headers["retry-after"]), 0)
            self.assertIn("detail", json.loads(body))
            time.sleep(int(headers["retry-after"]))
            connection.sendall(HEALTH)
            self.assertEqual(wire.read_answer(connection)[0], 200)

    def test_sockets_are_requests_too_and_one_that_is_refused_is_none(self):
        statuses = []
        for _ in range(200):
            connection, status, _ = wire.upgrade(self.port, "/ws/read")
            connection.close()
            statuses.append(status)
            if status == 429:
                break
        self.assertEqual(statuses[-1], 429)


class CommandLine(unittest.TestCase):
    def test_every_limit_has_a_flag_a_variable_and_a_key(self):
        with tempfile.TemporaryDirectory(prefix="chisme-test-") as directory:
            help_text = harness.run(harness.CHISME, "node", "--help").stdout
            for key in ("connections", "connections_per_address", "requests_per_second", "limit_loopback", "head_bytes", "head_timeout", "idle_timeout",
                        "progress_timeout", "slowest", "slowest_window", "buffer_bytes", "staging_bytes", "trusted_proxy"):
                self.assertIn("--" + key.replace("_", "-"), help_text)
                config = pathlib.Path(directory) / "chisme.toml"
                config.write_text(f'{key} = "nonsense"\n')
                for arguments, environment in ((["--config", str(config)], {}), (["--data", directory], {"CHISME_" + key.upper(): "nonsense"})):
                    answer = harness.run(harness.CHISME, "node", *arguments, env={**os.environ, **environment})
                    self.assertEqual(answer.returncode, 2)
                    self.assertIn("nonsense", answer.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
