"""Files with a time to live, and the trash: at real nodes, some of which are killed."""
import base64
import datetime
import json
import subprocess
import time
import unittest
import urllib.parse

from harness import CHISME, Cluster, eventually, fetch, get_json, put, request, sha256, some_bytes, status_of

PATIENCE = 20


def quoted(name):
    return urllib.parse.quote(name, safe="/")


class Clusters(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(4, cls.options)
        cls.addClassCleanup(cls.cluster.close)
        cls.nodes = list(range(1, 5))

    def url(self, node, path):
        return self.cluster.url(node, path)

    def store(self, name, body, node=1, query="", headers=None):
        status, _, answer = request(self.url(node, f"/files/{quoted(name)}{query}"), "PUT", body, headers)
        self.assertIn(status, (200, 201), answer)
        return json.loads(answer)

    def everywhere(self, name, status, nodes=None):
        for node in nodes or self.nodes:
            eventually(lambda: status_of(self.url(node, f"/files/{quoted(name)}?via=proxy")) == status, PATIENCE,
                       f"{name} is {status} at node {node}")

    def listed(self, node, path="/files"):
        return {file["name"]: file for file in get_json(self.url(node, path))["files"]}

    def on_disk(self, digest, nodes=None):
        return [node for node in nodes or self.nodes
                if list((self.cluster.data / f"node-{node}" / "objects" / digest[:2]).glob(f"{digest}-*"))]


class Expiry(Clusters):
    # Were it not for their time, bytes without a name would stay longer than the test.
    options = ("--keep-removed", "1h")

    def test_put_says_how_long_a_file_is_kept(self):
        small, large = self.cluster.data / "small.bin", self.cluster.data / "large.bin"
        small.write_bytes(b"a few bytes")
        large.write_bytes(some_bytes((16 << 20) + 1, 9))  # goes by tus
        run = lambda *more: subprocess.run([CHISME, "put", *more, "--node", self.url(1, "")],
                                           capture_output=True, text=True, timeout=60)
        done = run(str(small), str(large), "--ttl", "1h")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("small.bin", "large.bin"):
            expires = self.listed(1)[name]["expires"]
            left = datetime.datetime.fromisoformat(expires.replace("Z", "+00:00")).timestamp() - time.time()
            self.assertTrue(3400 < left <= 3601, expires)
        wrong = run(str(small), "--name", "wrong.bin", "--ttl", "soon")
        self.assertEqual((wrong.returncode, wrong.stdout), (2, ""))
        self.assertIn("--ttl says how long", wrong.stderr)
        self.assertNotIn("wrong.bin", self.listed(1))

    def test_z_files_vanish_everywhere_at_their_time_and_their_bytes_soon_after(self):
        self.store("again.bin", b"the same", query="?ttl=2s")
        self.assertNotIn("expires", self.store("again.bin", b"the same", node=2))
        self.store("other.bin", b"old", query="?ttl=2s")
        self.store("other.bin", b"new", node=3)
        # Of these each node would sweep some.
        many = {f"many/{i}": self.store(f"many/{i}", some_bytes(100, 50 + i), query="?ttl=9s")["sha256"]
                for i in range(12)}
        body = some_bytes(300_000, 1)
        at_least = time.monotonic()
        stored = self.store("short.bin", body, query="?ttl=4s")
        self.assertRegex(stored["expires"], r"^\d{4}-.*Z$")
        status, headers, answer = request(self.url(1, "/files/short.bin?via=proxy"))
        self.assertEqual((status, answer), (200, body))
        self.assertRegex(headers["Sunset"], r" GMT$")
        self.assertEqual(headers["Content-Type"], "application/octet-stream")
        self.assertEqual(self.listed(1)["short.bin"]["expires"], stored["expires"])
        self.assertEqual(self.listed(1, "/files?sort=size")["short.bin"]["expires"], stored["expires"])
        self.everywhere("short.bin", 404)
        self.assertGreater(time.monotonic() - at_least, 3)
        for node in self.nodes:
            self.assertNotIn("short.bin", self.listed(node))
            self.assertNotIn("short.bin", self.listed(node, "/files?sort=size"))
        # One of those who sweep is dead when the next ones expire.
        self.cluster.kill(4)
        type(self).nodes = [1, 2, 3]
        for name in many:
            self.everywhere(name, 404)
        digests = [stored["sha256"], *many.values()]
        eventually(lambda: not any(self.on_disk(digest) for digest in digests), 60, "their bytes are gone")
        # What was stored again without a time stays, be it the same bytes.
        self.everywhere("again.bin", 200)
        self.everywhere("other.bin", 200)

    def test_c_every_way_in_takes_a_time(self):
        form = (b"--x\r\nContent-Disposition: form-data; name=ttl\r\n\r\n1h\r\n"
                b"--x\r\nContent-Disposition: form-data; name=f; filename=form.txt\r\n\r\nbody\r\n--x--\r\n")
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = json.loads(request(self.url(1, "/files"), "POST", form, kind)[2])
        self.assertIn("expires", answer["files"][0])
        answer = json.loads(request(self.url(1, "/files?ttl=2h"), "POST", form.replace(b"1h", b""), kind)[2])
        self.assertIn("expires", answer["files"][0])
        metadata = ",".join(f"{key} {base64.b64encode(value).decode()}"
                            for key, value in (("filename", b"tus.txt"), ("ttl", b"1h")))
        tus = {"Tus-Resumable": "1.0.0"}
        begin = {**tus, "Upload-Length": "5", "Upload-Metadata": metadata}
        _, headers, _ = request(self.url(1, "/uploads"), "POST", None, begin)
        target = urllib.parse.urlsplit(headers["Location"]).path
        patch = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.assertEqual(request(self.url(1, target), "PATCH", b"hello", patch)[0], 204)
        eventually(lambda: "expires" in self.listed(1).get("tus.txt", {}), PATIENCE, "tus.txt expires")
        self.store("live.txt", b"hello", query="?live=1&ttl=1h")
        self.assertIn("expires", self.listed(1)["live.txt"])

    def test_d_bad_times_store_nothing(self):
        for ttl in ("", "0", "0.5s", "-1d", "3651d", "soon", "nan", "inf", "1e300", "9" * 400, "7d%00"):
            status, _, answer = request(self.url(1, f"/files/bad.txt?ttl={ttl}"), "PUT", b"x")
            self.assertEqual(status, 400, ttl)
            self.assertIn("ttl", json.loads(answer)["detail"])
        form = (b"--x\r\nContent-Disposition: form-data; name=ttl\r\n\r\nsoon\r\n"
                b"--x\r\nContent-Disposition: form-data; name=f; filename=bad.txt\r\n\r\nbody\r\n--x--\r\n")
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        self.assertEqual(request(self.url(1, "/files"), "POST", form, kind)[0], 400)
        long = {"Content-Type": "text/" + "x" * 110}
        self.assertEqual(request(self.url(1, "/files/bad.txt?ttl=1h"), "PUT", b"x", long)[0], 400)
        self.assertEqual(request(self.url(1, "/files/bad.txt"), "PUT", b"", {})[0], 201)
        # Nobody else writes it by way of the media type.
        forged = {"Content-Type": "text/plain;expires=1700000000000"}
        self.assertEqual(request(self.url(1, "/files/forged.txt"), "PUT", b"x", forged)[0], 201)
        status, headers, _ = request(self.url(1, "/files/forged.txt?via=proxy"))
        self.assertEqual((status, headers["Sunset"]), (200, None))


class Trash(Clusters):
    options = ("--trash", "1h", "--keep-removed", "1s")

    def trash(self, node):
        return {file["name"]: file for file in get_json(self.url(node, "/trash"))["files"]}

    def in_trash(self, node, name):
        return eventually(lambda: self.trash(node).get(name), PATIENCE, f"{name} is in the trash of node {node}")

    def remove(self, path, method="DELETE", node=1):
        status, _, answer = request(self.url(node, path), method)
        self.assertIn(status, (200, 204), answer)

    def test_a_a_removed_file_comes_back_at_another_node_though_the_first_is_dead(self):
        body = some_bytes(200_000, 9)
        stored = self.store("dir/ñ film.mp4", body, headers={"Content-Type": "video/mp4"})
        eventually(lambda: self.listed(2).get("dir/ñ film.mp4", {}).get("copies") == 3, PATIENCE, "it has all copies")
        self.remove("/files/" + quoted("dir/ñ film.mp4"))
        self.everywhere("dir/ñ film.mp4", 404)
        found = self.in_trash(2, "dir/ñ film.mp4")
        self.assertEqual((found["size"], found["type"], found["sha256"]),
                         (len(body), "video/mp4", stored["sha256"]))
        self.assertLess(found["removed"], found["expires"])
        self.assertNotIn("dir/ñ film.mp4", self.listed(2))
        self.assertFalse([name for name in self.listed(2) if name.startswith("\x01")])
        self.cluster.kill(1)
        type(self).nodes = [2, 3, 4]
        path = "/trash/" + quoted(found["id"])
        eventually(lambda: request(self.url(3, path), "POST")[0] in (200, 201), 30, "it is restored")
        self.everywhere("dir/ñ film.mp4", 200)
        status, headers, answer = request(self.url(3, f"/files/{quoted('dir/ñ film.mp4')}?via=proxy"))
        self.assertEqual((status, sha256(answer), headers["Content-Type"]), (200, stored["sha256"], "video/mp4"))
        eventually(lambda: "dir/ñ film.mp4" not in self.trash(4), PATIENCE, "it is in the trash no more")
        eventually(lambda: request(self.url(3, path), "POST")[0] == 404, PATIENCE, "nor twice restored")

    def test_b_a_name_that_is_taken_again_is_not_overwritten_unawares(self):
        self.store("taken.txt", b"first", node=2)
        self.remove("/files/taken.txt", node=2)
        self.store("taken.txt", b"second", node=2)
        path = "/trash/" + quoted(self.in_trash(2, "taken.txt")["id"])
        status, _, answer = request(self.url(2, path), "POST")
        self.assertEqual(status, 409, answer)
        self.assertEqual(fetch(self.url(2, "/files/taken.txt?via=proxy")), b"second")
        self.assertEqual(request(self.url(2, path + "?overwrite=1"), "POST")[0], 200)
        self.assertEqual(fetch(self.url(2, "/files/taken.txt?via=proxy")), b"first")

    def test_c_it_is_the_same_for_webdav_and_s3(self):
        for name, path in (("dav.txt", "/dav/dav.txt"), ("bucket/s3.txt", "/s3/bucket/s3.txt")):
            self.store(name, name.encode(), node=2)
            self.remove(path, node=2)
            self.in_trash(3, name)
        # What is moved was not removed.
        self.store("from.txt", b"moves", node=2)
        status, _, _ = request(self.url(2, "/dav/from.txt"), "MOVE", None, {"Destination": self.url(2, "/dav/to.txt")})
        self.assertEqual(status, 201)
        self.assertEqual(fetch(self.url(2, "/files/to.txt?via=proxy")), b"moves")
        self.assertNotIn("from.txt", self.trash(2))

    def test_d_for_good(self):
        digest = self.store("gone.txt", b"gone for good", node=2)["sha256"]
        self.remove("/files/gone.txt?trash=no", node=2)
        self.assertNotIn("gone.txt", self.trash(2))
        eventually(lambda: not self.on_disk(digest, [2, 3, 4]), 40, "its bytes are gone")
        digest = self.store("later.txt", b"gone later", node=2)["sha256"]
        self.remove("/files/later.txt", node=2)
        self.remove("/trash/" + quoted(self.in_trash(2, "later.txt")["id"]), node=2)
        eventually(lambda: "later.txt" not in self.trash(3), PATIENCE, "it is out of the trash")
        eventually(lambda: not self.on_disk(digest, [2, 3, 4]), 40, "its bytes are gone, too")

    def test_e_pages_and_bad_questions(self):
        for i in range(5):
            self.store(f"page/{i}", b"x", node=2)
            self.remove(f"/files/page/{i}", node=2)
        seen, after = [], ""
        while after is not None:
            page = get_json(self.url(2, f"/trash?limit=2&after={quoted(after)}"))
            seen += [file["name"] for file in page["files"]]
            after = page["next"]
        self.assertEqual([name for name in seen if name.startswith("page/")], [f"page/{i}" for i in (4, 3, 2, 1, 0)])
        for path, method, status in (("/trash?limit=0", "GET", 400), ("/trash?after=x", "GET", 400),
                                     ("/trash/none", "POST", 404), ("/trash/none", "DELETE", 404),
                                     ("/trash/x?overwrite=2", "POST", 400), ("/files/x?trash=2", "DELETE", 400),
                                     ("/trash/%01", "POST", 404)):
            self.assertEqual(request(self.url(2, path), method)[0], status, path)
        long = "n" * 1000
        self.store(long, b"x", node=2)
        self.assertEqual(request(self.url(2, "/files/" + long), "DELETE")[0], 400)
        self.remove(f"/files/{long}?trash=no", node=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
