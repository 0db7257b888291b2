"""A node that is told to leave hands its copies over first; nothing is lost, and the rest goes on."""
import json
import pathlib
import tempfile
import threading
import time
import unittest

from harness import CHISME, PEER_OFFSET, Node, eventually, fetch, free_base_port, get_json, put, request, run, sha256, some_bytes, status_of

NODES = 5
FILES = 20


class Drain(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name)
        base = free_base_port(NODES)
        peers = [f"127.0.0.1:{base + number + PEER_OFFSET}" for number in range(NODES)]
        self.nodes = []
        for number in range(NODES):
            join = [word for peer in peers if peer != peers[number] for word in ("--join", peer)]
            node = Node(self.data / str(number), join, port=base + number)
            self.addCleanup(node.close)
            self.nodes.append(node)
        for node in self.nodes:
            node.wait_ready()
            eventually(lambda n=node: self.alive(n) == NODES, 15, "all nodes see each other")

    def alive(self, node):
        members = get_json(node.url("/cluster"))["members"]
        return sum(member["state"] == "alive" for member in members)

    def holders(self, digest):
        return {number for number in range(NODES)
                if list((self.data / str(number) / "objects" / digest[:2]).glob(f"{digest}-*"))}

    def store_files(self):
        """Uploads at every node; returns {name: digest} once all have three copies."""
        digests = {}
        for number in range(FILES):
            data = some_bytes(20_000 + number, seed=number)
            put(self.nodes[number % NODES].url(f"/files/{number}.bin"), data)
            digests[f"{number}.bin"] = sha256(data)
        for digest in digests.values():
            eventually(lambda d=digest: len(self.holders(d)) == 3, 15, "three copies")
        return digests

    def test_copies_are_elsewhere_before_the_process_ends_with_0(self):
        digests = self.store_files()
        leaving = self.nodes[2]
        its = [digest for digest in digests.values() if 2 in self.holders(digest)]
        self.assertTrue(its)
        seen = []

        def watch():
            while leaving.process.poll() is None:
                try:
                    seen.append(status_of(leaving.url("/readyz"), timeout=2))
                except OSError:
                    pass
                time.sleep(0.02)
        watcher = threading.Thread(target=watch)
        watcher.start()
        drained = run(CHISME, "drain", "--node", leaving.url(), "--json", timeout=60)
        with self.assertRaises(OSError, msg="it answers no more once the command has ended"):
            request(leaving.url("/healthz"))
        code, errors = leaving.ends(40)
        watcher.join()
        self.assertEqual(drained.returncode, 0, drained.stderr)
        self.assertEqual(json.loads(drained.stdout)["state"], "has left")
        self.assertEqual(code, 0, errors)
        self.assertIn(503, seen, "it says that it is not ready while it leaves")
        for name, digest in digests.items():
            self.assertGreaterEqual(len(self.holders(digest) - {2}), 3, f"{name} was handed over before")
        for number in (0, 1, 3, 4):
            for name, digest in digests.items():
                self.assertEqual(sha256(fetch(self.nodes[number].url(f"/files/{name}"))), digest)
            states = {m["http"]: m["state"] for m in get_json(self.nodes[number].url("/cluster"))["members"]}
            self.assertNotEqual(states.get(leaving.url(), "left"), "alive")
        put(self.nodes[0].url("/files/afterwards.bin"), b"the others go on")

    def test_drain_is_a_post(self):
        self.assertEqual(status_of(self.nodes[0].url("/cluster/drain")), 405)
        status, _, _ = request(self.nodes[0].url("/cluster/drain"), "POST",
                               headers={"Origin": "http://evil.example"})
        self.assertEqual(status, 403)
        self.assertEqual(status_of(self.nodes[0].url("/readyz")), 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
