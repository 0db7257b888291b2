"""HTTPS and WSS on real nodes: certificates of one's own authority, clients of every kind, what is refused."""
import asyncio
import http.client
import http.server
import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import websockets

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import namespaces  # noqa: E402
from harness import CHISME, Cluster, Node, eventually, get_json, put, request, run, sha256, some_bytes  # noqa: E402


def make_authority(directory):
    made = run(CHISME, "ca", "new", str(directory))
    assert made.returncode == 0, made.stderr
    return directory


def issue(authority, prefix, *hosts):
    """Options with which a node uses the certificate that is made."""
    named = [option for host in hosts for option in ("--host", host)]
    made = run(CHISME, "ca", "issue", str(authority), *named, "--out", str(prefix))
    assert made.returncode == 0, made.stderr
    return ("--tls-certificate", f"{prefix}.pem", "--tls-key", f"{prefix}.key")


def secure_request(port, path, method="GET", body=None, headers=None, context=None, host="127.0.0.1"):
    """One request by TLS, no redirect followed: (status, headers, body)."""
    connection = http.client.HTTPSConnection(host, port, timeout=30, context=context)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


class Secure(unittest.TestCase):
    """One node with a certificate for 127.0.0.1 and localhost."""

    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="chisme-tls-")
        cls.addClassCleanup(own.cleanup)
        cls.directory = pathlib.Path(own.name)
        cls.authority = make_authority(cls.directory / "ca")
        cls.ca = str(cls.authority / "ca.pem")
        cls.options = issue(cls.authority, cls.directory / "node", "127.0.0.1", "localhost")
        cls.context = ssl.create_default_context(cafile=cls.ca)
        cls.log = cls.directory / "log"
        out = cls.log.open("w")
        cls.addClassCleanup(out.close)
        cls.node = Node(cls.directory / "data", cls.options, log=out)
        cls.addClassCleanup(cls.node.close)
        cls.node.wait_ready()
        cls.port = cls.node.port
        cls.origin = f"https://127.0.0.1:{cls.port}"

    def ask(self, path, *arguments, **options):
        return secure_request(self.port, path, *arguments, context=self.context, **options)

    def curl(self, *arguments):
        return run("curl", "--silent", "--show-error", "--cacert", self.ca, *arguments)


class Clients(Secure):
    def test_curl_stores_and_fetches(self):
        data = some_bytes(3_000_000)
        (self.directory / "film").write_bytes(data)
        stored = self.curl("-T", str(self.directory / "film"), f"{self.origin}/files/curl.bin")
        self.assertEqual(json.loads(stored.stdout)["sha256"], sha256(data))
        got = self.curl("-o", str(self.directory / "got"), "-w", "%{http_version} %{ssl_verify_result}",
                        f"{self.origin}/files/curl.bin")
        self.assertEqual(got.stdout, "1.1 0", got.stderr)
        self.assertEqual(sha256((self.directory / "got").read_bytes()), sha256(data))

    def test_large_files_ranges_and_relays_are_whole(self):
        data = some_bytes(50_000_000)
        self.assertEqual(self.ask("/files/large.bin", "PUT", data)[0], 201)
        self.assertEqual(sha256(self.ask("/files/large.bin")[2]), sha256(data))
        self.assertEqual(sha256(self.ask("/files/large.bin?via=proxy")[2]), sha256(data))
        status, _, part = self.ask("/files/large.bin", headers={"Range": "bytes=16777215-33554432"})
        self.assertEqual((status, sha256(part)), (206, sha256(data[16777215:33554433])))

    def test_websockets_bring_and_fetch_files(self):
        data = some_bytes(5_000_000)

        async def exchange():
            secure = f"wss://localhost:{self.port}"
            async with websockets.connect(f"{secure}/ws/upload?name=ws.bin", ssl=self.context, max_size=None) as socket:
                for start in range(0, len(data), 700_000):
                    await socket.send(data[start:start + 700_000])
                await socket.send(b"")
                stored = json.loads(await socket.recv())
            got = b""
            async with websockets.connect(f"{secure}/ws/files/ws.bin", ssl=self.context, max_size=None) as socket:
                async for piece in socket:
                    got += piece
            async with websockets.connect(f"{secure}/ws/read", ssl=self.context, max_size=None) as socket:
                await socket.send(json.dumps({"id": 1, "op": "read", "file": "ws.bin", "offset": 1_000_000, "length": 10}))
                block = await socket.recv()
            async with websockets.connect(f"{secure}/ws/cluster", ssl=self.context, max_size=None) as socket:
                state = json.loads(await socket.recv())
            return stored, got, block, state

        stored, got, block, state = asyncio.run(exchange())
        self.assertEqual(stored["sha256"], sha256(data))
        self.assertEqual(sha256(got), sha256(data))
        self.assertEqual(block[12:], data[1_000_000:1_000_010])
        self.assertEqual({member["http"] for member in state["cluster"]["members"]}, {self.origin})

    def test_aria2_fetches_by_several_connections(self):
        data = some_bytes(20_000_000, 3)
        self.ask("/files/aria.bin", "PUT", data)
        done = run("aria2c", f"--ca-certificate={self.ca}", "-x4", "-s4", "-k1M", "-d", str(self.directory), "-o", "aria",
                   f"{self.origin}/files/aria.bin")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(sha256((self.directory / "aria").read_bytes()), sha256(data))

    def test_the_commands_verify_the_node(self):
        data = some_bytes(20_000_000, 4)  # sent in chunks, fetched in blocks
        (self.directory / "own").write_bytes(data)
        node = ("--node", self.origin)
        trusting = (*node, "--ca", self.ca)
        done = run(CHISME, "put", str(self.directory / "own"), *trusting)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run(CHISME, "get", "own", "-o", str(self.directory / "fetched"), *trusting)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sha256((self.directory / "fetched").read_bytes()), sha256(data))
        self.assertIn("own", run(CHISME, "ls", *trusting).stdout)
        self.assertIn(self.origin, run(CHISME, "status", *trusting).stdout)
        distrusted = run(CHISME, "ls", *node)
        self.assertEqual(distrusted.returncode, 1)
        self.assertIn("--ca FILE", distrusted.stderr)
        other = make_authority(self.directory / "other-ca")
        self.assertIn("cannot be trusted", run(CHISME, "ls", *node, "--ca", str(other / "ca.pem")).stderr)
        self.assertIn("no file of certificates", run(CHISME, "ls", *node, "--ca", str(self.log)).stderr)

    def test_the_commands_want_the_name_that_was_asked_for(self):
        options = issue(self.authority, self.directory / "named", "films.example")
        with Node(self.directory / "named-data", options) as node:
            node.wait_ready()
            done = run(CHISME, "ls", "--node", f"https://127.0.0.1:{node.port}", "--ca", self.ca)
        self.assertEqual(done.returncode, 1)
        self.assertIn("mismatch", done.stderr)

    def test_the_commands_follow_no_redirect_to_where_all_is_unencrypted(self):
        target = self.node.url("/files")

        class Redirecting(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(307)
                self.send_header("Location", target)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused):
                pass

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.options[1], self.options[3])
        with http.server.HTTPServer(("127.0.0.1", 0), Redirecting) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            serving = threading.Thread(target=server.serve_forever)
            serving.start()
            done = run(CHISME, "ls", "--node", f"https://127.0.0.1:{server.server_port}", "--ca", self.ca)
            server.shutdown()
            serving.join()
        self.assertEqual(done.returncode, 1)
        self.assertIn("unencrypted", done.stderr)

    def test_watch_tells_what_happens(self):
        watching = subprocess.Popen([CHISME, "watch", "--node", self.origin, "--ca", self.ca],
                                    stdout=subprocess.PIPE, text=True)
        try:
            self.assertIn(self.origin, watching.stdout.readline())
            self.ask("/files/watched.txt", "PUT", b"news")
            self.assertIn("watched.txt", watching.stdout.readline())
        finally:
            watching.kill()
            watching.communicate()

    def test_plain_clients_of_this_machine_are_served_on_the_same_port(self):
        put(self.node.url("/files/plain.txt"), b"plain")
        self.assertEqual(self.ask("/files/plain.txt")[2], b"plain")
        self.assertEqual({member["http"] for member in get_json(self.node.url("/cluster"))["members"]}, {self.node.url()})


class Refusals(Secure):
    def test_who_does_not_know_the_authority_gets_nothing(self):
        done = run("curl", "--silent", f"{self.origin}/files")
        self.assertEqual(done.returncode, 60)
        with self.assertRaises(ssl.SSLCertVerificationError):
            secure_request(self.port, "/files", context=ssl.create_default_context())

    def s_client(self, *options):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca, *options, input="")

    def test_old_protocols_and_suites_are_refused(self):
        for old in ("-tls1", "-tls1_1"):
            self.assertIn("protocol version", self.s_client(old, "-cipher", "ALL@SECLEVEL=0").stderr)
        for suites in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384"):
            self.assertIn("handshake failure", self.s_client("-tls1_2", "-cipher", suites).stderr)
        for new in ("-tls1_2", "-tls1_3"):
            answer = self.s_client(new)
            self.assertIn("Verify return code: 0 (ok)", answer.stdout)
            self.assertIn("Compression: NONE", answer.stdout)

    def test_nothing_is_negotiated_anew(self):
        with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", "-CAfile", self.ca],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
            time.sleep(1)
            answer, _ = client.communicate("R\n", timeout=20)
        self.assertIn("no renegotiation", answer)

    def test_a_node_without_a_certificate_ends_a_hello(self):
        with Node(self.directory / "plain-data") as node:
            node.wait_ready()
            begun = time.monotonic()
            done = run("curl", "--silent", "--show-error", f"https://127.0.0.1:{node.port}/")
            self.assertEqual(done.returncode, 35)
            self.assertIn("alert", done.stderr)
            self.assertLess(time.monotonic() - begun, 3)
            asked = run(CHISME, "ls", "--node", f"https://127.0.0.1:{node.port}")
            self.assertEqual(asked.returncode, 1)
            self.assertIn("a node without a certificate is asked with http://", asked.stderr)

    def test_unfit_files_are_named(self):
        other = self.directory / "other.key"
        other.touch(0o600)
        for options, word in ((("--tls-certificate", f"{self.directory}/node.pem"), "go together"),
                              (("--tls-certificate", "/nowhere", "--tls-key", "/nowhere"), "/nowhere"),
                              (("--tls-certificate", f"{self.directory}/node.pem", "--tls-key", str(other)), "private key")):
            with Node(self.directory / "unfit", options) as node:
                code, errors = node.ends()
            self.assertNotEqual(code, 0)
            self.assertIn(word, errors)

    def test_the_private_key_stands_in_no_answer_and_no_log(self):
        secret = (self.directory / "node.key").read_text().splitlines()[1]
        for path in ("/cluster", "/metrics", "/", "/files"):
            self.assertNotIn(secret, self.ask(path)[2].decode(errors="replace"))
        self.assertNotIn(secret, self.log.read_text())

    @unittest.skipUnless(shutil.which("sslscan"), "sslscan is not installed")
    def test_sslscan_finds_nothing_weak(self):
        report = run("sslscan", "--no-colour", f"127.0.0.1:{self.port}").stdout
        for line in ("SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled",
                     "TLSv1.2   enabled", "TLSv1.3   enabled", "Session renegotiation not supported"):
            self.assertIn(line, report)
        offered = [line for line in report.splitlines() if line.startswith(("Accepted", "Preferred"))]
        self.assertTrue(offered)
        for line in offered:
            self.assertTrue("GCM" in line or "CHACHA20" in line.upper(), line)
            self.assertTrue("ECDHE" in line or "TLSv1.3" in line, line)
        self.assertNotIn("vulnerable to heartbleed", report.replace("not vulnerable to heartbleed", ""))


class Load:
    """Clients that store and fetch, each on a new connection or a kept one in turn."""

    def __init__(self, port, context, threads=4):
        self.port, self.context, self.failures, self.done, self.stop = port, context, [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        kept = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        turn = 0
        while not self.stop.is_set():
            turn += 1
            data = some_bytes(200_000, 1000 * number + turn)
            name = f"/files/load-{number}-{turn % 10}.bin"
            try:
                stored = secure_request(self.port, name, "PUT", data, context=self.context)
                kept.request("GET", name)
                answer = kept.getresponse()
                got = answer.read()
                if stored[0] not in (200, 201) or answer.status != 200 or sha256(got) != sha256(data):
                    self.failures.append((name, stored[0], answer.status))
                self.done += 1
            except Exception as error:
                self.failures.append((name, repr(error)))
        kept.close()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


class Reload(Secure):
    def serial(self):
        with socket.create_connection(("127.0.0.1", self.port)) as raw, \
                self.context.wrap_socket(raw, server_hostname="localhost") as secure:
            return secure.getpeercert()["serialNumber"]

    def reload(self, prefix):
        """Puts the certificate of `prefix` in the place of the node's, and tells the node."""
        for ending in (".key", ".pem"):
            fresh = self.directory / f"fresh{ending}"
            shutil.copy(f"{prefix}{ending}", fresh)
            fresh.rename(self.directory / f"node{ending}")
        self.node.process.send_signal(signal.SIGHUP)

    def test_a_certificate_is_replaced_without_a_failed_request(self):
        load = Load(self.port, self.context)
        seen = {self.serial()}
        for number in range(1, 6):
            prefix = self.directory / f"next-{number}"
            issue(self.authority, prefix, "127.0.0.1", "localhost")
            self.reload(prefix)
            seen.add(eventually(lambda: {self.serial()} - seen, 5, "new connections see the new one").pop())
            time.sleep(0.5)
        eventually(lambda: load.done > 50, 60, "there were enough requests")
        load.end()
        self.assertEqual(load.failures, [])
        self.assertEqual(len(seen), 6)

    def test_an_unfit_file_leaves_the_old_one(self):
        before = self.serial()
        whole = (self.directory / "node.pem").read_text()
        (self.directory / "node.pem").write_text("nothing of use\n")
        self.node.process.send_signal(signal.SIGHUP)
        eventually(lambda: "no certificate in PEM" in self.log.read_text(), 5, "the log says so")
        self.assertEqual(self.serial(), before)
        self.assertEqual(self.ask("/healthz")[0], 200)
        (self.directory / "node.pem").write_text(whole)


class ThreeNodes(unittest.TestCase):
    def test_redirects_between_nodes_stay_encrypted(self):
        with Cluster(3, ("--tls", "--copies", "2")) as cluster:
            ca = str(cluster.data / "ca/ca.pem")
            context = ssl.create_default_context(cafile=ca)
            data = some_bytes(2_000_000)
            put(cluster.url(1, "/files/film.bin"), data)
            eventually(lambda: all(cluster.copies(node, "film.bin") == 2 for node in (1, 2, 3)), 20, "two copies")

            def told(node):
                return json.loads(secure_request(cluster.port(node), "/route?file=film.bin", context=context)[2])["replicas"]
            holders = {cluster.node_of(replica["http"]) for replica in told(1)}
            other = ({1, 2, 3} - holders).pop()
            self.assertTrue(all(replica["http"].startswith("https://127.0.0.1:") for replica in told(other)))
            self.assertTrue(all(replica["ws"].startswith("wss://127.0.0.1:") for replica in told(other)))
            status, headers, _ = secure_request(cluster.port(other), "/files/film.bin", context=context)
            self.assertEqual(status, 307)
            self.assertIn(cluster.node_of(headers["Location"]), holders)
            self.assertTrue(headers["Location"].startswith("https://"))
            self.assertNotIn("<http:", headers["Link"])
            got = run("curl", "--silent", "--cacert", ca, "-L", "--proto", "=https", "--proto-redir", "=https", "-o",
                      str(cluster.data / "got"), f"https://localhost:{cluster.port(other)}/files/film.bin")
            self.assertEqual(got.returncode, 0)
            self.assertEqual(sha256((cluster.data / "got").read_bytes()), sha256(data))
            members = json.loads(secure_request(cluster.port(1), "/cluster", context=context)[2])["members"]
            self.assertEqual({member["http"] for member in members},
                             {f"https://127.0.0.1:{cluster.port(node)}" for node in (1, 2, 3)})
            # Pages of these nodes write to each other; those of http:// and of others do not.
            for number, (origin, expected) in enumerate(((f"https://127.0.0.1:{cluster.port(2)}", 201), (f"https://localhost:{cluster.port(2)}", 201),
                                     (f"http://127.0.0.1:{cluster.port(2)}", 403), ("https://evil.example", 403))):
                status, _, _ = secure_request(cluster.port(1), f"/files/page-{number}.txt", "PUT", b"x",
                                              {"Origin": origin}, context)
                self.assertEqual(status, expected, origin)


def ask_from_another_machine(directory):
    """A node at an address beyond loopback; what plain clients of that network get, and those by TLS."""
    namespaces.command("ip", "link", "set", "lo", "up")
    namespaces.command("ip", "link", "add", "wire", "type", "veth", "peer", "name", "end")
    namespaces.command("ip", "address", "add", "10.77.0.1/24", "dev", "wire")
    namespaces.command("ip", "link", "set", "wire", "up")
    namespaces.command("ip", "link", "set", "end", "up")
    authority = make_authority(directory / "ca")
    options = issue(authority, directory / "node", "10.77.0.1")
    secret = directory / "secret"
    assert run(CHISME, "secret", "new", str(secret)).returncode == 0
    # Who may do what is another matter than how they come.
    asks_nobody = ("--access", "open") if "--access" in run(CHISME, "node", "--help").stdout else ()
    options += ("--secret-file", str(secret), *asks_nobody)
    context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    answers = {}
    log = directory / "log"
    with log.open("w") as out, Node(directory / "data", options, port=7701, address="10.77.0.1", log=out) as node:
        eventually(lambda: secure_request(7701, "/readyz", context=context, host="10.77.0.1")[0] == 200, 10, "it is ready")
        answers["stored"] = secure_request(7701, "/files/a.txt", "PUT", b"secret text", None, context, "10.77.0.1")[0]
        for method, path, body in (("GET", "/files/a.txt?via=local", None), ("HEAD", "/", None), ("PUT", "/files/b.txt", b"x"),
                                   ("DELETE", "/files/a.txt", None), ("GET", "/cluster", None)):
            status, headers, text = request(node.url(path), method, body)
            answers[f"{method} {path}"] = (status, headers["Location"], text.decode())
        answers["after"] = secure_request(7701, "/files/a.txt", "GET", None, None, context, "10.77.0.1")[2]
    with log.open("w") as out, Node(directory / "open", (*options, "--insecure-lan"), port=7702,
                                    address="10.77.0.1", log=out) as node:
        node.wait_ready()
        answers["open"] = request(node.url("/healthz"))[0]
    return answers


class BeyondLoopback(unittest.TestCase):
    def test_plain_clients_get_the_address_and_nothing_else(self):
        with tempfile.TemporaryDirectory(prefix="chisme-tls-") as directory:
            try:
                answers = namespaces.run(namespaces.NETWORK, ask_from_another_machine, pathlib.Path(directory))
            except namespaces.NotAllowed as error:
                self.skipTest(str(error))
        self.assertEqual(answers["stored"], 201)
        self.assertEqual(answers["GET /files/a.txt?via=local"], (308, "https://10.77.0.1:7701/files/a.txt?via=local", ""))
        self.assertEqual(answers["HEAD /"], (308, "https://10.77.0.1:7701/", ""))
        self.assertEqual(answers["GET /cluster"], (308, "https://10.77.0.1:7701/cluster", ""))
        for asked in ("PUT /files/b.txt", "DELETE /files/a.txt"):
            status, location, text = answers[asked]
            self.assertEqual((status, location), (400, None))
            self.assertIn("https://", json.loads(text)["detail"])
        self.assertEqual(answers["after"], b"secret text")
        self.assertEqual(answers["open"], 200)


class Authority(unittest.TestCase):
    def test_what_is_there_is_not_overwritten_and_bad_hosts_are_named(self):
        with tempfile.TemporaryDirectory(prefix="chisme-tls-") as directory:
            authority = make_authority(pathlib.Path(directory) / "ca")
            key = (authority / "ca.key").read_bytes()
            self.assertEqual((authority / "ca.key").stat().st_mode & 0o777, 0o600)
            again = run(CHISME, "ca", "new", str(authority))
            self.assertEqual(again.returncode, 1)
            self.assertIn("not overwritten", again.stderr)
            self.assertEqual((authority / "ca.key").read_bytes(), key)
            bad = run(CHISME, "ca", "issue", str(authority), "--host", "a b", "--out", f"{directory}/node")
            self.assertEqual(bad.returncode, 1)
            self.assertIn('"a b"', bad.stderr)


if __name__ == "__main__":
    unittest.main()
