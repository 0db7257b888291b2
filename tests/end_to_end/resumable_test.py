"""tus 1.0 on real processes: any node goes on with any upload, and no node's death ends one."""
import base64
import collections
import hashlib
import socket
import threading
import time
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
            self.assertEqual(offset(self.url(node), path, at), at, "the node knows what the one before took")
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
        before = len(get_json(self.url(1) + "/files?limit=1000")["files"])
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


    def test_asking_undoes_no_later_removal_and_no_later_write(self):
        for turn in range(10):
            for name, method, later in ((f"removed{turn}", "DELETE", None), (f"replaced{turn}", "PUT", b"later")):
                path = self.create(1, name, 4)
                self.assertEqual(patch(self.url(1), path, 0, b"film")[0], 204)
                self.assertIn(request(self.url(1) + "/files/" + name, method, later)[0], (200, 204))
                for node in (2, 3, 4):
                    self.assertEqual(offset(self.url(node), path), 4)
                for node in (1, 2, 3, 4):
                    eventually(lambda: self.given(node, name) == later, 2, f"node {node} has heard of what came later")
        for turn in range(10):
            for name, later in ((f"removed{turn}", None), (f"replaced{turn}", b"later")):
                for node in (1, 2, 3, 4):
                    self.assertEqual(self.given(node, name), later, f"{name} at node {node}")

    def given(self, node, name):
        """The file's bytes; None when there is none."""
        status, _, body = request(self.url(node) + f"/files/{name}?via=proxy")
        self.assertIn(status, (200, 404))
        return body if status == 200 else None

    def test_those_who_ask_and_leave_cause_no_copies(self):
        data = some_bytes(48 * MIB, seed=5)
        path = self.create(1, "asked.bin", len(data))
        self.assertEqual(patch(self.url(1), path, 0, data[:-10])[0], 204)
        answers, peak = [], 0
        last = threading.Thread(target=lambda: answers.append(patch(self.url(1), path, len(data) - 10, data[-10:])))
        last.start()
        while last.is_alive():
            for node in (1, 2, 3):
                with socket.create_connection(("127.0.0.1", self.cluster.port(node))) as connection:
                    connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.cluster.port(node)}\r\n"
                                       "Tus-Resumable: 1.0.0\r\n\r\n".encode())
            peak = max(peak, self.staged())
            time.sleep(0.02)
        self.assertEqual(answers, [(204, len(data))])
        # One copy for each node at most, with its push, however many ask; and a transfer.
        self.assertLess(peak, (3 * 2 + 2) * len(data))
        self.assert_stored("asked.bin", data)

    def staged(self):
        """Bytes that are on their way in."""
        sizes = 0
        for path in self.cluster.data.glob("*/staging/*"):
            try:
                sizes += path.stat().st_blocks * 512
            except FileNotFoundError:
                pass
        return sizes

    def test_of_two_writers_at_most_one_is_told_that_its_bytes_are_safe(self):
        for turn in range(5):
            name = f"two{turn}"
            path = self.create(1, name, 10)
            writers = [begin_patch(self.cluster.port(node), path, 0, 10) for node in (1, 2)]
            bodies = (b"aaaaaAAAAA", b"bbbbbBBBBB")
            for writer, body in zip(writers, bodies):
                writer.sendall(body[:5])
                time.sleep(0.1)
            statuses = []
            for writer, body in zip(writers, bodies):
                writer.sendall(body[5:])
                statuses.append(int(writer.recv(4096).split()[1]))
                writer.close()
            if 204 in statuses:
                self.assertEqual(sorted(statuses), [204, 409])
                self.assertEqual(fetch(self.url(3) + "/files/" + name), bodies[statuses.index(204)])
                continue
            # Each saw the other. Whoever asks then where to go on has the upload for itself.
            self.assertEqual(statuses, [409, 409])
            at = offset(self.url(2), path)
            if at < 10:
                self.assertEqual(patch(self.url(2), path, at, bodies[1][at:]), (204, 10))
            stored = fetch(self.url(3) + "/files/" + name)
            self.assertIn(stored, [body[:at] + bodies[1][at:] for body in bodies])

    def test_hundreds_of_tiny_requests_become_one_file(self):
        data = some_bytes(300 * 1024, seed=17)
        path = self.create(1, "tiny.bin", len(data))
        for at in range(0, len(data), 1024):
            self.assertEqual(patch(self.url(1), path, at, data[at:at + 1024]), (204, at + 1024))
        self.assert_stored("tiny.bin", data)

    def test_what_a_client_that_pauses_has_sent_is_safe_soon(self):
        path = self.create(1, "paused.bin", 2 * MIB)
        with begin_patch(self.cluster.port(1), path, 0, 2 * MIB) as connection:
            connection.sendall(b"x" * MIB)
            eventually(lambda: offset(self.url(2), path) == MIB, 15, "the first half is safe while the client pauses")
            connection.sendall(b"x" * MIB)
            self.assertEqual(connection.recv(4096).split()[1], b"204")
        self.assert_stored("paused.bin", b"x" * 2 * MIB)

    def test_an_upload_that_is_ended_while_its_file_is_made_becomes_none(self):
        data = some_bytes(64 * MIB, seed=9)
        path = self.create(1, "late.bin", len(data))
        self.assertEqual(patch(self.url(1), path, 0, data[:-1])[0], 204)
        answers = []
        last = threading.Thread(target=lambda: answers.append(patch(self.url(1), path, len(data) - 1, data[-1:])[0]))
        last.start()
        time.sleep(0.05)
        status, _ = send(self.url(2) + path, "DELETE")
        self.assertEqual(status, 204)
        last.join()
        # The end may also have come too late: then it was the upload that was ended, not the file.
        file = request(self.url(1) + "/files/late.bin", "HEAD")[0]
        self.assertEqual((answers[0] == 204), file != 404, (answers, file))


class Limits(unittest.TestCase):
    def test_uploads_that_nobody_goes_on_with_go(self):
        with Cluster(3, ("--keep-uploads", "4s")) as cluster:
            path = create(cluster.url(1), 100, Upload_Metadata=metadata(filename="old"))
            for at in range(8):
                self.assertEqual(patch(cluster.url(at % 3 + 1), path, at, b"x")[0], 204)
                time.sleep(1)
            eventually(lambda: send(cluster.url(2) + path, "HEAD")[0] == 404, 20, "it is forgotten")

    def test_the_bytes_of_parts_go_once_the_file_is_there(self):
        data, copies = some_bytes(40 * MIB, seed=13), 3
        with Cluster(4, ("--keep-removed", "1h")) as cluster:
            def stored():
                return sum(path.stat().st_size for path in cluster.data.glob("*/objects/*/*") if path.exists())
            path = create(cluster.url(1), len(data), Upload_Metadata=metadata(filename="once.bin"))
            for node, at in ((1, 0), (2, 10 * MIB), (3, 20 * MIB), (4, 30 * MIB)):
                part = data[at:at + 10 * MIB]
                self.assertEqual(patch(cluster.url(node), path, at, part), (204, at + len(part)))
            ended = create(cluster.url(1), len(data), Upload_Metadata=metadata(filename="ended.bin"))
            self.assertEqual(patch(cluster.url(1), ended, 0, data[1:9 * MIB])[0], 204)
            self.assertEqual(send(cluster.url(2) + ended, "DELETE")[0], 204)
            eventually(lambda: cluster.copies(1, "once.bin") == copies and stored() < copies * len(data) + MIB, 40,
                       "only the copies of the file are left")
            for node in (1, 2, 3, 4):
                self.assertEqual(offset(cluster.url(node), path), len(data))
                self.assertEqual(patch(cluster.url(node), path, 30 * MIB, data[30 * MIB:]), (409, None))
                self.assertEqual(patch(cluster.url(node), path, len(data), b""), (204, len(data)))
            self.assertEqual(sha256(fetch(cluster.url(2) + "/files/once.bin")), sha256(data))

    def test_an_upload_without_room_is_not_begun(self):
        with Cluster(3, ("--quota", "100M")) as cluster:
            headers = {"Upload-Length": str(80 * MIB), "Upload-Metadata": metadata(filename="huge")}
            self.assertEqual(send(cluster.url(1) + "/uploads", "POST", headers)[0], 507)
            create(cluster.url(1), 20 * MIB, Upload_Metadata=metadata(filename="small"))


def has_all_copies(cluster):
    """Whether every object lies on three disks. What is acknowledged may lie on two for a moment."""
    names = collections.Counter(path.name for path in cluster.data.glob("*/objects/*/*"))
    return bool(names) and min(names.values()) >= 3


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
                eventually(lambda: has_all_copies(cluster), 30, "one death more leaves a copy of everything")
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
