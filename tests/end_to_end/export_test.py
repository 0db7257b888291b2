"""The whole cluster as one tar stream, and back: odd names, empty files, archives that are damaged, cut short or made by
others, a node that is killed meanwhile."""
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.parse

from harness import CHISME, Cluster, Node, eventually, fetch, get_json, put, request, resident_bytes, run, sha256, some_bytes, status_of

MIB = 1 << 20
NAMES = ["a", "a/b", "empty", "with space", "tab-like \\t", "ñandú/éé", "日本語/映画.mp4", "-dash", "--", "x" * 1024,
         "ab/" + "y" * 255 + "/" + "z" * 500, "quote\"'`$(x)", "100%/%2e%2e", "PaxHeader/a", "files/files/a", "🎬",
         "chisme-manifest.json", "trailing.", "CON", "a;b&c=d?e#f"]


def quoted(name):
    return "/files/" + urllib.parse.quote(name)


class Export(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def tearDown(self):
        print(f"{self.id().split('.')[-1]}: {time.monotonic() - self.began:.1f} s")

    def node(self, name="node"):
        node = Node(self.directory / name)
        self.addCleanup(node.close)
        return node.wait_ready()

    def filled(self):
        node = self.node()
        self.files = {name: b"" if name == "empty" else some_bytes(100 + 7 * i, i) for i, name in enumerate(NAMES)}
        self.files["large"] = some_bytes(21 * MIB + 1, 99)
        for name, data in self.files.items():
            put(node.url(quoted(name)), data, {"Content-Type": "text/x-odd"} if name == "-dash" else None)
        return node

    def export(self, node, *options):
        done = subprocess.run([CHISME, "export", "--node", node.url(), *options], capture_output=True, timeout=120)
        return done.returncode, done.stdout, done.stderr.decode()

    def imported(self, node, archive, *options):
        done = subprocess.run([CHISME, "import", "--json", "--node", node.url(), *options], input=archive,
                              capture_output=True, timeout=120)
        return done.returncode, json.loads(done.stdout or "null"), done.stderr.decode()

    def listed(self, node):
        files = get_json(node.url("/files?limit=1000"))["files"]
        return {f["name"]: (f["size"], f["sha256"], f["type"]) for f in files}

    def test_a_round_trip_brings_everything_back_and_a_second_one_nothing(self):
        node = self.filled()
        code, archive, errors = self.export(node)
        self.assertEqual(code, 0, errors)
        self.assertIn(f"exported {len(self.files)} files", errors)
        other = self.node("other")
        put(other.url("/files/a"), b"newer bytes")
        code, counts, errors = self.imported(other, archive)
        self.assertEqual((code, counts["stored"], counts["kept"], counts["damaged"]), (0, len(self.files) - 1, 1, 0), errors)
        self.assertEqual(fetch(other.url("/files/a")), b"newer bytes")
        code, counts, errors = self.imported(other, archive, "--replace")
        self.assertEqual((code, counts["stored"], counts["there"]), (0, 1, len(self.files) - 1), errors)
        self.assertEqual(self.listed(other), self.listed(node))
        for name, data in self.files.items():
            self.assertEqual(fetch(other.url(quoted(name))), data, name)
        code, counts, _ = self.imported(other, archive)
        self.assertEqual((code, counts["stored"], counts["there"]), (0, 0, len(self.files)))

    def test_other_programs_read_it(self):
        node = self.filled()
        _, archive, _ = self.export(node)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = tar.getmembers()
            self.assertEqual(members[-1].name, "chisme-manifest.json")
            manifest = json.load(tar.extractfile(members[-1]))
            self.assertEqual(manifest["members"], len(self.files))
            for member in members[:-1]:
                data = self.files[member.name.removeprefix("files/")]
                self.assertEqual(tar.extractfile(member).read(), data)
                self.assertEqual(member.pax_headers["SCHILY.xattr.user.chisme.sha256"], sha256(data))
        names = subprocess.run(["tar", "tf", "-"], input=archive, capture_output=True, check=True).stdout
        self.assertEqual(names.count(b"\n"), len(self.files) + 1)

    def test_a_prefix_exports_some(self):
        node = self.filled()
        code, archive, _ = self.export(node, "a/")
        self.assertEqual(code, 0)
        code, counts, _ = self.imported(self.node("other"), archive)
        self.assertEqual((code, counts["stored"]), (0, 1))

    def test_one_damaged_member_is_named_and_not_stored_and_the_others_are(self):
        node = self.filled()
        _, archive, _ = self.export(node)
        victim = self.files["100%/%2e%2e"]
        at = archive.index(victim)
        damaged = bytearray(archive)
        damaged[at + 5] ^= 1
        other = self.node("other")
        code, counts, errors = self.imported(other, bytes(damaged))
        self.assertEqual((code, counts["stored"], counts["damaged"]), (1, len(self.files) - 1, 1), errors)
        self.assertIn("damaged: 100%/%2e%2e: its bytes", errors)
        self.assertEqual(status_of(other.url(quoted("100%/%2e%2e"))), 404)
        # Again with the whole archive: only that one is missing.
        code, counts, errors = self.imported(other, archive)
        self.assertEqual((code, counts["stored"], counts["there"]), (0, 1, len(self.files) - 1), errors)

    def test_damage_to_headers_is_seen_wherever_it_is(self):
        node = self.node()
        files = {"ñ" + "n" * 150: b"the bytes of one", "b": b"the bytes of the other"}
        for name, data in files.items():
            put(node.url(quoted(name)), data)
        _, archive, _ = self.export(node)
        at = archive.index(b"n" * 150)  # in a pax header, which tar has no sum of
        for place in (at + 10, archive.index(b"SCHILY.xattr.user.chisme.sha256") + 40):
            damaged = bytearray(archive)
            damaged[place] = damaged[place] ^ 1
            other = self.node(f"other-{place}")
            code, _, errors = self.imported(other, bytes(damaged))
            self.assertEqual(code, 1)
            self.assertIn("damaged", errors)
            for name, (_, digest, _) in self.listed(other).items():
                self.assertEqual(digest, sha256(files[name]))
        # The manifest, and a member that is gone.
        place = archive.index(b'"members":') + 11
        damaged = bytearray(archive)
        damaged[place] = ord("7")
        code, _, errors = self.imported(node, bytes(damaged))
        self.assertEqual(code, 1, errors)
        code, _, errors = self.imported(node, archive[:512])
        self.assertEqual(code, 1, errors)

    def test_an_archive_that_is_cut_short_says_so_and_can_be_gone_on_with(self):
        node = self.filled()
        _, archive, _ = self.export(node)
        other = self.node("other")
        code, counts, errors = self.imported(other, archive[:len(archive) // 2])
        self.assertEqual(code, 1)
        self.assertRegex(errors, "damaged behind its first|before its manifest")
        code, counts, errors = self.imported(other, archive)
        self.assertEqual(code, 0, errors)
        self.assertEqual(self.listed(other), self.listed(node))

    def test_other_archives_are_refused_in_a_sentence(self):
        node = self.node()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name in ("../../etc/passwd", "files/../x", "files/plain", "/files/absolute"):
                member = tarfile.TarInfo(name)
                member.size = 3
                tar.addfile(member, io.BytesIO(b"abc"))
            link = tarfile.TarInfo("files/link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
        code, counts, errors = self.imported(node, buffer.getvalue())
        self.assertEqual((code, counts["stored"]), (1, 0), errors)
        self.assertIn("files/plain", errors)
        for garbage in (b"", b"not an archive", some_bytes(5000)):
            code, counts, errors = self.imported(node, garbage)
            self.assertEqual(code, 1)
            self.assertTrue(errors.startswith("chisme: "), errors)
        self.assertEqual(self.listed(node), {})

    def test_a_node_is_killed_while_it_exports_and_the_archive_is_whole(self):
        cluster = Cluster(4)
        self.addCleanup(cluster.close)
        files = {f"film-{i}": some_bytes(20 * MIB + i, i) for i in range(3)}
        for name, data in files.items():
            put(cluster.url(1, f"/files/{name}"), data)
        for name in files:
            eventually(lambda n=name: all(cluster.copies(node, n) == 3 for node in range(1, 5)), 20, "three copies")
        process = subprocess.Popen([CHISME, "export", "--node", cluster.url(1)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        archive, killed = bytearray(), False
        while piece := process.stdout.read1(1 << 16):
            archive += piece
            if not killed and len(archive) > 5 * MIB:
                killed = True
                cluster.kill(1)
        errors = process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.wait(60), 0, errors)
        code, counts, errors = self.imported(self.node("other"), bytes(archive))
        self.assertEqual((code, counts["stored"]), (0, 3), errors)

    def test_a_file_that_is_replaced_meanwhile_comes_as_it_is_then(self):
        node = self.node()
        old, new = some_bytes(24 * MIB, 1), some_bytes(5 * MIB, 2)
        put(node.url("/files/film"), old)
        process = subprocess.Popen([CHISME, "export", "--node", node.url()], stdout=subprocess.PIPE)
        archive = bytearray(process.stdout.read(1 * MIB))  # the pipe is full behind it
        put(node.url("/files/film"), new)
        archive += process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(60), 0)
        other = self.node("other")
        code, counts, errors = self.imported(other, bytes(archive))
        self.assertEqual((code, counts["stored"], counts["damaged"]), (0, 1, 0), errors)
        self.assertEqual(fetch(other.url("/files/film")), new)

    def test_memory_is_bounded(self):
        node = self.node()
        put(node.url("/files/film"), some_bytes(64 * MIB, 1))
        most = {}

        def watch(process, what):
            while process.poll() is None:
                try:
                    most[what] = max(most.get(what, 0), resident_bytes(process.pid))
                except (OSError, TypeError):
                    break
                time.sleep(0.01)
        file = self.directory / "x.tar"
        with file.open("wb") as out:
            exporting = subprocess.Popen([CHISME, "export", "--node", node.url()], stdout=out)
            watch(exporting, "export")
        self.assertEqual(exporting.wait(), 0)
        request(node.url("/files/film"), "DELETE")
        with file.open("rb") as source:
            importing = subprocess.Popen([CHISME, "import", "--node", node.url()], stdin=source,
                                         stdout=subprocess.DEVNULL)
            watch(importing, "import")
        self.assertEqual(importing.wait(), 0)
        print("resident:", {what: f"{count / MIB:.1f} MiB" for what, count in most.items()})
        for what, count in most.items():
            self.assertLess(count, 40 * MIB, what)


if __name__ == "__main__":
    unittest.main(verbosity=2)
