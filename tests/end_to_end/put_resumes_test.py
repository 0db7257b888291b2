"""`chisme put`: a killed node, and a killed command, cost no byte that was safe already."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import CHISME, Cluster, eventually, fetch, sha256, some_bytes
from tus import offset

MIB = 1 << 20
NAME = "film.mp4"


class PutResumes(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(5)
        self.addCleanup(self.cluster.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.data = some_bytes(96 * MIB, seed=9)
        self.file = pathlib.Path(self.folder.name) / NAME
        self.file.write_bytes(self.data)
        self.state = pathlib.Path(self.folder.name) / "state"

    def put(self, node):
        return subprocess.Popen([CHISME, "put", str(self.file), "--json", "--node", self.cluster.url(node)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "XDG_STATE_HOME": str(self.state)})

    def upload(self):
        """The path of the upload that the command remembers, once it does."""
        return eventually(lambda: next((path.read_text() for path in self.state.glob("chisme/uploads/*")
                                        if "." not in path.name), None), 20, "the command remembers its upload")

    def safe(self, node, path, at_least):
        return eventually(lambda: (at := offset(self.cluster.url(node), path)) >= at_least and at, 30,
                          f"{at_least} bytes are safe")

    def finish(self, command, node):
        printed, said = command.communicate(timeout=60)
        self.assertEqual(command.returncode, 0, said)
        stored = json.loads(printed)
        self.assertEqual((stored["sha256"], stored["size"]), (sha256(self.data), len(self.data)))
        self.assertGreaterEqual(len(stored["copies"]), 2)
        self.assertEqual(sha256(fetch(self.cluster.url(node, "/files/" + NAME))), sha256(self.data))
        self.assertEqual(list(self.state.glob("chisme/uploads/*")), [])
        return said

    def test_its_node_is_killed(self):
        command = self.put(1)
        path = self.upload()
        self.safe(3, path, 32 * MIB)
        self.cluster.kill(1)
        said = self.finish(command, 3)
        self.assertIn("goes on at", said)
        self.assertNotIn("from 0 B", said)
        self.assertEqual(offset(self.cluster.url(4), path), len(self.data), "it was another upload in the end")

    def test_the_command_and_its_node_are_killed(self):
        command = self.put(2)
        path = self.upload()
        self.safe(3, path, 32 * MIB)
        command.kill()
        command.communicate()
        self.cluster.kill(2)
        again = self.put(4)
        self.finish(again, 3)
        self.assertEqual(offset(self.cluster.url(5), path), len(self.data), "it began anew")


if __name__ == "__main__":
    unittest.main()
