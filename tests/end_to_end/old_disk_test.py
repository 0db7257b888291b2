"""A node that is started from an old copy of its data directory finds that out and starts again by itself.

It was run and has written since the copy was made: others know of records, and of a run, that this
disk knows nothing of. What it writes in the epoch of that run would be taken for what it wrote then."""
import pathlib
import re
import shutil
import tempfile
import unittest
import zlib

from harness import PEER_OFFSET, Node, eventually, fetch, free_base_port, get_json, put, sha256, some_bytes

NODES = 3


class OldDisk(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.base = free_base_port(NODES)
        self.nodes = [self.start(number) for number in range(NODES)]
        self.all_see_each_other()

    def start(self, number, data=None):
        peers = [f"127.0.0.1:{self.base + n + PEER_OFFSET}" for n in range(NODES) if n != number]
        log = open(self.root / f"log-{number}", "a", encoding="utf-8")
        self.addCleanup(log.close)
        node = Node(data or self.root / str(number), [word for peer in peers for word in ("--join", peer)],
                    port=self.base + number, log=log)
        self.addCleanup(node.close)
        return node

    def alive(self, node):
        members = get_json(node.url("/cluster"))["members"]
        return {member["node"] for member in members if member["state"] == "alive"}

    def all_see_each_other(self):
        for node in self.nodes:
            eventually(lambda n=node: len(self.alive(n)) == NODES, 30, "all nodes see each other")

    def stop(self, number):
        self.nodes[number].process.terminate()
        code, _ = self.nodes[number].ends(20)
        self.assertEqual(code, 0)

    def epoch(self, data):
        return int(re.search(r"epoch = (\d+)", (data / "node.toml").read_text())[1])

    def put_all(self, word, node):
        """Five files; their hashes by name, once every node shows them."""
        digests = {}
        for number in range(5):
            data = some_bytes(30_000, seed=zlib.crc32(word.encode()) + number)
            put(node.url(f"/files/{word}-{number}.bin"), data)
            digests[f"{word}-{number}.bin"] = sha256(data)
        return digests

    def check_all(self, digests):
        for node in self.nodes:
            for name, digest in digests.items():
                eventually(lambda n=node, f=name: sha256(fetch(n.url(f"/files/{f}"))) == digest, 20,
                           f"{name} is served by every node")

    def start_old_copy(self, gone):
        """The data directory of node 2 as it was before its last run, in its place."""
        digests = self.put_all("before", self.nodes[2])
        self.stop(2)
        copy = self.root / "copy"
        shutil.copytree(self.root / "2", copy)
        self.nodes[2] = self.start(2)
        self.all_see_each_other()
        digests |= self.put_all("since", self.nodes[2])
        self.check_all(digests)
        self.stop(2)
        identity = re.search(r'id = "(\w+)"', (copy / "node.toml").read_text())[1]
        self.assertEqual(self.epoch(copy) + 1, self.epoch(self.root / "2"))
        if gone:
            for node in self.nodes[:2]:
                eventually(lambda n=node: identity not in self.alive(n), 30, "the others know that it is gone")
        ran_in = self.epoch(self.root / "2")
        self.nodes[2] = self.start(2, copy)
        process = self.nodes[2].process
        eventually(lambda: self.epoch(copy) > ran_in, 30, "it has started again in an epoch of its own")
        self.nodes[2].wait_ready(20)
        self.all_see_each_other()
        self.check_all(digests)
        digests |= self.put_all("after", self.nodes[2])
        self.check_all(digests)
        self.assertIsNone(process.poll(), "whoever watches the process sees no end")
        self.assertEqual(self.epoch(copy), ran_in + 1, "once was enough")

    def test_it_starts_again_when_the_others_know_that_it_was_gone(self):
        self.start_old_copy(gone=True)

    def test_it_starts_again_when_the_others_have_not_missed_it_yet(self):
        self.start_old_copy(gone=False)


if __name__ == "__main__":
    unittest.main(verbosity=1)
