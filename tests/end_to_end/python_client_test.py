"""examples/chisme_client.py against real nodes that are killed in the middle of its uploads and streams."""
import pathlib
import sys
import tempfile
import unittest

from harness import ROOT, Cluster, eventually, put, run, sha256, some_bytes, status_of

sys.path.insert(0, str(ROOT / "examples"))
import chisme_client  # noqa: E402

CLIENT = ROOT / "examples/chisme_client.py"


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Copies stay where they are: a repair would only make the failover easier.
        cls.nodes = Cluster(4, ("--repair-delay", "10m"))
        cls.addClassCleanup(cls.nodes.close)
        own = tempfile.TemporaryDirectory(prefix="chisme-client-")
        cls.addClassCleanup(own.cleanup)
        cls.directory = pathlib.Path(own.name)

    def client(self, *nodes, **options):
        return chisme_client.Cluster([self.nodes.url(node) for node in nodes], **options)

    def file(self, name, data):
        path = self.directory / name
        path.write_bytes(data)
        return path

    def start_again(self, node):
        self.nodes.start(node)
        eventually(lambda: status_of(self.nodes.url(node, "/readyz")) == 200, 20, "it is fit to serve")

    def test_what_is_uploaded_is_listed_read_and_removed(self):
        client = self.client(1, 2)
        for name, data in (("some/ film.bin", some_bytes(20_000_000)), ("some/empty", b"")):
            client.upload(self.file("one", data), name)
            eventually(lambda n=name: self.nodes.copies(3, n) >= 2, 20, "node 3 knows it")
            self.client(3).download(name, self.directory / "two")
            self.assertEqual(sha256((self.directory / "two").read_bytes()), sha256(data))
        self.assertEqual([(file["name"], file["size"]) for file in client.files("some/")],
                         [("some/ film.bin", 20_000_000), ("some/empty", 0)])
        with client.open("some/ film.bin", start=19_999_990) as tail:
            self.assertEqual(b"".join(tail), some_bytes(20_000_000)[-10:])
        client.remove("some/ film.bin")
        client.remove("some/ film.bin")
        self.assertEqual([file["name"] for file in client.files("some/ ")], [])

    def test_an_upload_goes_on_when_its_node_dies(self):
        data = some_bytes(5 * chisme_client.CHUNK_BYTES, 2)
        client, told = self.client(4, 1), []

        def progress(offset, size):
            told.append(offset)
            if len(told) == 2:
                self.nodes.kill(4)

        client.upload(self.file("upload", data), "upload.bin", progress)
        self.assertEqual(client.nodes[0], self.nodes.url(1))
        self.assertEqual((told[-1], told), (len(data), sorted(told)))
        with client.open("upload.bin") as stream:
            self.assertEqual(sha256(b"".join(stream)), sha256(data))
        self.start_again(4)

    def test_a_stream_goes_on_at_another_holder_when_the_serving_node_dies(self):
        data = some_bytes(64 << 20, 3)
        put(self.nodes.url(1, "/files/film.bin"), data)
        eventually(lambda: self.nodes.copies(1, "film.bin") == 3, 30, "three copies")
        with self.client(1, 2, 3, 4).open("film.bin") as stream:
            received = [stream.read()]
            killed = self.nodes.node_of(stream.serving)
            self.nodes.kill(killed)
            received += stream
            self.assertNotEqual(self.nodes.node_of(stream.serving), killed)
            self.assertGreaterEqual(stream.failovers, 1)
        self.assertEqual(sha256(b"".join(received)), sha256(data))
        self.start_again(killed)

    def test_other_bytes_are_never_gone_on_with(self):
        put(self.nodes.url(1, "/files/changing.bin"), some_bytes(32 << 20, 4))
        with self.client(1, 2, 3, 4).open("changing.bin") as stream:
            stream.read()
            put(self.nodes.url(1, "/files/changing.bin"), some_bytes(32 << 20, 5))
            stream.close()  # as if the connection had broken
            with self.assertRaisesRegex(chisme_client.ChismeError, "replaced"):
                for _ in stream:
                    pass

    def test_it_says_what_is_wrong(self):
        with self.assertRaises(chisme_client.ChismeError) as missing:
            self.client(1).open("no such file")
        self.assertEqual(missing.exception.status, 404)
        nobody = chisme_client.Cluster(["http://127.0.0.1:9"], patience=0.5)
        with self.assertRaisesRegex(chisme_client.ChismeError, "refused"):
            list(nobody.files())

    def test_the_commands_work(self):
        data = some_bytes(1_000_000, 6)
        node, path = ("--node", self.nodes.url(2)), self.file("command.bin", data)
        python = ("/usr/bin/python3", str(CLIENT), *node)
        for words in (("put", str(path)), ("get", "command.bin", str(self.directory / "got")), ("ls", "command")):
            said = run(*python, *words)
            self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertRegex(said.stdout, r"1000000 [2-4]/3 command\.bin\n$")
        self.assertEqual((self.directory / "got").read_bytes(), data)
        self.assertEqual(run(*python, "rm", "command.bin").returncode, 0)
        self.assertEqual(run(*python, "get", "command.bin").returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
