"""tus-js-client, as it is published, on a real cluster: the node that takes the upload is killed twice."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness import Cluster, eventually, fetch, sha256, some_bytes

MIB = 1 << 20
SCRIPT = pathlib.Path(__file__).with_name("tus_client.mjs")


class TusJsClient(unittest.TestCase):
    def test_an_upload_goes_on_when_its_node_is_killed_twice(self):
        data = some_bytes(72 * MIB, seed=5)
        with Cluster(5) as cluster, tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            with subprocess.Popen(["node", SCRIPT, file.name, "client.bin", *map(cluster.url, range(1, 6))],
                                  stdout=subprocess.PIPE, text=True) as client:
                killed, accepted, patches = [], 0, []
                for line in map(json.loads, client.stdout):
                    accepted = line.get("accepted", accepted)
                    if "patch" in line:
                        self.assertGreaterEqual(line["patch"], accepted, "acknowledged bytes are sent again")
                        patches.append(line["patch"])
                    if "patch" in line and len(killed) < 2 and accepted >= (len(killed) * 24 + 16) * MIB:
                        # Two holders at once would be more than W = 2 copies outlive.
                        for node in killed:
                            cluster.start(node)
                        killed.append(cluster.node_of(line["node"]))
                        cluster.kill(killed[-1])
                self.assertEqual(client.wait(60), 0)
            self.assertEqual(len(set(killed)), 2)
            self.assertGreaterEqual(len(patches), 9)
            alive = next(node for node in range(1, 6) if node != killed[-1])
            eventually(lambda: cluster.copies(alive, "client.bin") >= 2, 5, "the file is known")
            self.assertEqual(sha256(fetch(cluster.url(alive, "/files/client.bin"))), sha256(data))


if __name__ == "__main__":
    unittest.main()
