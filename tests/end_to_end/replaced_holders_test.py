"""An upload whose other holders die or hang: others take their place while it is under way."""
import http.client
import json
import signal
import threading
import time
import unittest

from harness import Cluster, eventually, fetch, sha256, some_bytes

MIB = 1 << 20
CHUNK = 64 << 10


class ThrottledPut(threading.Thread):
    """PUTs at so many bytes per second, of a length that it does not announce (room that is kept for an
    announced one would hide how much has come); knows how far it got and how long the node ever held it up."""

    def __init__(self, port, name, data, rate):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.name, self.data, self.rate = name, data, rate
        self.sent, self.longest, self.status, self.answer, self.waited = 0, 0.0, None, None, None

    def run(self):
        self.connection.putrequest("PUT", "/files/" + self.name)
        self.connection.putheader("Transfer-Encoding", "chunked")
        self.connection.endheaders()
        begun = time.monotonic()
        for at in range(0, len(self.data), CHUNK):
            before = time.monotonic()
            chunk = self.data[at:at + CHUNK]
            self.connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.longest = max(self.longest, time.monotonic() - before)
            self.sent = min(at + CHUNK, len(self.data))
            time.sleep(max(0.0, begun + self.sent / self.rate - time.monotonic()))
        last = time.monotonic()
        self.connection.send(b"0\r\n\r\n")
        response = self.connection.getresponse()
        self.status, self.answer = response.status, json.loads(response.read())
        self.waited = time.monotonic() - last
        self.connection.close()


class ReplacedHolders(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(5)
        self.addCleanup(self.cluster.close)

    def staged(self, node):
        """How many bytes of arriving objects the node has on its disk."""
        return sum(path.stat().st_size for path in self.cluster.data.glob(f"node-{node}/staging/*"))

    def taker(self, at_least, apart_from):
        """A node besides the uploading one that has so much of the upload already."""
        others = [node for node in range(2, 6) if node not in apart_from]
        return eventually(lambda: next((node for node in others if self.staged(node) >= at_least), None), 10,
                          f"another node has {at_least} bytes")

    def upload(self, name, rate):
        data = some_bytes(40 * MIB, seed=21)
        put = ThrottledPut(self.cluster.port(1), name, data, rate)
        put.start()
        return put

    def assert_stored(self, put, gone):
        put.join(60)
        self.assertEqual(put.status, 201, put.answer)
        ids = {member["node"]: self.cluster.node_of(member["http"])
               for member in self.cluster.cluster(1)["members"]}
        copies = {ids[node] for node in put.answer["copies"]}
        self.assertGreaterEqual(len(copies), 2)
        self.assertFalse(copies & set(gone))
        alive = next(node for node in range(2, 6) if node not in gone)
        self.assertEqual(sha256(fetch(self.cluster.url(alive, "/files/" + put.name))), sha256(put.data))
        print(f"{put.name}: longest write {put.longest:.2f} s, answer after {put.waited:.2f} s")

    def test_one_is_killed_and_its_successor_hangs(self):
        put = self.upload("replaced.bin", 6 * MIB)
        first = self.taker(4 * MIB, ())
        self.cluster.kill(first)
        had = put.sent
        second = self.taker(had, (first,))
        self.assertLess(put.sent, len(put.data), "the upload was over before it was replaced")
        self.cluster.signal(second, signal.SIGSTOP)
        try:
            had = put.sent
            third = self.taker(had, (first, second))
            self.assertLess(put.sent, len(put.data), "it was over before the second was replaced")
            eventually(lambda: self.staged(third) > 28 * MIB, 20, "it has most of it")
            self.assertLess(put.sent, len(put.data), "the object was brought to its holder only at the end")
            self.assert_stored(put, (first, second))
        finally:
            self.cluster.signal(second, signal.SIGCONT)
        self.assertLess(put.longest, 3, "the client was held up")
        self.assertLess(put.waited, 2)

    def test_one_that_hangs_at_the_end_is_not_waited_for(self):
        put = self.upload("late.bin", 40 * MIB)
        holder = self.taker(30 * MIB, ())
        self.cluster.signal(holder, signal.SIGSTOP)
        try:
            self.assert_stored(put, (holder,))
        finally:
            self.cluster.signal(holder, signal.SIGCONT)
        self.assertLess(put.waited, 4)


if __name__ == "__main__":
    unittest.main()
