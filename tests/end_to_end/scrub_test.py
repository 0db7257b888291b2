"""What operators ask of nodes: read all copies now, stay after all, show the state again and again."""
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

from harness import CHISME, PEER_OFFSET, Cluster, Node, eventually, fetch, free_base_port, get_json, put, run, sha256, some_bytes, status_of


class Scrub(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(3)
        self.addCleanup(self.cluster.close)
        self.digests = {}
        for number in range(12):
            data = some_bytes(300_000 + number, number)
            self.digests[f"dir/{number}"] = sha256(data)
            put(self.cluster.url(1, f"/files/dir/{number}"), data)
        for name in self.digests:
            eventually(lambda n=name: all(self.cluster.copies(node, n) == 3 for node in (1, 2, 3)), 20, "three copies")

    def scrub(self, *nodes, options=()):
        named = [word for node in nodes for word in ("--node", self.cluster.url(node))]
        return run(CHISME, "scrub", *named, *options)

    def copy(self, node, digest):
        return next((self.cluster.data / f"node-{node}/objects" / digest[:2]).glob(f"{digest}-*"), None)

    def test_all_copies_are_read_and_damage_is_said_and_mended(self):
        clean = self.scrub(1, 2, options=["--json"])
        self.assertEqual(clean.returncode, 0, clean.stderr)
        for line in clean.stdout.splitlines():
            told = json.loads(line)
            self.assertEqual((told["copies"], told["checked"], told["damaged"]), (12, 12, 0))
            self.assertEqual(told["bytes_checked"], sum(300_000 + n for n in range(12)))
        victim = self.digests["dir/7"]
        with self.copy(2, victim).open("r+b") as file:
            file.seek(1234)
            byte = file.read(1)[0]
            file.seek(1234)
            file.write(bytes([byte ^ 4]))
        found = self.scrub(2)
        self.assertEqual(found.returncode, 1)
        self.assertIn(f"damaged  {victim}  dir/7\n", found.stdout)
        self.assertIn("12 copies", found.stdout)
        self.assertIn("quarantine", found.stderr)
        eventually(lambda: self.copy(2, victim) is not None, 20, "it was made again")
        eventually(lambda: self.cluster.copies(1, "dir/7") == 3, 20, "all know")
        self.assertEqual(self.scrub(2).returncode, 0)

    def test_status_shows_a_table_and_goes_on_while_a_node_is_dead(self):
        table = run(CHISME, "status", "--node", self.cluster.url(1)).stdout
        self.assertIn("12 files", table)
        watching = subprocess.Popen(
            [CHISME, "status", "--watch", "--json", "--node", self.cluster.url(1), "--node", self.cluster.url(2)],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        first = json.loads(watching.stdout.readline())
        self.assertEqual(first["files"], 12)
        self.cluster.kill(1)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            told = json.loads(watching.stdout.readline())
            if [member["state"] for member in told["members"]].count("dead") == 1:
                return
        self.fail("it does not go on at another node")


class DrainCancelled(unittest.TestCase):
    def test_a_node_that_is_told_to_stay_takes_part_again(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        base = free_base_port(3)
        nodes = []
        for number in range(3):
            join = ["--join", f"127.0.0.1:{base + PEER_OFFSET}"] if number else []
            # Only the last one has room for the file, so that its drain does not end.
            small = ["--quota", "64K"] if number < 2 else []
            node = Node(pathlib.Path(directory.name) / str(number), [*join, *small, "--copies", "1", "--durable", "1"],
                        port=base + number)
            self.addCleanup(node.close)
            nodes.append(node)

        def members(node):
            return get_json(node.url("/cluster"))["members"]
        for node in nodes:
            node.wait_ready()
            eventually(lambda n=node: sum(m["state"] == "alive" for m in members(n)) == 3, 20, "all nodes see each other")
        data = some_bytes(1 << 20)
        put(nodes[2].url("/files/a"), data)
        begun = run(CHISME, "drain", "--no-wait", "--json", "--node", nodes[2].url())
        self.assertEqual((begun.returncode, json.loads(begun.stdout)["state"]), (0, "is leaving"), begun.stderr)
        eventually(lambda: any(m["draining"] for m in members(nodes[0])), 20, "the others know")
        self.assertEqual(status_of(nodes[2].url("/readyz")), 503)
        stays = run(CHISME, "drain", "--cancel", "--json", "--node", nodes[2].url())
        self.assertEqual((stays.returncode, json.loads(stays.stdout)["state"]), (0, "stays"), stays.stderr)
        eventually(lambda: not any(m["draining"] for m in members(nodes[0])), 20, "the others know that, too")
        eventually(lambda: status_of(nodes[2].url("/readyz")) == 200, 20, "it is fit to serve again")
        put(nodes[2].url("/files/b"), data)
        self.assertEqual(fetch(nodes[1].url("/files/b")), data)
        both = run(CHISME, "drain", "--cancel", "--wait", "--node", nodes[2].url())
        self.assertEqual(both.returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
