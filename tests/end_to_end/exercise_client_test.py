"""Clients written for the exercise that chisme grew from go on working, unchanged."""
import asyncio
import json
import unittest
import urllib.request

import websockets

from harness import Cluster, eventually, get_json, request, sha256, some_bytes, status_of


class ExerciseClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3)
        cls.addClassCleanup(cls.cluster.close)

    def ws(self, node, path):
        return f"ws://127.0.0.1:{self.cluster.port(node)}{path}"

    def test_one_binary_message_becomes_the_file_and_redirect_leads_to_its_bytes(self):
        data = some_bytes(9 << 20)

        async def upload():
            async with websockets.connect(self.ws(1, "/ws/upload?name=video.mp4"), max_size=None) as socket:
                await socket.send(data)

        asyncio.run(upload())
        eventually(lambda: status_of(self.cluster.url(2, "/route?file=video.mp4")) == 200, 10, "it is there")
        with urllib.request.urlopen(self.cluster.url(2, "/redirect?file=video.mp4")) as response:
            self.assertEqual(response.headers["Content-Type"], "video/mp4")
            self.assertEqual(sha256(response.read()), sha256(data))
        with urllib.request.urlopen(self.cluster.url(3, "/client?file=video.mp4")) as response:
            self.assertIn("attachment", response.headers["Content-Disposition"])
            self.assertEqual(sha256(response.read()), sha256(data))

    def test_an_empty_message_ends_the_upload_and_the_reply_tells_what_was_stored(self):
        parts = [some_bytes(300_000, seed) for seed in range(5)]

        async def upload():
            async with websockets.connect(self.ws(2, "/ws/upload?name=parts.bin"), max_size=None) as socket:
                for part in parts:
                    await socket.send(part)
                await socket.send(b"")
                return json.loads(await asyncio.wait_for(socket.recv(), 20))

        answer = asyncio.run(upload())
        self.assertEqual(answer["sha256"], sha256(b"".join(parts)))
        self.assertGreaterEqual(len(answer["copies"]), 2)

    def test_push_delivers_the_file_from_an_offset_and_closes_normally(self):
        data = some_bytes(3 << 20, 7)
        self.assertEqual(request(self.cluster.url(1, "/files/push.bin"), "PUT", data)[0], 201)

        async def receive(node):
            received = b""
            async with websockets.connect(self.ws(node, "/ws/files/push.bin?offset=1000"), max_size=None) as socket:
                async for message in socket:
                    received += message
                return received, socket.close_code

        for node in (1, 2, 3):
            eventually(lambda n=node: self.cluster.copies(n, "push.bin") >= 2, 10, "known")
            received, code = asyncio.run(receive(node))
            self.assertEqual(code, 1000)
            self.assertEqual(sha256(received), sha256(data[1000:]))

    def test_pull_answers_blocks_by_offset_and_errors_with_replicas(self):
        data = some_bytes(2 << 20, 8)
        self.assertEqual(request(self.cluster.url(1, "/files/pull.bin"), "PUT", data)[0], 201)
        route = get_json(self.cluster.url(1, "/route?file=pull.bin"))

        async def ask(origin, question, expected):
            async with websockets.connect(origin + "/ws/read", max_size=None) as socket:
                await socket.send(json.dumps(question))
                received = {}
                while sum(map(len, received.values())) < expected:
                    message = await asyncio.wait_for(socket.recv(), 10)
                    if isinstance(message, str):
                        return json.loads(message)
                    self.assertEqual(int.from_bytes(message[:4], "big"), question["id"])
                    received[int.from_bytes(message[4:12], "big")] = message[12:]
                return b"".join(received[offset] for offset in sorted(received))

        question = {"id": 7, "op": "read", "file": "pull.bin", "version": route["version"],
                    "offset": 5000, "length": 1 << 20}
        answer = asyncio.run(ask(route["replicas"][0]["ws"], question, 1 << 20))
        self.assertEqual(answer, data[5000:5000 + (1 << 20)])
        missing = asyncio.run(ask(route["replicas"][0]["ws"], {**question, "file": "no such file"}, 1))
        self.assertEqual(missing["id"], 7)
        self.assertIn("error", missing)

    def test_the_cluster_socket_tells_the_state_and_then_the_changes(self):
        async def watch():
            async with websockets.connect(self.ws(3, "/ws/cluster"), max_size=None) as socket:
                first = json.loads(await asyncio.wait_for(socket.recv(), 10))
                await asyncio.to_thread(request, self.cluster.url(1, "/files/seen.txt"), "PUT", b"seen")
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 10))
                    if message["type"] == "file" and message["name"] == "seen.txt":
                        return first

        first = asyncio.run(watch())
        self.assertEqual(first["type"], "state")
        self.assertEqual(len(first["cluster"]["members"]), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
