"""A node that is told to stop (SIGTERM) lets what is under way end, sends the rest elsewhere, and says that it goes."""
import asyncio
import hashlib
import http.client
import pathlib
import signal
import socket
import tempfile
import threading
import time
import unittest

import websockets

from harness import Node, eventually, fetch, free_base_port, get_json, put, sha256, some_bytes, status_of

MIB = 1 << 20
PEER_OFFSET = 1000


class SlowReader(threading.Thread):
    """Reads a file at about so many bytes a second; `digest` and `count` tell what came."""

    def __init__(self, url, rate):
        super().__init__(daemon=True)
        self.hash, self.count, self.rate, self.error, self.headers = hashlib.sha256(), 0, rate, None, None
        self.pace = threading.Event()  # set: as fast as it comes
        host, self.path = url.split("/", 3)[2:]
        address, port = host.split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)  # little is under way
        self.socket.settimeout(30)
        self.socket.connect((address, int(port)))
        self.start()

    def run(self):
        try:
            self.socket.sendall(f"GET /{self.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            response = http.client.HTTPResponse(self.socket)
            response.begin()
            self.headers = response.headers
            while piece := response.read1(32 << 10):
                self.hash.update(piece)
                self.count += len(piece)
                self.pace.wait(len(piece) / self.rate)
            if response.length:
                self.error = f"{response.length} bytes are missing"
        except OSError as error:
            self.error = error
        finally:
            self.socket.close()


class Stop(unittest.TestCase):
    def start(self, count, *options):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        base = free_base_port(count)
        nodes = []
        for number in range(count):
            join = ["--join", f"127.0.0.1:{base + PEER_OFFSET}"] if number else []
            log = (pathlib.Path(directory.name) / f"log-{number}").open("w+")
            self.addCleanup(log.close)
            node = Node(pathlib.Path(directory.name) / str(number), [*join, *options], port=base + number, log=log)
            node.log = pathlib.Path(log.name)
            self.addCleanup(node.close)
            nodes.append(node)
        for node in nodes:
            node.wait_ready()
            eventually(lambda n=node: self.states(n).count("alive") == count, 20, "all nodes see each other")
        return nodes

    def states(self, node):
        return [member["state"] for member in get_json(node.url("/cluster"))["members"]]

    def state_of(self, node, other):
        members = get_json(node.url("/cluster"))["members"]
        return next(member["state"] for member in members if member["http"] == other.url())

    def test_a_download_under_way_ends_whole_and_the_others_hear_at_once(self):
        nodes = self.start(4, "--stop-timeout", "20s")
        data = some_bytes(12 * MIB)
        put(nodes[0].url("/files/film.bin"), data)
        def without_it():
            return [n for n in nodes if status_of(n.url("/files/film.bin?via=local"), method="HEAD") != 200]
        asked, = eventually(lambda: len(rest := without_it()) == 1 and rest, 20, "three copies")

        def sent_to():
            """Who has no copy sends its clients on."""
            connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=10)
            connection.request("GET", "/redirect?file=film.bin")
            where = connection.getresponse().headers["Location"]
            connection.close()
            return where
        # All holders have the same to do, or nobody would be sent there anyhow.
        readers = [SlowReader(n.url("/files/film.bin?via=local"), MIB // 2) for n in nodes if n is not asked]
        eventually(lambda: all(one.count > MIB // 8 for one in readers), 10, "the downloads are under way")
        eventually(lambda: sent_to().startswith(nodes[0].url()), 10, "some are sent there")
        nodes[0].process.send_signal(signal.SIGTERM)

        # No redirect leads there any more, as soon as the others have heard.
        eventually(lambda: not any(sent_to().startswith(nodes[0].url()) for _ in range(20)), 5, "nobody is sent there")
        self.assertIsNone(nodes[0].process.poll(), "it waits for the download")
        for _ in range(5):
            self.assertEqual(len(fetch(asked.url("/files/film.bin"))), len(data))
        for one in readers:
            one.pace.set()
            one.join(30)
            self.assertIsNone(one.error)
            self.assertEqual(one.hash.hexdigest(), sha256(data), "not a byte was lost")
        self.assertEqual(nodes[0].process.wait(10), 0)
        eventually(lambda: all(self.state_of(n, nodes[0]) == "dead" for n in nodes[1:]), 5, "the others hold it for dead")
        self.assertNotIn("did not end in time", nodes[0].log.read_text())

    def test_connections_are_closed_with_the_answer_and_then_refused(self):
        node, _ = self.start(2, "--stop-timeout", "20s")
        put(node.url("/files/a"), some_bytes(12 * MIB))
        reader = SlowReader(node.url("/files/a?via=local"), MIB)
        eventually(lambda: reader.count > 0, 10, "the download is under way")
        node.process.send_signal(signal.SIGTERM)

        def says_so():
            try:
                connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                return answer.status == 503 and answer.headers["Connection"] == "close"
            except ConnectionRefusedError:
                return True
        eventually(says_so, 5, "answers end connections")

        def refuses():
            with socket.socket() as attempt:
                return attempt.connect_ex(("127.0.0.1", node.port)) != 0
        eventually(refuses, 10, "no connection is taken any more")
        self.assertIsNone(node.process.poll())
        reader.pace.set()
        reader.join(30)
        self.assertIsNone(reader.error)
        self.assertEqual(node.process.wait(10), 0)

    def test_what_does_not_end_in_time_is_cut_off(self):
        (node,) = self.start(1, "--stop-timeout", "1s")
        put(node.url("/files/a"), some_bytes(12 * MIB))
        reader = SlowReader(node.url("/files/a"), MIB // 4)
        eventually(lambda: reader.count > 0, 10, "the download is under way")
        begun = time.monotonic()
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.process.wait(20), 0)
        self.assertGreater(time.monotonic() - begun, 0.9)
        self.assertIn("did not end in time", node.log.read_text())
        reader.pace.set()
        reader.join(30)
        self.assertIsNotNone(reader.error, "a client can tell")

    def test_a_second_signal_ends_it_at_once(self):
        (node,) = self.start(1, "--stop-timeout", "1h")
        put(node.url("/files/a"), some_bytes(12 * MIB))
        reader = SlowReader(node.url("/files/a"), MIB // 4)
        eventually(lambda: reader.count > 0, 10, "the download is under way")
        node.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in node.log.read_text(), 10, "it heard the first")
        time.sleep(0.3)
        self.assertIsNone(node.process.poll())
        node.process.send_signal(signal.SIGINT)
        self.assertEqual(node.process.wait(10), 0)
        reader.pace.set()
        reader.join(30)

    def test_a_web_socket_is_told_to_go_on_elsewhere_and_does_so_without_a_gap(self):
        nodes = self.start(3)
        data = some_bytes(20 * MIB)
        put(nodes[0].url("/files/film.bin"), data)
        eventually(lambda: all(status_of(n.url("/files/film.bin?via=local"), method="HEAD") == 200 for n in nodes), 20,
                   "three copies")

        async def pull():
            received, codes, stopped = b"", [], False
            for node in nodes[:2]:
                url = f"ws://127.0.0.1:{node.port}/ws/files/film.bin?offset={len(received)}"
                async with websockets.connect(url, max_size=None, max_queue=1) as stream:
                    try:
                        async for message in stream:
                            received += message
                            if not stopped and len(received) > MIB:
                                stopped = True
                                node.process.send_signal(signal.SIGTERM)
                            if stopped:
                                await asyncio.sleep(len(message) / (6 * MIB))
                    except websockets.ConnectionClosed:
                        pass
                    codes.append(stream.close_code)
                if len(received) == len(data):
                    break
            return received, codes
        received, codes = asyncio.run(pull())
        self.assertEqual(codes, [1001, 1000])
        self.assertEqual(sha256(received), sha256(data))
        self.assertEqual(nodes[0].process.wait(15), 0)

    def test_the_last_answer_on_a_connection_says_so(self):
        def says_so(node):
            """Whether one that is asked without a pause hears it before the connection is closed."""
            kept = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
            stopped = False
            try:
                while True:
                    kept.request("GET", "/healthz")
                    answer = kept.getresponse()
                    answer.read()
                    if answer.headers["Connection"] == "close":
                        self.assertTrue(stopped, "before that it is kept")
                        return True
                    if not stopped:
                        node.process.send_signal(signal.SIGTERM)
                    stopped, kept.auto_open = True, 0
            except (OSError, http.client.HTTPException):
                return False
        # A test that got no time for half a second comes too late, but not each time.
        self.assertTrue(any([says_so(node) for node in self.start(3)]))

    def test_its_word_is_heard_and_when_it_comes_back_it_is_alive_and_has_its_copies(self):
        nodes = self.start(3)
        put(nodes[0].url("/files/a"), b"abc")
        eventually(lambda: status_of(nodes[2].url("/files/a?via=local"), method="HEAD") == 200, 20, "it has a copy")

        def goes_unsuspected():
            before = len(nodes[0].log.read_text())
            nodes[2].process.send_signal(signal.SIGTERM)
            self.assertEqual(nodes[2].process.wait(10), 0)
            eventually(lambda: self.state_of(nodes[0], nodes[2]) == "dead", 5, "it is known to be gone")
            heard = nodes[0].log.read_text()[before:]
            again = Node(nodes[0].log.parent / "2", ["--join", f"127.0.0.1:{nodes[0].port + PEER_OFFSET}"],
                         port=nodes[2].port)
            self.addCleanup(again.close)
            again.wait_ready()
            eventually(lambda: self.state_of(nodes[0], again) == "alive", 20, "it is back")
            self.assertEqual(status_of(again.url("/files/a?via=local"), method="HEAD"), 200)
            nodes[2] = again
            return "is suspect" not in heard
        # On a busy machine somebody may be suspected for another reason, but not each time.
        self.assertTrue(any(goes_unsuspected() for _ in range(3)), "it was never found dead, but said so")


if __name__ == "__main__":
    unittest.main(verbosity=2)
