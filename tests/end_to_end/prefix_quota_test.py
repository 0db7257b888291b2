"""`--prefix-quota` on a cluster of three: whoever writes, by whatever way, gets 507 and a sentence, and what fits fits."""
import asyncio
import json
import pathlib
import re
import signal
import tempfile
import unittest
import xml.etree.ElementTree

import websockets

import tus
from harness import CHISME, Cluster, Node, eventually, get_json, put, request, run, some_bytes

KIB = 1024
LIMIT = 100 * KIB


class PrefixQuota(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3, ("--prefix-quota", "films/=100K", "--prefix-quota", "films/new/=20K"))
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        eventually(self.is_cleared, 20, "nothing is left of the test before")

    def is_cleared(self):
        for name in self.names():
            request(self.cluster.url(1, f"/files/{name}"), "DELETE")
        return all(self.used(node) == 0 for node in (1, 2, 3))

    def names(self):
        return [file["name"] for file in get_json(self.cluster.url(1, "/files?prefix=films/"))["files"]]

    def used(self, node):
        return next(quota["used"] for quota in get_json(self.cluster.url(node, "/cluster"))["prefix_quotas"]
                    if quota["prefix"] == "films/")

    def fill(self, size, node=1, name="films/most.bin"):
        """So much is used, as all nodes know."""
        put(self.cluster.url(node, f"/files/{name}"), some_bytes(size))
        for other in (1, 2, 3):
            eventually(lambda n=other: self.used(n) == size, 10, f"node {other} counts what is there")

    def refused(self, answer, used, more):
        status, _, body = answer
        self.assertEqual(status, 507, body)
        self.assertIn(f'"films/" may have {LIMIT} bytes together and have {used} of them: {more} more do not fit',
                      body.decode().replace("\\", "").replace("&quot;", '"'))

    def test_put(self):
        self.fill(90 * KIB)
        for node in (1, 3):
            self.refused(request(self.cluster.url(node, "/files/films/x"), "PUT", some_bytes(11 * KIB)),
                         90 * KIB, 11 * KIB)
        put(self.cluster.url(2, "/files/elsewhere/x"), some_bytes(200 * KIB))
        put(self.cluster.url(2, "/files/films/x"), some_bytes(10 * KIB))
        # The difference counts.
        put(self.cluster.url(2, "/files/films/x"), some_bytes(9 * KIB))
        put(self.cluster.url(2, "/files/films/x"), some_bytes(10 * KIB))
        self.refused(request(self.cluster.url(2, "/files/films/x"), "PUT", some_bytes(11 * KIB)), 90 * KIB, 11 * KIB)
        # What this node removed counts no more.
        self.assertEqual(request(self.cluster.url(2, "/files/films/x"), "DELETE")[0], 204)
        put(self.cluster.url(2, "/files/films/y"), some_bytes(10 * KIB))
        eventually(lambda: self.names() == ["films/most.bin", "films/y"], 10, "node 1 lists what there is")

    def test_the_inner_of_two(self):
        put(self.cluster.url(1, "/files/films/new/a"), some_bytes(20 * KIB))
        status, _, body = request(self.cluster.url(1, "/files/films/new/b"), "PUT", b"x")
        self.assertEqual((status, b"films/new/" in body), (507, True), body)
        put(self.cluster.url(1, "/files/films/b"), b"x")

    def test_a_length_that_is_not_told_is_refused_when_it_is_reached(self):
        self.fill(60 * KIB)
        chunks = iter([some_bytes(KIB)] * 60)
        try:
            answer = request(self.cluster.url(1, "/files/films/x"), "PUT", chunks)
        except (BrokenPipeError, ConnectionResetError):
            answer = None  # the node ended the connection while bytes came
        if answer:
            self.assertEqual(answer[0], 507)
        eventually(lambda: self.names() == ["films/most.bin"], 10, "node 1 lists what there is")
        self.assertGreaterEqual(self.metric(1, "chisme_prefix_quota_refused_total"), 1)

    def test_resumable_uploads(self):
        self.fill(60 * KIB)
        node = self.cluster.url(2)
        told = {"Tus-Resumable": "1.0.0", "Upload-Metadata": tus.metadata(filename="films/x")}
        self.refused(request(node + "/uploads", "POST", headers=told | {"Upload-Length": str(41 * KIB)}),
                     60 * KIB, 41 * KIB)
        path = tus.create(node, 40 * KIB, Upload_Metadata=tus.metadata(filename="films/x"))
        self.assertEqual(tus.patch(node, path, 0, some_bytes(10 * KIB))[0], 204)
        put(node + "/files/films/meanwhile", some_bytes(KIB))
        status, _, body = request(node + path, "PATCH", some_bytes(30 * KIB), {
            "Tus-Resumable": "1.0.0", "Upload-Offset": str(10 * KIB), "Content-Type": "application/offset+octet-stream"})
        self.refused((status, None, body), 61 * KIB, 40 * KIB)
        # Once there is room it goes on.
        self.assertEqual(request(node + "/files/films/meanwhile", "DELETE")[0], 204)
        self.assertEqual(tus.patch(node, path, 10 * KIB, some_bytes(30 * KIB)), (204, 40 * KIB))
        eventually(lambda: self.used(2) == LIMIT, 10, "the upload has become a file")

    def test_s3_and_webdav(self):
        self.fill(60 * KIB)
        for way in ("/s3/", "/dav/"):
            self.refused(request(self.cluster.url(3, way + "films/x"), "PUT", some_bytes(41 * KIB)),
                         60 * KIB, 41 * KIB)
        self.refused(request(self.cluster.url(3, "/dav/films/most.bin"), "COPY", headers={
            "Destination": self.cluster.url(3, "/dav/films/again.bin")}), 60 * KIB, 60 * KIB)
        # A file that moves needs no room.
        self.assertEqual(request(self.cluster.url(3, "/dav/films/most.bin"), "MOVE", headers={
            "Destination": self.cluster.url(3, "/dav/films/moved.bin")})[0], 201)
        self.assertEqual(request(self.cluster.url(3, "/s3/films/x"), "PUT", some_bytes(40 * KIB))[0], 200)
        eventually(lambda: self.used(3) == LIMIT, 10, "all is used")
        self.assertEqual(self.dav_quota("films/"), (0, LIMIT))
        self.assertEqual(self.dav_quota(""), None)

    def dav_quota(self, folder):
        """(available, used) of RFC 4331."""
        asked = '<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>'
        status, _, body = request(self.cluster.url(3, "/dav/" + folder), "PROPFIND", asked, {"Depth": "0"})
        self.assertEqual(status, 207)
        found = xml.etree.ElementTree.fromstring(body)
        told = [found.find(f".//{{DAV:}}{name}") for name in ("quota-available-bytes", "quota-used-bytes")]
        return None if told[0].text is None else tuple(int(each.text) for each in told)

    def test_a_websocket(self):
        self.fill(90 * KIB)

        async def upload():
            url = self.cluster.url(1, "/ws/upload?name=films/x").replace("http", "ws")
            async with websockets.connect(url) as socket:
                await socket.send(some_bytes(11 * KIB))
                return json.loads(await socket.recv())
        answer = asyncio.run(upload())
        self.assertEqual(answer["status"], 507)
        self.assertIn('"films/" may have', answer["error"])

    def test_it_is_told(self):
        self.fill(75 * KIB)
        self.assertEqual(get_json(self.cluster.url(1, "/cluster"))["prefix_quotas"], [
            {"prefix": "films/", "limit": LIMIT, "used": 75 * KIB}, {"prefix": "films/new/", "limit": 20 * KIB, "used": 0}])
        self.assertIn("films/", run(CHISME, "status", "--node", self.cluster.url(1)).stdout)
        self.assertEqual(self.metric(1, "chisme_prefix_quota_used_ratio"), 0.75)

    def metric(self, node, name):
        text = request(self.cluster.url(node, "/metrics"))[2].decode()
        self.assertNotIn("films/", text)
        return float(re.search(rf"(?m)^{name} (\S+)$", text)[1])


class Reload(unittest.TestCase):
    def test_sighup_changes_them(self):
        with tempfile.TemporaryDirectory(prefix="chisme-test-") as home:
            config = pathlib.Path(home) / "chisme.toml"
            config.write_text('prefix_quota = ["films/=10"]\n')
            with (pathlib.Path(home) / "log").open("w") as log, \
                    Node(pathlib.Path(home) / "data", ("--config", str(config)), log=log) as node:
                node.wait_ready()
                self.assertEqual(request(node.url("/files/films/x"), "PUT", b"eleven byte")[0], 507)
                config.write_text('prefix_quota = ["films/=11"]\n')
                node.process.send_signal(signal.SIGHUP)
                eventually(lambda: get_json(node.url("/cluster"))["prefix_quotas"][0]["limit"] == 11, 10, "it is read")
                put(node.url("/files/films/x"), b"eleven byte")


if __name__ == "__main__":
    unittest.main(verbosity=2)
