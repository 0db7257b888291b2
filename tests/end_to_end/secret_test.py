"""A cluster with a secret, on real processes: strangers get nothing, nodes of several addresses find each
other, and the secret is changed while clients go on."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import namespaces  # noqa: E402
from harness import (CHISME, Cluster, Node, eventually, free_base_port, get_json, put, request, run,  # noqa: E402
                     sha256, some_bytes, status_of)


def make_secret(path):
    made = run(CHISME, "secret", "new", str(path))
    assert made.returncode == 0, made.stderr
    return path.read_text().strip()


def alive(node):
    return sum(member["state"] == "alive" for member in get_json(node.url("/cluster"))["members"])


class Directory(unittest.TestCase):
    def setUp(self):
        own = tempfile.TemporaryDirectory(prefix="chisme-secret-")
        self.addCleanup(own.cleanup)
        self.directory = pathlib.Path(own.name)


class Strangers(Directory):
    def setUp(self):
        super().setUp()
        make_secret(self.directory / "secret")
        self.cluster = Cluster(3, ("--secret-file", str(self.directory / "secret")))
        self.addCleanup(self.cluster.close)
        self.peer_port = self.cluster.port(1) + 1000

    def stranger(self, *options):
        log = open(self.directory / "stranger.log", "w")
        self.addCleanup(log.close)
        node = Node(self.directory / "stranger", ("--join", f"127.0.0.1:{self.peer_port}", *options), log=log)
        self.addCleanup(node.close)
        eventually(lambda: status_of(node.url("/healthz")) == 200, 10, "it runs")
        return node

    def test_files_are_copied_and_read_as_without_a_secret(self):
        data = some_bytes(20_000_000)
        answer = put(self.cluster.url(1, "/files/film.bin"), data)
        self.assertGreaterEqual(len(answer["copies"]), 2)
        eventually(lambda: self.cluster.copies(3, "film.bin") == 3, 10, "three copies")
        for node in (1, 2, 3):
            self.assertEqual(sha256(request(self.cluster.url(node, "/files/film.bin?via=proxy"))[2]), sha256(data))

    def test_a_node_without_the_secret_or_with_another_one_stays_alone(self):
        make_secret(self.directory / "another")
        for options in ((), ("--secret-file", str(self.directory / "another"))):
            with self.subTest(options=options):
                stranger = self.stranger(*options)
                time.sleep(3)
                self.assertEqual(alive(stranger), 1)
                self.assertEqual(len(self.cluster.cluster(1)["members"]), 3)
                if options:
                    eventually(lambda: "compare the files of --secret-file" in (self.directory / "stranger.log").read_text(),
                               10, "its log says why")
                stranger.close()

    def test_datagrams_that_nobody_of_the_cluster_made_are_not_answered(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(1)
            for seed in range(200):
                stranger.sendto(some_bytes(1 + 6 * seed, seed), ("127.0.0.1", self.peer_port))
            with self.assertRaises(TimeoutError):
                stranger.recv(2000)
        self.assertEqual(status_of(self.cluster.url(1, "/readyz")), 200)

    def test_connections_that_do_not_know_the_secret_are_told_an_alert_at_most(self):
        # Bytes of no protocol, a hello of a node without a secret, the start of a TLS connection of a browser.
        for sent in (some_bytes(5000), b"chisme\0\1" + bytes(16), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(507)):
            with self.subTest(sent=sent[:8]), socket.create_connection(("127.0.0.1", self.peer_port)) as stranger:
                stranger.sendall(sent)
                stranger.shutdown(socket.SHUT_WR)
                stranger.settimeout(8)
                answer = b""
                try:
                    while got := stranger.recv(1000):
                        answer += got
                except ConnectionResetError:
                    pass
                self.assertLessEqual(len(answer), 7)
                self.assertIn(answer[:1], (b"", b"\x15"))

    def test_the_secret_stands_in_no_log_no_answer_and_no_argument(self):
        secret = (self.directory / "secret").read_text().strip().removeprefix("chisme-secret-")
        for path in ("/cluster", "/metrics", "/files", "/"):
            self.assertNotIn(secret, request(self.cluster.url(1, path))[2].decode(errors="replace"))
        for log in self.cluster.data.glob("*/log"):
            self.assertNotIn(secret, log.read_text())
        for pid in self.cluster.pids.values():
            self.assertNotIn(secret, pathlib.Path(f"/proc/{pid}/cmdline").read_text())


class SecretFiles(Directory):
    def refusal(self, *options):
        with Node(self.directory / "data", options) as node:
            code, errors = node.ends()
        self.assertNotEqual(code, 0)
        return errors

    def test_one_that_others_can_read_is_refused(self):
        path = self.directory / "secret"
        make_secret(path)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        path.chmod(0o644)
        self.assertIn("chmod 600", self.refusal("--secret-file", str(path)))

    def test_one_that_is_not_there_is_named(self):
        self.assertIn("nowhere", self.refusal("--secret-file", str(self.directory / "nowhere")))

    def test_what_is_no_token_is_refused(self):
        refused = run(CHISME, "join", "chisme-join-abc@127.0.0.1:8701", "--data", str(self.directory / "data"))
        self.assertEqual(refused.returncode, 2)
        self.assertIn("secret token", refused.stderr)
        self.assertFalse((self.directory / "data").exists())

    def test_a_directory_of_another_cluster_does_not_join(self):
        for number in (1, 2):
            make_secret(self.directory / f"secret-{number}")
        token = run(CHISME, "secret", "token", str(self.directory / "secret-2"), "127.0.0.1:8701").stdout.strip()
        data = self.directory / "data"
        data.mkdir()
        (self.directory / "secret-1").rename(data / "cluster.secret")
        refused = run(CHISME, "join", token, "--data", str(data))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("another cluster", refused.stderr)

    def test_a_file_that_is_there_is_not_overwritten(self):
        path = self.directory / "secret"
        secret = make_secret(path)
        self.assertEqual(run(CHISME, "secret", "new", str(path)).returncode, 1)
        self.assertEqual(path.read_text().strip(), secret)


class Load:
    """Clients that write and read all the time."""

    def __init__(self, nodes):
        self.nodes, self.failures, self.done, self.stop = nodes, [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(len(nodes))]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        write = self.nodes[number]
        read = self.nodes[(number + 1) % len(self.nodes)]
        turn = 0
        while not self.stop.is_set():
            turn += 1
            data = some_bytes(30_000, 1000 * number + turn)
            name = f"/files/{number}-{turn % 20}.bin?via=proxy"
            try:
                version = put(write.url(name), data)["version"]
                status, _, body = request(read.url(f"{name}&version={version}"))
                if status != 200 or sha256(body) != sha256(data):
                    self.failures.append((name, status))
                self.done += 1
            except Exception as error:
                self.failures.append((name, error))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


class Rotation(Directory):
    def test_the_secret_is_changed_without_a_failed_request(self):
        base = free_base_port(3)
        old, new = (make_secret(self.directory / name) for name in ("old", "new"))
        files, nodes = [], []
        for number in range(3):
            files.append(self.directory / f"secret-{number}")
            self.write(files[number], old)
            nodes.append(self.start(number, base))
        for node in nodes:
            node.wait_ready()
        eventually(lambda: all(alive(node) == 3 for node in nodes), 20, "all nodes meet")
        load = Load(nodes)
        for step in ((old, new), (new, old), (new,)):
            for file, node in zip(files, nodes):
                self.write(file, *step)
                node.process.send_signal(signal.SIGHUP)
                time.sleep(1)
        time.sleep(1)
        eventually(lambda: load.done > 50, 60, "there were enough requests")
        load.end()
        self.assertEqual(load.failures, [])
        # One that starts with the new one alone is of the cluster; so all of them use it.
        nodes[0].close()
        nodes[0] = self.start(0, base)
        eventually(lambda: all(alive(node) == 3 for node in nodes), 20, "it is back")

    def test_a_file_that_became_unfit_changes_nothing(self):
        path = self.directory / "secret-0"
        self.write(path, make_secret(self.directory / "old"))
        with (self.directory / "log").open("w") as log:
            node = Node(self.directory / "data", ("--secret-file", str(path)), log=log)
            self.addCleanup(node.close)
            node.wait_ready()
            path.write_text("nothing of use\n")
            node.process.send_signal(signal.SIGHUP)
            eventually(lambda: "line 1" in (self.directory / "log").read_text(), 5, "the log says so")
        self.assertEqual(status_of(node.url("/readyz")), 200)
        self.assertNotIn("nothing of use", (self.directory / "log").read_text())

    @staticmethod
    def write(path, *secrets):
        fresh = path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("".join(secret + "\n" for secret in secrets))
        fresh.rename(path)

    def start(self, number, base):
        joins = [option for other in range(3) if other != number
                 for option in ("--join", f"127.0.0.1:{base + other + 1000}")]
        node = Node(self.directory / f"data-{number}",
                    ("--secret-file", str(self.directory / f"secret-{number}"), *joins), port=base + number)
        self.addCleanup(node.close)
        return node


ADDRESSES = ("10.77.0.1", "10.77.0.2", "10.77.0.3")


def meet_beyond_loopback(directory):
    """Three nodes at addresses that are not of loopback, the third at all of them."""
    namespaces.command("ip", "link", "set", "lo", "up")
    namespaces.command("ip", "link", "add", "wire", "type", "veth", "peer", "name", "end")
    for address in ADDRESSES:
        namespaces.command("ip", "address", "add", f"{address}/24", "dev", "wire")
    namespaces.command("ip", "link", "set", "wire", "up")
    namespaces.command("ip", "link", "set", "end", "up")
    secret = directory / "secret"
    make_secret(secret)
    nodes = []
    try:
        for number, address in enumerate(ADDRESSES):
            options = ("--secret-file", str(secret), "--insecure-lan", "--profile", "lan",
                       "--join", f"{ADDRESSES[0]}:8701")
            everywhere = number == 2
            if everywhere:
                options += ("--peer", "0.0.0.0:9701", "--advertise", f"{address}:7702")
            port = 7702 if everywhere else 7701
            nodes.append(Node(directory / address, options, port=port, address="0.0.0.0" if everywhere else address))
            nodes[-1].address = address
        for node in nodes:
            node.wait_ready()
        eventually(lambda: all(alive(node) == 3 for node in nodes), 30, "all nodes meet")
        data = some_bytes(3_000_000)
        put(nodes[0].url("/files/film.bin"), data)
        eventually(lambda: [file["copies"] for file in get_json(nodes[1].url("/files"))["files"]] == [3], 20,
                   "three copies")
        token = run(CHISME, "secret", "token", str(secret), f"{ADDRESSES[1]}:8701", f"{ADDRESSES[0]}:8701").stdout.strip()
        joined = subprocess.Popen([CHISME, "join", "-", "--insecure-lan", "--profile", "lan", "--data", str(directory / "joined"),
                                   "--listen", f"{ADDRESSES[0]}:7755"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  text=True)
        try:
            joined.stdin.write(token + "\n")
            joined.stdin.flush()
            eventually(lambda: all(alive(node) == 4 for node in nodes), 20, "a fourth joins with a token")
        finally:
            joined.stdin.close()
            joined.kill()
            joined.wait()
        members = {member["http"] for member in get_json(nodes[1].url("/cluster"))["members"]}
        page = request(nodes[2].url("/"))[0]
        wrong_host = request(nodes[2].url("/"), headers={"Host": "films.example"})[0]
        return members, page, wrong_host, sha256(request(nodes[2].url("/files/film.bin"))[2]) == sha256(data)
    finally:
        for node in nodes:
            node.close()


class Machines(Directory):
    def test_nodes_at_other_addresses_form_a_cluster(self):
        try:
            members, page, wrong_host, same = namespaces.run(namespaces.NETWORK, meet_beyond_loopback, self.directory)
        except namespaces.NotAllowed as error:
            self.skipTest(str(error))
        self.assertEqual(members, {"http://10.77.0.1:7701", "http://10.77.0.2:7701", "http://10.77.0.3:7702",
                                   "http://10.77.0.1:7755"})
        self.assertEqual((page, wrong_host, same), (200, 421, True))

    def test_without_a_secret_or_the_word_it_is_refused(self):
        for options, word in ((("--listen", "10.77.0.1:7701", "--peer", "127.0.0.1:0"), "--insecure-lan"),
                              (("--peer", "10.77.0.1:8701"), "--secret-file"),
                              (("--join", "10.77.0.1:8701"), "--secret-file")):
            refused = run(CHISME, "node", "--data", str(self.directory / "data"), *options)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(word, refused.stderr)


if __name__ == "__main__":
    unittest.main()
