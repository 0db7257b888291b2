"""Bad input gets a clear error and loses nothing that was acknowledged."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import (CHISME, Cluster, Node, eventually, fetch, free_base_port, put, request, run,
                     sha256, some_bytes, status_of)


class Directory(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="chisme-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)


class CommandLine(Directory):
    def refused(self, code, *arguments):
        answer = run(CHISME, *arguments, timeout=20)
        self.assertEqual(answer.returncode, code, answer.stderr)
        self.assertEqual(answer.stdout, "")
        self.assertTrue(answer.stderr.strip())
        return answer.stderr

    def test_wrong_flags_are_a_usage_error(self):
        self.assertIn("--no-such-flag", self.refused(2, "node", "--no-such-flag"))
        self.refused(2, "no-such-command")
        self.refused(2, "node", "--listen", "not-an-address", "--data", str(self.directory))
        self.refused(2, "up", "--nodes", "0")
        for flag, value in (("--keep-removed", "0"), ("--keep-removed", "soon"), ("--scrub-period", "0.5"),
                            ("--repair-delay", "-1"), ("--scrub-rate", "1"), ("--scrub-period", "9999d")):
            for command in ("node", "up"):
                self.assertIn(f"{flag}: \"{value}\"", self.refused(2, command, f"{flag}={value}"))
        help_text = run(CHISME, "node", "--help").stdout
        for flag in ("--keep-removed", "--keep-surplus", "--scrub-period", "--scrub-rate", "--repair-delay"):
            self.assertIn(flag, help_text)
        self.refused(2, "put")

    def test_unknown_config_key_is_named_with_its_file(self):
        config = self.directory / "chisme.toml"
        config.write_text('lisen = "127.0.0.1:7701"\n')
        errors = self.refused(2, "node", "--config", str(config))
        self.assertIn("lisen", errors)
        self.assertIn("chisme.toml", errors)

    def test_config_that_is_not_toml_names_the_line(self):
        config = self.directory / "chisme.toml"
        config.write_text('data = "x"\nlisten = = 3\n')
        self.assertIn("2", self.refused(2, "node", "--config", str(config)))

    def test_address_beyond_loopback_is_refused_with_a_sentence(self):
        errors = self.refused(2, "node", "--listen", "0.0.0.0:0", "--data", str(self.directory / "d"))
        self.assertIn("--secret-file", errors)

    def test_unreachable_node_is_told_by_every_client_command(self):
        nobody = f"http://127.0.0.1:{free_base_port(1)}"
        for command in (["ls"], ["status"], ["get", "x"], ["rm", "x"], ["put", __file__]):
            errors = self.refused(1, *command, "--node", nobody)
            self.assertIn(nobody, errors)


class Starting(Directory):
    def test_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with Node(self.directory / "d", port=port) as node:
                code, errors = node.ends()
        self.assertEqual(code, 1)
        self.assertIn(str(port), errors)

    def test_data_directory_that_is_a_file_is_named(self):
        path = self.directory / "file"
        path.write_text("not a directory")
        with Node(path) as node:
            code, errors = node.ends()
        self.assertEqual(code, 1)
        self.assertIn(str(path), errors)
        self.assertEqual(path.read_text(), "not a directory")

    def test_two_nodes_never_share_a_directory(self):
        with Node(self.directory / "d") as first:
            first.wait_ready()
            with Node(self.directory / "d") as second:
                code, errors = second.ends()
            self.assertEqual(code, 1)
            self.assertIn(str(self.directory / "d"), errors)

    def test_corrupt_catalogue_is_refused_untouched_and_the_copies_elsewhere_serve(self):
        with Cluster(3, data=str(self.directory / "up")) as cluster:
            data = some_bytes(100_000)
            put(cluster.url(1, "/files/kept.bin"), data)
            eventually(lambda: cluster.copies(1, "kept.bin") == 3, 15, "three copies")
            cluster.kill(2)
            catalogues = list((self.directory / "up").glob("*2*/catalogue.sqlite"))
            self.assertEqual(len(catalogues), 1, list((self.directory / "up").iterdir()))
            data_directory = catalogues[0].parent
            for extra in data_directory.glob("catalogue.sqlite-*"):
                extra.unlink()
            catalogues[0].write_bytes(os.urandom(50_000))
            damaged = catalogues[0].read_bytes()
            with Node(data_directory) as node:
                code, errors = node.ends()
            self.assertEqual(code, 1)
            self.assertIn(str(catalogues[0]), errors)
            self.assertEqual(catalogues[0].read_bytes(), damaged)
            self.assertEqual(fetch(cluster.url(1, "/files/kept.bin?via=proxy")), data)
            # What the sentence tells to do: move it aside and start again.
            catalogues[0].rename(self.directory / "aside")
            cluster.start(2)
            eventually(lambda: cluster.copies(2, "kept.bin") == 3, 20, "it learned everything again")
            self.assertEqual(fetch(cluster.url(2, "/files/kept.bin")), data)


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3)
        cls.addClassCleanup(cls.cluster.close)
        put(cls.cluster.url(1, "/files/kept.txt"), b"kept")

    def problem(self, status, method, path, body=None, headers=None):
        answered, answer_headers, answer = request(self.cluster.url(1, path), method, body, headers)
        self.assertEqual(answered, status, answer)
        self.assertEqual(answer_headers["Content-Type"], "application/problem+json")
        problem = json.loads(answer)
        self.assertEqual(problem["status"], status)
        self.assertGreater(len(problem["detail"]), 10)
        return problem

    def tearDown(self):
        self.assertEqual(fetch(self.cluster.url(1, "/files/kept.txt")), b"kept")

    def raw(self, data):
        """Sends bytes as they are, ends the sending side, returns what comes back."""
        with socket.create_connection(("127.0.0.1", self.cluster.port(1)), timeout=10) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received

    def test_bad_names_are_refused(self):
        for name in ("a//b", "%2e%2e/x", "a/../b", "%00", "a%0ab", "%ff", "x" * 1025, "a/%2e"):
            self.problem(400, "PUT", "/files/" + name, b"x")
        self.assertEqual(status_of(self.cluster.url(1, "/files/" + "n" * 1024), method="PUT", body=b"x"), 201)

    def test_a_name_with_no_room_for_what_is_told_beside_it_is_refused(self):
        long = "/files/" + "x" * 1000
        status, _, answer = request(self.cluster.url(1, long + "?live=1"), "PUT", b"x")
        self.assertEqual(status, 400, answer)
        self.assertIn("too long", json.loads(answer)["detail"])
        self.assertEqual(request(self.cluster.url(1, long), "PUT", b"x")[0], 201)
        self.assertEqual(request(self.cluster.url(1, "/files/after"), "PUT", b"x")[0], 201)

    def test_unknown_file_is_404_and_unknown_route_too(self):
        self.problem(404, "GET", "/files/no-such-file")
        self.problem(404, "GET", "/route?file=no-such-file")
        self.problem(404, "GET", "/redirect?file=no-such-file")
        self.problem(404, "DELETE", "/files/no-such-file")
        self.problem(404, "GET", "/no-such-route")
        self.problem(405, "POST", "/files/kept.txt", b"x")

    def test_body_shorter_than_its_length_stores_nothing(self):
        self.raw(b"PUT /files/short HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nonly this")
        self.problem(404, "GET", "/files/short")

    def test_wrong_digest_stores_nothing(self):
        header = {"Repr-Digest": "sha-256=:" + "A" * 43 + "=:"}
        problem = self.problem(400, "PUT", "/files/digest", b"some bytes", header)
        self.assertIn("sha-256", problem["detail"].lower())
        self.problem(404, "GET", "/files/digest")

    def test_empty_file_is_a_file(self):
        answer = put(self.cluster.url(1, "/files/empty"), b"")
        self.assertEqual((answer["size"], answer["sha256"]), (0, sha256(b"")))
        eventually(lambda: self.cluster.copies(3, "empty") == 3, 15, "three copies")
        for node in (1, 2, 3):
            self.assertEqual(fetch(self.cluster.url(node, "/files/empty")), b"")
        self.problem(416, "GET", "/files/empty?via=local", headers={"Range": "bytes=0-"})

    def test_conditions_are_kept(self):
        put(self.cluster.url(1, "/files/conditional"), b"one")
        self.problem(412, "PUT", "/files/conditional", b"two", {"If-None-Match": "*"})
        self.problem(412, "PUT", "/files/conditional", b"two", {"If-Match": '"' + "0" * 64 + '"'})
        self.assertEqual(fetch(self.cluster.url(1, "/files/conditional")), b"one")
        put(self.cluster.url(1, "/files/conditional"), b"two", {"If-Match": f'"{sha256(b"one")}"'})
        self.assertEqual(fetch(self.cluster.url(1, "/files/conditional")), b"two")

    def test_malformed_requests_are_answered_400_and_closed(self):
        for head in (b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                     b"PUT /files/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n"):
            self.assertRegex(self.raw(head), rb"^HTTP/1\.1 400 ", head)

    def test_a_tls_hello_gets_an_alert_where_there_is_no_certificate(self):
        self.assertRegex(self.raw(b"\x16\x03\x01\x00\x00\r\n\r\n"), rb"^\x15\x03")

    def test_foreign_page_may_not_write_nor_open_a_socket(self):
        self.problem(403, "PUT", "/files/foreign", b"x", {"Origin": "http://evil.example"})
        self.problem(421, "GET", "/files", headers={"Host": "evil.example"})


@unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
class FullDisk(Directory):
    def test_removal_on_a_disk_that_others_filled_is_507_at_once_and_works_later(self):
        disk = self.directory / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "chisme-test", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=False)
        with Node(disk / "d") as node:
            node.wait_ready()
            put(node.url("/files/a.bin"), b"kept")
            with open(disk / "of somebody else", "wb", buffering=0) as other, contextlib.suppress(OSError):
                while True:
                    other.write(bytes(4096))
            status, _, body = request(node.url("/files/a.bin"), "DELETE", timeout=5)
            self.assertEqual(status, 507, body)
            self.assertEqual(fetch(node.url("/files/a.bin")), b"kept")
            os.remove(disk / "of somebody else")
            self.assertEqual(status_of(node.url("/files/a.bin"), method="DELETE"), 204)

    def test_full_disk_refuses_the_upload_with_507_and_keeps_what_it_has(self):
        disk = self.directory / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "chisme-test", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=False)
        with Node(disk / "d") as node:
            node.wait_ready()
            kept = some_bytes(4 << 20)
            put(node.url("/files/kept.bin"), kept)
            status, headers, body = request(node.url("/files/big.bin"), "PUT", some_bytes(40 << 20))
            self.assertEqual(status, 507, body)
            self.assertIn("disk", json.loads(body)["detail"])
            # Without a length it is only found out on the way.
            curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-T", "-", node.url("/files/big2.bin")]
            chunked = subprocess.run(curl, input=bytes(40 << 20), capture_output=True, timeout=60)
            self.assertIn(b"507", chunked.stdout)
            self.assertEqual(status_of(node.url("/files/big.bin")), 404)
            self.assertEqual(status_of(node.url("/files/big2.bin")), 404)
            self.assertEqual(fetch(node.url("/files/kept.bin")), kept)
            put(node.url("/files/small.bin"), b"there is room again")
            # Filled to the brim by its users, it still removes what they ask it to.
            filled = 0
            while status_of(node.url(f"/files/fill-{filled}"), method="PUT", body=some_bytes(1 << 20, filled)) == 201:
                filled += 1
            self.assertGreater(filled, 4)
            self.assertEqual(status_of(node.url("/files/fill-0"), method="DELETE"), 204)
            self.assertEqual(status_of(node.url("/files/fill-0")), 404)
            node.close()
        with Node(disk / "d") as node:
            node.wait_ready()
            self.assertEqual(fetch(node.url("/files/kept.bin")), kept)


if __name__ == "__main__":
    unittest.main(verbosity=2)
