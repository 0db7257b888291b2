"""Bits that flip on one disk are found when their range is read: no reader ever gets them."""
import http.client
import time
import unittest
import urllib.request

from harness import Cluster, eventually, put, request, sha256, some_bytes

MIB = 1 << 20
SIZE = 9 * MIB + 12345


class BitRot(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()
        # No scrub comes to help in time: what is found is found by reading.
        self.cluster = Cluster(4)
        self.addCleanup(self.cluster.close)
        self.data = some_bytes(SIZE, 7)
        self.digest = sha256(self.data)

    def tearDown(self):
        print(f"{self.id().split('.')[-1]}: {time.monotonic() - self.began:.1f} s")

    def path(self, node, digest):
        directory = self.cluster.data / f"node-{node}" / "objects" / digest[:2]
        return next(directory.glob(f"{digest}-*"), None)

    def holders(self, digest):
        return [n for n in range(1, 5) if self.path(n, digest)]

    def store(self, name, data):
        put(self.cluster.url(1, f"/files/{name}"), data)
        eventually(lambda: len(self.holders(sha256(data))) == 3, 20, "three copies")
        eventually(lambda: all(self.cluster.copies(n, name) == 3 for n in range(1, 5)), 20, "all know")

    def flip(self, path, position):
        with open(path, "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 0x20]))

    def get(self, node, name, first, last):
        """The bytes, or None when the reader could tell that they did not all come."""
        try:
            status, _, body = request(self.cluster.url(node, f"/files/{name}?via=local"),
                                      headers={"Range": f"bytes={first}-{last}"})
        except (OSError, http.client.HTTPException) as error:  # the connection ended early
            self.assertIn("IncompleteRead", type(error).__name__ + str(error))
            return None
        return body if status == 206 else None

    def test_a_flipped_bit_never_reaches_a_reader_and_the_copy_goes(self):
        wrong = served = 0
        for number, position in enumerate([0, 1, MIB - 1, MIB, 4 * MIB - 1, 4 * MIB, 5 * MIB + 7, 8 * MIB - 1,
                                           9 * MIB, SIZE - 1]):
            data = some_bytes(SIZE, 100 + number)
            digest, name = sha256(data), f"file-{number}"
            self.store(name, data)
            victim = self.holders(digest)[number % 3]
            if number % 2:  # found right a moment ago: a change of the file ends that trust
                self.assertEqual(self.get(victim, name, 0, SIZE - 1), data)
            self.flip(self.path(victim, digest), position)
            first, last = max(0, position - 50), min(SIZE - 1, position + 50)
            for a, b in ((first, last), (0, SIZE - 1)):
                got = self.get(victim, name, a, b)
                served += got is not None
                wrong += got is not None and got != data[a:b + 1]
            quarantine = self.cluster.data / f"node-{victim}" / "quarantine"
            eventually(lambda: digest in " ".join(p.name for p in quarantine.iterdir()), 10, "it is found")

            def is_whole_or_gone():
                path = self.path(victim, digest)
                return path is None or sha256(path.read_bytes()) == digest
            eventually(is_whole_or_gone, 10, "the copy is gone, or another one has come")
            for node in range(1, 5):
                with urllib.request.urlopen(self.cluster.url(node, f"/files/{name}?via=proxy")) as answer:
                    self.assertEqual(sha256(answer.read()), digest)
        print(f"ranges with a flipped bit served: {wrong} wrong of {served} answered")
        self.assertEqual(wrong, 0)

    def test_a_small_file_and_a_relayed_one(self):
        for number, size in enumerate((1, 1000, MIB)):
            data = some_bytes(size, 50 + number)
            name = f"small-{number}"
            self.store(name, data)
            victim = self.holders(sha256(data))[0]
            self.flip(self.path(victim, sha256(data)), size // 2)
            got = self.get(victim, name, 0, size - 1)
            self.assertIn(got, (None, data))
            outsider = next(n for n in range(1, 5) if n not in self.holders(sha256(data)))
            for _ in range(6):  # whichever holder it asks
                self.assertEqual(request(self.cluster.url(outsider, f"/files/{name}?via=proxy"))[2], data)

    def test_hashes_that_are_missing_are_made_again_once_the_file_is_read(self):
        self.store("file", self.data)
        victim = self.holders(self.digest)[0]
        hashes = self.path(victim, self.digest).with_name(self.digest + ".chunks")
        before = hashes.read_bytes()
        self.cluster.kill(victim)
        hashes.unlink()
        self.cluster.start(victim)
        eventually(lambda: self.cluster.copies(victim, "file") == 3, 20, "it is back")
        self.assertEqual(self.get(victim, "file", 0, 9), self.data[:10])
        eventually(hashes.exists, 20, "they are there again")
        self.assertEqual(hashes.read_bytes(), before)


if __name__ == "__main__":
    unittest.main(verbosity=1)
