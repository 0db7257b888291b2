"""Copies on real disks: what is not wanted leaves, what is lost or rots comes back, nothing else goes."""
import pathlib
import re
import time
import unittest

from harness import (CHISME, Cluster, eventually, fetch, get_json, put, request, run, sha256,
                     some_bytes, status_of)

NODES = 5
# What is not wanted goes within seconds.
QUICK = ("--keep-removed", "2s", "--keep-surplus", "4s", "--repair-delay", "2s", "--scrub-period", "1d")


def paths(cluster, digest):
    """Where the object lies on the nodes' disks: {node: path}."""
    found = {}
    for node in range(1, cluster.count + 1):
        directory = cluster.data / f"node-{node}" / "objects" / digest[:2]
        for path in directory.glob(f"{digest}-*"):
            found[node] = path
    return found


def intact(cluster, digest):
    """The nodes that have the right bytes on disk."""
    return {node for node, path in paths(cluster, digest).items() if sha256(read(path)) == digest}


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def quarantined(cluster, node):
    return [path.name for path in (cluster.data / f"node-{node}" / "quarantine").iterdir()]


def metric(cluster, node, name):
    text = request(cluster.url(node, "/metrics"))[2].decode()
    return float(re.search(rf"^{name} (\S+)", text, re.MULTILINE)[1])


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def cut_the_last_byte(path):
    path.write_bytes(path.read_bytes()[:-1])


class Copies(unittest.TestCase):
    options = QUICK

    def setUp(self):
        self.began = time.monotonic()
        self.cluster = Cluster(NODES, self.options)
        self.addCleanup(self.cluster.close)

    def tearDown(self):
        print(f"{self.id().split('.')[-1]}: {time.monotonic() - self.began:.1f} s")

    def store(self, name, size=300_000, seed=1):
        """Uploads and waits until three disks have it and every node knows: the digest."""
        data = some_bytes(size, seed)
        put(self.cluster.url(1, f"/files/{name}"), data)
        self.settled(name, sha256(data))
        return sha256(data)

    def settled(self, name, digest, seconds=20):
        """Exactly three right copies, nowhere another one, and every node that runs says so."""
        def done():
            return (len(paths(self.cluster, digest)) == 3 and len(intact(self.cluster, digest)) == 3
                    and all(self.cluster.copies(node, name) == 3 for node in range(1, NODES + 1)))
        eventually(done, seconds, f"{name} has exactly three copies "
                   f"({paths(self.cluster, digest)})")


class Removal(Copies):
    def test_bytes_of_removed_and_replaced_files_leave_every_disk(self):
        removed = self.store("removed.bin", seed=1)
        replaced = self.store("replaced.bin", seed=2)
        shared = self.store("shared.bin", seed=3)
        put(self.cluster.url(2, "/files/shared again.bin".replace(" ", "%20")), some_bytes(300_000, 3))
        self.assertEqual(status_of(self.cluster.url(3, "/files/removed.bin"), method="DELETE"), 204)
        self.assertEqual(status_of(self.cluster.url(4, "/files/shared.bin"), method="DELETE"), 204)
        put(self.cluster.url(5, "/files/replaced.bin"), some_bytes(300_000, 4))
        for digest in (removed, replaced):
            eventually(lambda d=digest: not paths(self.cluster, d), 20, "its bytes are gone")
        self.settled("replaced.bin", sha256(some_bytes(300_000, 4)))
        self.settled("shared again.bin", shared)
        self.assertEqual(sha256(fetch(self.cluster.url(1, "/files/shared%20again.bin"))), shared)
        gone = sum(metric(self.cluster, node, "chisme_copies_removed_total") for node in range(1, NODES + 1))
        self.assertGreaterEqual(gone, 6)

    def test_bytes_that_come_again_while_they_are_being_removed_stay(self):
        digest = sha256(some_bytes(300_000, 1))
        end = time.monotonic() + 10
        number = 0
        while time.monotonic() < end:  # each removal of the last name falls due during the next uploads
            number += 1
            node = number % NODES + 1
            name = f"/files/again-{number}.bin"
            put(self.cluster.url(node, name), some_bytes(300_000, 1))
            self.assertEqual(sha256(fetch(self.cluster.url(node, name))), digest)
            self.assertEqual(status_of(self.cluster.url(node, name), method="DELETE"), 204)
            time.sleep(0.5 if number % 3 else 2.1)
        put(self.cluster.url(1, "/files/last.bin"), some_bytes(300_000, 1))
        self.settled("last.bin", digest)


class Surplus(Copies):
    def test_node_that_returns_after_a_repair_leaves_exactly_three_copies_and_none_is_lost(self):
        files = {f"{n}.bin": self.store(f"{n}.bin", 50_000 + n, seed=n) for n in range(8)}
        victim = next(iter(paths(self.cluster, files["0.bin"])))
        held = [name for name, digest in files.items() if victim in paths(self.cluster, digest)]
        self.cluster.kill(victim)
        asked = victim % NODES + 1
        for name in held:
            digest = files[name]
            eventually(lambda d=digest: len(set(paths(self.cluster, d)) - {victim}) == 3, 20,
                       f"{name} is repaired")
        self.cluster.start(victim)
        for name, digest in files.items():
            self.settled(name, digest, 25)
            self.assertEqual(sha256(fetch(self.cluster.url(asked, f"/files/{name}"))), digest)


class Readers(Copies):
    def test_get_brings_the_right_bytes_while_two_of_three_copies_are_rotten_unseen(self):
        digest = self.store("film.bin")
        for _, path in list(paths(self.cluster, digest).items())[:2]:
            flip_a_byte(path)
        target = self.cluster.data / "got.bin"
        for node in range(1, NODES + 1):
            got = run(CHISME, "get", "film.bin", "-o", str(target), "--node", self.cluster.url(node))
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertEqual(sha256(target.read_bytes()), digest)
            target.unlink()


class Rot(Copies):
    options = (*QUICK[:-1], "8s")

    def test_flipped_byte_is_found_quarantined_and_replaced(self):
        digest = self.store("film.bin")
        node, path = next(iter(paths(self.cluster, digest).items()))
        flip_a_byte(path)
        # Until a scrub finds it, a client that looks at the hash notices; `chisme get` does.
        target = self.cluster.data / "got.bin"
        got = run(CHISME, "get", "film.bin", "-o", str(target), "--node", self.cluster.url(node))
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(sha256(target.read_bytes()), digest)
        eventually(lambda: quarantined(self.cluster, node) == [path.name], 20, "it is in quarantine")
        self.settled("film.bin", digest)
        self.assertGreaterEqual(metric(self.cluster, node, "chisme_copies_corrupt_total"), 1)
        self.assertEqual(metric(self.cluster, node, "chisme_quarantine_files"), 1)
        self.assertEqual(read(self.cluster.data / f"node-{node}" / "log").decode().count(digest), 1,
                         "it is said once")
        for asked in range(1, NODES + 1):
            for way in ("", "?via=proxy"):
                self.assertEqual(sha256(fetch(self.cluster.url(asked, f"/files/film.bin{way}"))), digest)

    def test_missing_last_byte_is_noticed_by_the_first_reader(self):
        digest = self.store("film.bin")
        node, path = next(iter(paths(self.cluster, digest).items()))
        cut_the_last_byte(path)
        for _ in range(5):
            status, _, body = request(self.cluster.url(node, "/files/film.bin?via=proxy"))
            self.assertTrue(status == 503 or sha256(body) == digest, status)
        eventually(lambda: quarantined(self.cluster, node) == [path.name], 10, "it is in quarantine")
        self.settled("film.bin", digest)

    def check_lost(self, count):
        for node in range(1, NODES + 1):
            eventually(lambda n=node: self.cluster.cluster(n)["lost"] == count, 10, f"node {node} tells of {count} lost files")
            self.assertEqual(metric(self.cluster, node, "chisme_files_lost"), count)

    def test_file_whose_copies_have_all_rotted_or_were_deleted_is_gone_and_not_unknown(self):
        digest = self.store("film.bin")
        deleted = self.store("deleted.bin", seed=3)
        other = self.store("other.bin", seed=2)
        self.check_lost(0)
        victims = paths(self.cluster, digest)
        for damage, path in zip((flip_a_byte, cut_the_last_byte, flip_a_byte), victims.values()):
            damage(path)
        for path in paths(self.cluster, deleted).values():
            path.unlink()
        for node in range(1, NODES + 1):
            for name in ("film.bin", "deleted.bin"):
                eventually(lambda n=node: status_of(self.cluster.url(n, f"/files/{name}?via=proxy")) == 410, 25,
                           f"node {node} says that all copies of {name} are lost")
        self.check_lost(2)
        for node, path in victims.items():
            self.assertEqual(quarantined(self.cluster, node), [path.name], "a person may still look at it")
        listed = get_json(self.cluster.url(1, "/files"))["files"]
        self.assertEqual([f["copies"] for f in listed if f["name"] == "film.bin"], [0])
        self.settled("other.bin", other)
        # Storing it again heals it.
        put(self.cluster.url(2, "/files/film.bin"), some_bytes(300_000, 1))
        self.settled("film.bin", digest)
        self.check_lost(1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
