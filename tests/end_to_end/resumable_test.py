"""tus 1.0 on real processes: any node goes on with any upload, and no node's death ends one."""
import base64
import hashlib
import unittest

from harness import Cluster, eventually, fetch, get_json, request, sha256, some_bytes
from tus import begin_patch, create, metadata, offset, patch, send

MIB = 1 << 20


class Resumable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(4)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def url(self, node):
        return self.cluster.url(node)

    def create(self, node, name, length=None, **headers):
        return create(self.url(node), length, Upload_Metadata=metadata(filename=name), **headers)

    def assert_stored(self, name, data, node=1):
        self.assertEqual(sha256(fetch(self.url(node) + "/files/" + name)), sha256(data))

    def test_a_node_says_what_it_speaks(self):
        status, _, _ = request(self.url(1) + "/uploads", "POST", b"", {"Upload-Length": "1"})
        self.assertEqual(status, 412)
        status, headers, _ = request(self.url(1) + "/uploads", "OPTIONS")
        self.assertEqual((status, headers["Tus-Version"]), (204, "1.0.0"))
        for extension in ("creation", "creation-with-upload", "creation-defer-length", "termination", "expiration",
                          "checksum", "concatenation"):
            self.assertIn(extension, headers["Tus-Extension"].split(","))

    def test_each_part_may_go_to_another_node(self):
        data = some_bytes(3 * MIB + 17)
        path = self.create(1, "turns.bin", len(data))
        at = 0
        for node in (2, 3, 4, 1):
            eventually(lambda: offset(self.url(node), path) == at, 2, "the node knows what the one before took")
            part = data[at:at + MIB]
            self.assertEqual(patch(self.url(node), path, at, part), (204, at + len(part)))
            at += len(part)
        self.assert_stored("turns.bin", data)
        for node in (1, 2, 3, 4):
            eventually(lambda: offset(self.url(node), path) == len(data), 2, "all nodes know that it is complete")
        status, headers = send(self.url(3) + path, "HEAD")
        self.assertEqual(headers["Upload-Length"], str(len(data)))
        self.assertEqual(headers["Upload-Metadata"], metadata(filename="turns.bin"))
        self.assertTrue(headers["Upload-Expires"].endswith("GMT"))

    def test_what_is_under_way_is_no_file(self):
        before = get_json(self.url(1) + "/cluster")["files"]
        path = self.create(1, "hidden.bin", 100)
        patch(self.url(1), path, 0, b"x" * 50)
        for query in ("", "?prefix=", "?prefix=%01", "?prefix=%01uploads/", "?after="):
            names = [file["name"] for file in get_json(self.url(1) + "/files" + query)["files"]]
            self.assertFalse([name for name in names if "uploads" in name or "hidden" in name], query)
        self.assertEqual(request(self.url(1) + "/files/%01" + path[1:] + "/about")[0], 400)
        eventually(lambda: get_json(self.url(1) + "/cluster")["files"] == before, 5, "nothing is counted")

    def test_a_wrong_offset_changes_nothing(self):
        data = some_bytes(1000)
        path = self.create(1, "offsets.bin", len(data))
        self.assertEqual(patch(self.url(1), path, 0, data[:400])[0], 204)
        eventually(lambda: offset(self.url(2), path) == 400, 2, "the other node knows")
        self.assertEqual(patch(self.url(2), path, 0, data[:400])[0], 409)
        self.assertEqual(patch(self.url(2), path, 700, data[700:])[0], 409)
        self.assertEqual(patch(self.url(2), path, 400, data)[0], 413)
        eventually(lambda: offset(self.url(3), path) == 400, 2, "nothing was changed")
        self.assertEqual(patch(self.url(4), path, 400, data[400:])[0], 204)
        self.assert_stored("offsets.bin", data)

    def test_what_came_before_the_client_left_is_kept(self):
        data = some_bytes(2 * MIB, seed=7)
        path = self.create(2, "left.bin", len(data))
        connection = begin_patch(self.cluster.port(2), path, 0, len(data))
        connection.sendall(data[:MIB])
        connection.close()
        at = eventually(lambda: offset(self.url(3), path), 10, "the first MiB is safe")
        self.assertEqual(at, MIB)
        self.assertEqual(patch(self.url(3), path, at, data[at:])[0], 204)
        self.assert_stored("left.bin", data)

    def test_a_checksum_that_is_wrong_keeps_nothing(self):
        data = some_bytes(5000)
        path = self.create(1, "summed.bin", len(data))
        for algorithm in ("sha1", "sha256", "md5"):
            wrong = base64.b64encode(hashlib.new(algorithm, b"other").digest()).decode()
            self.assertEqual(patch(self.url(1), path, 0, data, Upload_Checksum=f"{algorithm} {wrong}")[0], 460)
        self.assertEqual(patch(self.url(1), path, 0, data, Upload_Checksum="crc32 AAAAAA==")[0], 400)
        self.assertEqual(offset(self.url(2), path), 0)
        right = base64.b64encode(hashlib.sha1(data).digest()).decode()
        self.assertEqual(patch(self.url(2), path, 0, data, Upload_Checksum=f"sha1 {right}")[0], 204)
        self.assert_stored("summed.bin", data)

    def test_the_length_may_be_told_later(self):
        data = some_bytes(3000)
        path = self.create(1, "later.bin", Upload_Defer_Length="1")
        self.assertEqual(send(self.url(1) + path, "HEAD")[1]["Upload-Defer-Length"], "1")
        self.assertEqual(patch(self.url(2), path, 0, data[:1000])[0], 204)
        self.assertEqual(patch(self.url(3), path, 1000, data[1000:], Upload_Length=str(len(data)))[0], 204)
        self.assert_stored("later.bin", data)
        self.assertEqual(send(self.url(1) + "/uploads", "POST", {"Upload-Metadata": metadata(filename="x")})[0], 400)

    def test_a_file_may_come_with_its_creation(self):
        data = some_bytes(70_000)
        status, headers = send(self.url(1) + "/uploads", "POST", {
            "Upload-Length": str(len(data)), "Upload-Metadata": metadata(filename="at once.bin"),
            "Content-Type": "application/offset+octet-stream"}, data)
        self.assertEqual((status, headers["Upload-Offset"]), (201, str(len(data))))
        self.assert_stored("at%20once.bin", data)
        self.create(1, "empty.bin", 0)
        self.assert_stored("empty.bin", b"")

    def test_parts_that_came_to_several_nodes_become_one_file(self):
        data = some_bytes(MIB, seed=3)
        thirds = [data[:300_000], data[300_000:700_000], data[700_000:]]
        paths = []
        for node, third in enumerate(thirds, 1):
            paths.append(create(self.url(node), len(third), Upload_Concat="partial"))
            self.assertEqual(patch(self.url(node), paths[-1], 0, third)[0], 204)
        headers = {"Upload_Concat": "final;" + " ".join(paths)}
        # Whatever node took a part, and whatever it was called then: only the path counts.
        urls = [f"http://elsewhere.example:1{paths[0]}", self.url(2) + paths[1], paths[2]]
        final = self.create(4, "whole.bin", Upload_Concat="final;" + " ".join(urls))
        self.assert_stored("whole.bin", data)
        told = send(self.url(2) + final, "HEAD")[1]
        self.assertEqual((told["Upload-Concat"], told["Upload-Length"]), (headers["Upload_Concat"], str(len(data))))
        self.assertEqual(patch(self.url(2), final, len(data), b"")[0], 403)
        unfinished = create(self.url(1), 10, Upload_Concat="partial")
        status, _ = send(self.url(1) + "/uploads", "POST", {
            "Upload-Concat": "final;" + unfinished, "Upload-Metadata": metadata(filename="never.bin")})
        self.assertEqual(status, 400)

    def test_an_upload_that_was_ended_is_gone(self):
        path = self.create(1, "ended.bin", 10)
        status, _ = send(self.url(2) + path, "POST", {"X-HTTP-Method-Override": "DELETE"})
        self.assertEqual(status, 204)
        eventually(lambda: send(self.url(3) + path, "HEAD")[0] == 404, 5, "everybody knows")
        self.assertEqual(patch(self.url(2), path, 0, b"0123456789")[0], 404)
        self.assertEqual(send(self.url(2) + "/uploads/" + "0" * 32, "HEAD")[0], 404)
        self.assertEqual(send(self.url(2) + "/uploads/nonsense", "HEAD")[0], 404)


class Deaths(unittest.TestCase):
    def test_an_upload_outlives_its_node(self):
        data = some_bytes(40 * MIB, seed=11)
        with Cluster(5) as cluster:
            path = create(cluster.url(1), len(data), Upload_Metadata=metadata(filename="film.mp4"))
            node, at = 1, 0
            for victim in (1, 2):
                connection = begin_patch(cluster.port(victim), path, at, len(data) - at)
                safe = min(at + 33 * MIB, len(data))
                connection.sendall(data[at:safe] if victim == 1 else data[at:at + MIB])
                if victim == 1:
                    eventually(lambda: offset(cluster.url(3), path) >= 32 * MIB, 20, "the first part is safe")
                cluster.kill(victim)
                connection.close()
                again = offset(cluster.url(3), path)
                self.assertGreaterEqual(again, at)
                at = again
            self.assertGreaterEqual(at, 32 * MIB)
            status, end = patch(cluster.url(4), path, at, data[at:])
            self.assertEqual((status, end), (204, len(data)))
            self.assertEqual(sha256(fetch(cluster.url(5) + "/files/film.mp4")), sha256(data))


if __name__ == "__main__":
    unittest.main()
