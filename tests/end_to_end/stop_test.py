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
        nodes = self.start(3, "--stop-timeout", "20s")
        data = some_bytes(12 * MIB)
        put(nodes[0].url("/files/film.bin"), data)
        eventually(lambda: all(status_of(n.url("/files/film.bin?via=local"), method="HEAD") == 200 for n in nodes), 20,
                   "three copies")
        reader = SlowReader(nodes[0].url("/files/film.bin?via=local"), MIB)
        eventually(lambda: reader.count > MIB // 8, 10, "the download is under way")
        nodes[0].process.send_signal(signal.SIGTERM)

        # No redirect leads there any more, as soon as the others have heard.
        def goes_elsewhere():
            for _ in range(20):
                connection = http.client.HTTPConnection("127.0.0.1", nodes[1].port, timeout=10)
                connection.request("GET", "/redirect?file=film.bin")
                where = connection.getresponse().headers["Location"]
                connection.close()
                if where.startswith(nodes[0].url()):
                    return False
            return True
        eventually(goes_elsewhere, 5, "nobody is sent there")
        self.assertIsNone(nodes[0].process.poll(), "it waits for the download")
        for _ in range(5):
            self.assertEqual(len(fetch(nodes[2].url("/files/film.bin"))), len(data))
        reader.pace.set()
        reader.join(30)
        self.assertIsNone(reader.error)
        self.assertEqual(reader.hash.hexdigest(), sha256(data), "not a byte was lost")
        self.assertEqual(nodes[0].process.wait(10), 0)
        eventually(lambda: all(self.state_of(n, nodes[0]) == "dead" for n in nodes[1:]), 5, "the others hold it for dead")
        self.assertNotIn("did not end in time", nodes[0].log.read_text())

    def test_connections_are_closed_with_the_answer_and_then_refused(self):
        node, _ = self.start(2, "--stop-timeout", "20s")
        put(node.url("/files/a"), some_bytes(12 * MIB))
        kept = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
        kept.request("GET", "/healthz")
        self.assertIsNone(kept.getresponse().headers["Connection"])
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

    def test_a_node_that_comes_back_is_alive_again_and_keeps_its_copies(self):
        nodes = self.start(3)
        put(nodes[0].url("/files/a"), b"abc")
        nodes[2].process.send_signal(signal.SIGTERM)
        self.assertEqual(nodes[2].process.wait(10), 0)
        eventually(lambda: self.state_of(nodes[0], nodes[2]) == "dead", 5, "its word is heard")
        again = Node(pathlib.Path(nodes[2].log.parent) / "2", ["--join", f"127.0.0.1:{nodes[0].port + PEER_OFFSET}"],
                     port=nodes[2].port)
        self.addCleanup(again.close)
        again.wait_ready()
        eventually(lambda: self.state_of(nodes[0], again) == "alive", 20, "it is back")


if __name__ == "__main__":
    unittest.main(verbosity=2)
