"""WebDAV at real nodes: litmus, rclone, cadaver and curl mount a cluster of three, one of which dies."""
import base64
import os
import pathlib
import re
import shutil
import tempfile
import unittest
import xml.etree.ElementTree

from access import bearing, make_secret, make_token
from harness import Cluster, eventually, fetch, get_json, put, request, run, sha256, some_bytes, status_of

SUITES = ("basic", "copymove", "props", "locks", "http")
# What litmus leaves out or warns of, with the reason why that is right here. Anything else fails.
EXPECTED_NOTES = {}  # none: it runs all of its cases and warns of nothing
WANTED = 3  # nodes
LOCKINFO = ('<lockinfo xmlns="DAV:"><lockscope><{}/></lockscope><locktype><write/></locktype>'
            "<owner>a test</owner></lockinfo>")


def ask(url, method, body=None, **fields):
    """(status, headers, body); a field's underscores are hyphens."""
    return request(url, method, body, {name.replace("_", "-"): value for name, value in fields.items()})


def take_lock(url, scope="exclusive", **fields):
    status, headers, body = ask(url, "LOCK", LOCKINFO.format(scope), **fields)
    assert status in (200, 201), f"LOCK {url} answered {status}: {body[:300]!r}"
    return headers["Lock-Token"]


def listed(url, depth="1"):
    """{href: is it a folder} of what PROPFIND tells."""
    status, _, body = ask(url, "PROPFIND", Depth=depth)
    assert status == 207, f"PROPFIND {url} answered {status}: {body[:300]!r}"
    root = xml.etree.ElementTree.fromstring(body)
    return {response.find("{DAV:}href").text: response.find(".//{DAV:}resourcetype/{DAV:}collection") is not None
            for response in root}


def set_property(url, value):
    return ask(url, "PROPPATCH", '<propertyupdate xmlns="DAV:"><set><prop><n xmlns="urn:test">'
               f"{value}</n></prop></set></propertyupdate>")[0]


def property_of(url):
    body = ask(url, "PROPFIND", '<propfind xmlns="DAV:"><prop><n xmlns="urn:test"/></prop></propfind>', Depth="0")[2]
    found = xml.etree.ElementTree.fromstring(body).find(".//{urn:test}n")
    return None if found is None else found.text


class WebDav(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(WANTED)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="chisme-webdav-"))

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()
        shutil.rmtree(cls.home, ignore_errors=True)

    def url(self, node, name=""):
        return self.cluster.url(node, "/dav/" + name)

    def rclone(self, node, *command):
        made = run("rclone", "--config", "/dev/null", "--webdav-url", self.url(node), "--webdav-vendor", "other",
                   "--retries", "10", "--retries-sleep", "500ms", "--low-level-retries", "20", *map(str, command))
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout

    def test_litmus_finds_no_fault(self):
        for suite in SUITES:
            with self.subTest(suite):
                made = run("litmus", "-k", self.url(1), cwd=self.home, env={**os.environ, "TESTS": suite})
                summary = re.search(r"of (\d+) tests run: (\d+) passed, (\d+) failed", made.stdout)
                self.assertTrue(summary, made.stdout + made.stderr)
                self.assertEqual(summary[3], "0", made.stdout)
                self.assertEqual(made.returncode, 0, made.stdout)
                notes = re.findall(r"^\s*\d*\.?\s*(\S+?)\.+ (?:WARNING|SKIPPED).*$", made.stdout, re.MULTILINE)
                self.assertEqual(set(notes) - set(EXPECTED_NOTES.get(suite, ())), set(), made.stdout)

    def test_rclone_copies_moves_and_removes_while_a_node_dies(self):
        local = self.home / "local"
        for name, size in (("a.txt", 12), ("empty", 0), ("deep/er/b é.bin", 300_000), ("deep/c.mp4", 3_000_000)):
            path = local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(some_bytes(size, size))
        self.rclone(1, "copy", local, ":webdav:up")
        for node in (2, 3):
            eventually(lambda: len(get_json(self.cluster.url(node, "/files?prefix=up/"))["files"]) == 4, 10, f"node {node} has heard of all")
        self.rclone(2, "check", "--download", local, ":webdav:up")
        self.assertEqual(fetch(self.cluster.url(3, "/files/up/a.txt?via=proxy")), (local / "a.txt").read_bytes())
        self.cluster.kill(2)
        try:
            self.rclone(3, "check", "--download", local, ":webdav:up")
            self.rclone(3, "moveto", ":webdav:up/deep", ":webdav:up/moved")
            self.rclone(3, "copyto", ":webdav:up/a.txt", ":webdav:up/copy of a")
            (local / "deep").rename(local / "moved")
            (local / "copy of a").write_bytes((local / "a.txt").read_bytes())
            self.rclone(1, "check", "--download", local, ":webdav:up")
            self.rclone(1, "sync", "--delete-during", local / "moved", ":webdav:up")
        finally:
            self.cluster.start(2)
        def names():
            return sorted(self.rclone(2, "lsf", "-R", "--files-only", ":webdav:up").splitlines())
        eventually(lambda: names() == ["c.mp4", "er/b é.bin"], 20, "the node that was away knows")
        self.rclone(2, "purge", ":webdav:up")
        self.assertEqual(status_of(self.url(2, "up/"), method="PROPFIND", headers={"Depth": "0"}), 404)

    def test_a_lock_counts_at_every_node_and_outlives_the_one_that_gave_it(self):
        put(self.cluster.url(1, "/files/locked.txt"), b"before")
        token = take_lock(self.url(2, "locked.txt"), Timeout="Second-300")
        try:
            self.assertEqual(status_of(self.url(1, "locked.txt"), method="PUT", body=b"x"), 423)
            self.assertEqual(status_of(self.url(3, "locked.txt"), method="DELETE"), 423)
            self.assertEqual(ask(self.url(3, "locked.txt"), "LOCK", LOCKINFO.format("shared"))[0], 423)
            self.assertEqual(ask(self.url(3, "locked.txt"), "PUT", b"with", If=f"({token})")[0], 204)
            self.assertEqual(ask(self.url(3, "locked.txt"), "PUT", b"x", If="(<urn:uuid:other>)")[0], 412)
            self.cluster.kill(2)
            self.assertEqual(status_of(self.url(3, "locked.txt"), method="PUT", body=b"x"), 423)
            refreshed = ask(self.url(3, "locked.txt"), "LOCK", If=f"({token})", Timeout="Second-200")
            self.assertEqual(refreshed[0], 200)
            self.assertIn(b"<D:timeout>Second-", refreshed[2])
        finally:
            self.cluster.start(2)
        self.assertEqual(fetch(self.cluster.url(1, "/files/locked.txt?via=proxy")), b"with")
        self.assertEqual(ask(self.url(1, "locked.txt"), "UNLOCK", Lock_Token=token)[0], 204)
        self.assertEqual(ask(self.url(1, "locked.txt"), "UNLOCK", Lock_Token=token)[0], 409)
        eventually(lambda: status_of(self.url(2, "locked.txt"), method="PUT", body=b"x") == 204, 20, "it is free")

    def test_a_lock_ends_by_itself(self):
        take_lock(self.url(1, "short.txt"), Timeout="Second-1")  # five are the least
        self.assertEqual(status_of(self.url(2, "short.txt"), method="PUT", body=b"x"), 423)
        eventually(lambda: status_of(self.url(2, "short.txt"), method="PUT", body=b"x") == 204, 15, "it has ended")

    def test_a_folder_lock_is_of_all_below(self):
        self.assertEqual(ask(self.url(1, "room/"), "MKCOL")[0], 201)
        token = take_lock(self.url(1, "room/"), Depth="infinity")
        self.assertEqual(ask(self.url(2, "room/x"), "PUT", b"x")[0], 423)
        self.assertEqual(ask(self.url(2, "room/x"), "PUT", b"x", If=f"<{self.url(2, 'room/')}> ({token})")[0], 201)
        self.assertEqual(ask(self.url(3, "room/"), "DELETE")[0], 423)
        self.assertEqual(ask(self.url(2, "room/"), "DELETE", If=f"({token})")[0], 204)
        self.assertEqual(ask(self.url(2, "room/"), "MKCOL")[0], 201)  # the lock went with it
        self.assertEqual(ask(self.url(2, "room/x"), "PUT", b"x")[0], 201)

    def test_names_are_folders_whoever_wrote_them(self):
        for name in ("tree/a.txt", "tree/b/c.txt", "tree/b/d/e.txt"):
            put(self.cluster.url(1, "/files/" + name), b"x")
        self.assertEqual(ask(self.url(1, "tree/made"), "MKCOL")[0], 201)
        wanted = {"/dav/tree/": True, "/dav/tree/a.txt": False, "/dav/tree/b/": True, "/dav/tree/made/": True}
        for node in range(1, WANTED + 1):
            eventually(lambda: listed(self.url(node, "tree")) == wanted, 20, f"node {node} lists the folder")
        self.assertEqual(listed(self.url(2, "tree/b/"), "0"), {"/dav/tree/b/": True})
        status, _, body = ask(self.url(1, "tree/"), "PROPFIND", Depth="infinity")
        self.assertEqual((status, b"propfind-finite-depth" in body), (403, True))
        self.assertEqual(ask(self.url(1, "tree/b/d/e.txt"), "DELETE")[0], 204)
        self.assertEqual(listed(self.url(1, "tree/b/d")), {"/dav/tree/b/d/": True})  # and stays without a file
        files = request(self.cluster.url(1, "/files?prefix=tree"))[2]
        self.assertNotIn(b"dav", files)
        self.assertNotIn(b"made", files)

    def test_a_copy_is_a_name_and_not_bytes(self):
        film = some_bytes(20_000_000, 3)
        put(self.cluster.url(1, "/files/film.mp4"), film)
        digest = sha256(film)
        self.assertEqual(set_property(self.url(1, "film.mp4"), "kept"), 207)
        self.assertEqual(ask(self.url(1, "film.mp4"), "COPY", Destination=self.url(1, "twin.mp4"))[0], 201)
        self.assertEqual(ask(self.url(1, "film.mp4"), "MOVE", Destination=self.url(1, "third.mp4"))[0], 201)
        self.assertEqual(ask(self.url(1, "film.mp4"), "MOVE", Destination=self.url(1, "x"))[0], 404)
        for name in ("twin.mp4", "third.mp4"):
            self.assertEqual(sha256(fetch(self.url(1, name))), digest)
            self.assertEqual(property_of(self.url(1, name)), "kept")
        copies = list(self.cluster.data.glob(f"node-*/objects/{digest[:2]}/{digest}-*[0-9]"))
        self.assertLessEqual(len(copies), WANTED, copies)
        self.assertEqual(ask(self.url(1, "twin.mp4"), "DELETE")[0], 204)
        self.assertEqual(sha256(fetch(self.url(1, "third.mp4"))), digest)

    def test_a_player_reads_any_part_without_being_sent_elsewhere(self):
        film = some_bytes(200_000, 5)
        put(self.cluster.url(1, "/files/part.mp4"), film)
        for node in range(1, WANTED + 1):
            def part():
                return request(self.url(node, "part.mp4"), headers={"Range": "bytes=1000-1999"})
            eventually(lambda: part()[0] == 206, 20, f"node {node} knows the file")
            status, headers, body = part()
            self.assertEqual((status, body), (206, film[1000:2000]))
            self.assertIn("sandbox", headers["Content-Security-Policy"])

    def test_cadaver_locks_and_unlocks(self):
        put(self.cluster.url(1, "/files/cadaver.txt"), b"x")
        made = run("cadaver", self.url(1), input="lock cadaver.txt\ndiscover cadaver.txt\nunlock cadaver.txt\n"
                   "mkcol shelf\nmove cadaver.txt shelf/moved.txt\nls shelf\nquit\n",
                   env={**os.environ, "HOME": str(self.home)})
        for wanted in (r"Locking `cadaver.txt': succeeded", r"Unlocking `cadaver.txt': succeeded",
                       r"Creating `shelf': succeeded", r"moved\.txt"):
            self.assertRegex(made.stdout, wanted)

    def test_bad_requests_are_refused_with_a_sentence(self):
        entities = '<!DOCTYPE a [<!ENTITY b "x">]><propfind xmlns="DAV:"><allprop/>&b;</propfind>'
        for method, name, body, fields, wanted in (
                ("PROPFIND", "", entities, {"Depth": "0"}, 400),
                ("PROPFIND", "", "<a>" * 100, {"Depth": "0"}, 400),
                ("PROPFIND", "", "x" * 70_000, {"Depth": "0"}, 413),
                ("PROPFIND", "", None, {"Depth": "2"}, 400),
                ("PROPFIND", "%01dav/locks", None, {"Depth": "0"}, 400),
                ("MKCOL", "no/such/parent", None, {}, 409),
                ("PUT", "no/such/parent", "x", {}, 409),
                ("MKCOL", "x", "body", {}, 415),
                ("DELETE", "nothing", None, {}, 404),
                ("DELETE", "", None, {}, 403),
                ("COPY", "nothing", None, {"Destination": "/dav/x"}, 404),
                ("COPY", "nothing", None, {"Destination": "http://elsewhere/dav/x"}, 502),
                ("COPY", "a", None, {"Destination": "/dav/a/b"}, 403),
                ("LOCK", "x", LOCKINFO.format("exclusive"), {"Depth": "1"}, 400),
                ("LOCK", "x", None, {}, 400),
                ("UNLOCK", "x", None, {}, 400),
                ("PUT", "x", "x", {"If": "(broken"}, 400)):
            status, headers, answer = request(self.url(1, name), method, body, fields)
            self.assertEqual(status, wanted, f"{method} {name}: {answer[:200]!r}")
            self.assertIn("application/problem+json", headers["Content-Type"])


class Guarded(unittest.TestCase):
    def test_a_token_is_a_password_here_and_nowhere_else(self):
        with tempfile.TemporaryDirectory(prefix="chisme-webdav-") as home:
            secret = pathlib.Path(home) / "secret"
            make_secret(secret)
            tokens = {role: make_token(secret, role)[0] for role in ("read", "write")}
            basic = {role: {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}
                     for role, token in tokens.items()}
            with Cluster(1, ("--secret-file", str(secret), "--access", "token")) as cluster:
                dav = cluster.url(1, "/dav/")
                status, headers, _ = request(dav, "PROPFIND", headers={"Depth": "0"})
                self.assertEqual(status, 401)
                self.assertIn("Basic realm=", headers["WWW-Authenticate"])
                self.assertEqual(status_of(dav, method="OPTIONS"), 200)
                self.assertEqual(status_of(dav + "a", method="PUT", body=b"x", headers=basic["write"]), 201)
                self.assertEqual(status_of(dav + "a", method="PUT", body=b"x", headers=basic["read"]), 403)
                self.assertEqual(status_of(dav + "a", headers=basic["read"]), 200)
                self.assertEqual(status_of(dav + "a", headers=bearing(tokens["read"])), 200)
                self.assertEqual(status_of(cluster.url(1, "/files/a"), headers=basic["read"]), 401)
                made = run("rclone", "--config", "/dev/null", "--webdav-url", dav, "--webdav-user", "me",
                           "--webdav-pass", run("rclone", "obscure", tokens["read"]).stdout.strip(),
                           "lsf", ":webdav:")
                self.assertEqual(made.stdout, "a\n", made.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
