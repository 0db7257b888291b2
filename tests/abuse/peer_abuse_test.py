"""Abuse of the peer port of real nodes: by strangers, who get nothing and change nothing, and by somebody who
knows the secret, who is trusted, and still ends no node. build/release/tests/abuse/peer/chisme_peer_attacker
makes what no node would say, with the real codec and the real seals."""
import base64
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
from harness import (CHISME, Cluster, Node, eventually, fetch, put, request, resident_bytes, run, sha256,  # noqa: E402
                     some_bytes, status_of)

ATTACKER = os.environ.get("CHISME_PEER_ATTACKER",
                          str(pathlib.Path(CHISME).parent / "tests/abuse/peer/chisme_peer_attacker"))
STRANGER = "0000000000000009000000000000000a"
GREATEST = 2 ** 32 - 1
LIKELY = 5  # above that of any node here, as that of news of it would be


def make_secret(path):
    made = run(CHISME, "secret", "new", str(path))
    assert made.returncode == 0, made.stderr
    return path.read_text().strip()


class PeerAbuse(unittest.TestCase):
    """Three nodes with a secret and a file, and another secret."""

    def setUp(self):
        own = tempfile.TemporaryDirectory(prefix="chisme-abuse-")
        self.addCleanup(own.cleanup)
        self.directory = pathlib.Path(own.name)
        self.secret, self.other = self.directory / "secret", self.directory / "other"
        make_secret(self.secret)
        make_secret(self.other)
        self.cluster = Cluster(3, ("--secret-file", str(self.secret)))
        self.addCleanup(self.cluster.close)
        self.members = {self.cluster.node_of(member["http"]): member
                        for member in self.cluster.cluster(1)["members"]}
        self.data = some_bytes(100_000)
        put(self.cluster.url(1, "/files/film.bin"), self.data)
        eventually(lambda: self.cluster.copies(1, "film.bin") == 3, 15, "three copies")

    def id_of(self, node):
        return self.members[node]["node"]

    def epoch_of(self, node):
        directories = sorted(path.parent for path in self.cluster.data.glob("*/node.toml"))
        return int(re.search(r"epoch = (\d+)", (directories[node - 1] / "node.toml").read_text())[1])

    def attack(self, node, *order, secret=None, sender=STRANGER, epoch=1, timeout=60):
        """What the attacker sent to that node and what came back."""
        told = run(ATTACKER, str(secret or self.secret), str(self.cluster.port(node) + 1000), sender, str(epoch),
                   *map(str, order), timeout=timeout)
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def dropped(self, node):
        """How many messages of others it did not listen to."""
        metrics = fetch(self.cluster.url(node, "/metrics")).decode()
        return sum(int(count) for count in re.findall(r"^chisme_peer_messages_dropped_total{.*} (\d+)", metrics, re.MULTILINE))

    def states(self, seen_by=1):
        return {self.cluster.node_of(member["http"]): member["state"]
                for member in self.cluster.cluster(seen_by)["members"]}

    def assert_whole(self, seconds=20):
        """All see all, with the same processes, and the file is there."""
        for node in (1, 2, 3):
            eventually(lambda: self.states(node) == {1: "alive", 2: "alive", 3: "alive"}, seconds,
                       f"node {node} sees all of them")
            status, _, body = request(self.cluster.url(node, "/files/film.bin?via=proxy"))
            self.assertEqual((status, sha256(body)), (200, sha256(self.data)))
        put(self.cluster.url(2, "/files/after.bin"), b"written after it")

    @contextlib.contextmanager
    def nobody_falls(self):
        """Meanwhile nobody is told to be dead or to have left. A busy machine may have one suspected for a moment, who says at once
        that it lives: who could not, where the suspicion is of the greatest incarnation, would have to begin a new epoch."""
        epochs, over = [self.epoch_of(node) for node in (1, 2, 3)], threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            seen = pool.submit(self.watch, 60, over)
            try:
                yield
            finally:
                over.set()
            self.assertFalse(seen.result() - {"alive", "suspect"})
        self.assertEqual([self.epoch_of(node) for node in (1, 2, 3)], epochs)

    def watch(self, seconds, over=None):
        """Every state of a member that any node told of meanwhile, or until it is `over`."""
        seen = set()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (over and over.is_set()):
            for node in (1, 2, 3):
                seen |= set(self.states(node).values())
            time.sleep(0.05)
        return seen


class Strangers(PeerAbuse):
    def test_the_attacker_is_answered_where_it_should_be(self):
        # Else the tests below would say nothing.
        self.assertEqual(self.attack(1, "ping", self.id_of(1)), {"sent": 1, "answered": 1})

    def test_what_is_spoofed_damaged_cut_or_oversized_is_not_answered(self):
        for secret in ("-", self.other):
            for order in (("ping", self.id_of(1)), ("oversized", self.id_of(1)), ("lengths", self.id_of(1))):
                self.assertEqual(self.attack(1, *order, secret=secret)["answered"], 0, (secret, order))
        damaged = self.attack(1, "damage", self.id_of(1))
        self.assertGreater(damaged["sent"], 500)
        self.assertEqual(damaged["answered"], 0)
        self.assert_whole()

    def test_a_datagram_that_comes_again_is_answered_once(self):
        self.assertEqual(self.attack(1, "replay", self.id_of(1), 50), {"sent": 50, "answered": 1})

    def test_one_of_an_older_run_of_a_node_is_not_heard(self):
        # The node's own datagrams of this epoch are known; the attacker's are from before.
        self.assertEqual(self.epoch_of(2), 1)
        self.attack(1, "ping", self.id_of(1), sender=STRANGER, epoch=5)
        self.assertEqual(self.attack(1, "ping", self.id_of(1), sender=STRANGER, epoch=4)["answered"], 0)

    def test_who_does_not_know_the_secret_declares_nobody_dead(self):
        def declare(told):
            """To that node, which listens to none of it."""
            dropped, sent = self.dropped(told), 0
            forged = itertools.product(("dead", "left", "suspect"), (1, 2, 3), (LIKELY, GREATEST), ("-", self.other))
            for kind, victim, incarnation, secret in forged:
                sent += self.attack(told, "gossip", kind, self.id_of(victim), 1, incarnation, secret=secret,
                                    sender=self.id_of(2))["sent"]
            self.assertGreaterEqual(sent, 36)
            eventually(lambda: self.dropped(told) - dropped >= sent, 5, f"node {told} has dropped all of it")
        with self.nobody_falls(), concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(declare, (1, 2, 3)))
        self.assert_whole()

    def test_connections_that_are_half_open_or_slow_give_way_to_nodes(self):
        before = [resident_bytes(self.cluster.pids[node]) for node in (1, 2, 3)]
        port = self.cluster.port(1) + 1000
        with contextlib.ExitStack() as held:
            slow = []
            for number in range(900):
                with contextlib.suppress(OSError):
                    one = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=2))
                    slow.append(one)
                    # Silent, the beginning of a handshake, rubbish.
                    one.sendall((b"", b"\x16\x03\x01\x02\x00\x01", some_bytes(300, number))[number % 3])
            self.assertGreater(len(slow), 500)
            # Nodes speak to each other meanwhile: a write needs connections, and so does a copy.
            for number in range(10):
                begun = time.monotonic()
                answer = put(self.cluster.url(2, f"/files/meanwhile-{number}.bin"), some_bytes(200_000, number))
                self.assertGreaterEqual(len(answer["copies"]), 2)
                self.assertLess(time.monotonic() - begun, 5)
            for one in slow:  # a byte now and then keeps none of them
                with contextlib.suppress(OSError):
                    one.sendall(b"\x00")
            time.sleep(7)
            closed = sum(self.is_closed(one) for one in slow)
            self.assertEqual(closed, len(slow), "the node keeps who does not say who it is")
        for node, was in zip((1, 2, 3), before):
            self.assertLess(resident_bytes(self.cluster.pids[node]) - was, 64 << 20)
        self.assert_whole()

    @staticmethod
    def is_closed(one):
        one.settimeout(0.05)
        try:
            while one.recv(1000):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


class Members(PeerAbuse):
    """Who knows the secret is believed; a node that lives answers what is said of it."""

    def test_a_forged_death_of_another_is_refuted(self):
        for kind in ("suspect", "dead"):
            for told in (1, 2):
                self.attack(told, "gossip", kind, self.id_of(3), self.epoch_of(3), 0, sender=self.id_of(2))
        self.assert_whole()

    def test_a_forged_death_of_a_node_told_to_itself_is_refuted(self):
        for kind in ("suspect", "dead", "left"):
            self.attack(3, "gossip", kind, self.id_of(3), self.epoch_of(3), 0, sender=self.id_of(2))
        self.assert_whole()

    def test_the_greatest_incarnation_is_outlived(self):
        for kind in ("dead", "left"):
            for told in (1, 3):
                self.attack(told, "gossip", kind, self.id_of(3), self.epoch_of(3), GREATEST, sender=self.id_of(2))
        self.assert_whole(60)

    def test_stale_news_changes_nothing(self):
        with self.nobody_falls():
            for kind, told, incarnation in itertools.product(("dead", "suspect", "left"), (1, 2), (LIKELY, GREATEST)):
                self.attack(told, "gossip", kind, self.id_of(3), 0, incarnation, sender=self.id_of(2))
        self.assert_whole()

    def test_a_stranger_that_is_told_of_is_no_reason_to_end(self):
        # At an address where nobody lives, and at that of another node.
        for told in (1, 2, 3):
            self.attack(told, "gossip", "alive", STRANGER, GREATEST, GREATEST, sender=self.id_of(2))
        eventually(lambda: len(self.cluster.cluster(1)["members"]) >= 3, 5, "they answer")
        for node in (1, 2, 3):
            status, _, body = request(self.cluster.url(node, "/files/film.bin?via=proxy"))
            self.assertEqual((status, sha256(body)), (200, sha256(self.data)))

    def test_giant_lengths_take_no_memory(self):
        before = resident_bytes(self.cluster.pids[1])
        for _ in range(20):
            self.assertEqual(self.attack(1, "lengths", self.id_of(1))["answered"], 0)
        told = self.attack(1, "stream")
        self.assertEqual(told["answered"], told["sent"], "a connection that breaks the protocol stays open")
        self.assertLess(resident_bytes(self.cluster.pids[1]) - before, 16 << 20)
        self.assert_whole()

    def test_half_frames_are_bounded_by_what_came(self):
        before = resident_bytes(self.cluster.pids[1])
        with subprocess.Popen([ATTACKER, str(self.secret), str(self.cluster.port(1) + 1000), STRANGER, "1", "half", "200"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attacker:
            told = json.loads(attacker.stdout.readline())
            grown = resident_bytes(self.cluster.pids[1]) - before
            attacker.stdin.close()
        self.assertGreater(told["answered"], 150)
        # 64 KiB came on each, and 64 KiB are what it reads with; TLS has buffers of its own.
        self.assertLess(grown, 200 * (320 << 10))
        self.assert_whole()


class Flood(PeerAbuse):
    RATE, SECONDS = 100_000, 6

    def latencies(self, seconds):
        """Of honest requests, one after the other on one connection, by each of two clients."""
        def client(node):
            took = []
            connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port(node), timeout=20)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                begun = time.monotonic()
                connection.request("GET", "/files/film.bin?via=local")
                answer = connection.getresponse()
                self.assertEqual((answer.status, len(answer.read())), (200, len(self.data)))
                took.append(time.monotonic() - begun)
                time.sleep(0.005)
            connection.close()
            return took
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return sorted(sum((part.result() for part in [pool.submit(client, node) for node in (1, 2)]), []))

    def test_rubbish_at_full_rate_holds_up_no_request_and_takes_no_memory(self):
        ports = {"rubbish": (), "headers of the cluster": (self.id_of(2),)}
        quiet = self.latencies(3)
        for what, more in ports.items():
            with self.subTest(what=what):
                before = resident_bytes(self.cluster.pids[1])
                with concurrent.futures.ThreadPoolExecutor() as pool:
                    flood = pool.submit(self.attack, 1, "flood", self.RATE, self.SECONDS, *more)
                    seen = pool.submit(self.watch, self.SECONDS)
                    took = self.latencies(self.SECONDS - 1)
                    told = flood.result()
                grown = resident_bytes(self.cluster.pids[1]) - before
                p99, quiet_p99 = took[len(took) * 99 // 100], quiet[len(quiet) * 99 // 100]
                print(f"{what}: {told['sent'] / self.SECONDS:.0f} datagrams/s, p99 {1000 * p99:.1f} ms "
                      f"(without: {1000 * quiet_p99:.1f} ms), {grown / 1e6:+.1f} MB, states {sorted(seen.result())}")
                self.assertEqual(told["answered"], 0)
                self.assertLess(p99, 0.25)
                self.assertLess(grown, 16 << 20)
        self.assert_whole()


    def shake_hands(self, seconds):
        """As many connections as one thread can make, each with a whole first message of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        tried, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.cluster.port(1) + 1000), timeout=5) as one:
                    tried += 1
                    with self.assertRaises(OSError):
                        context.wrap_socket(one)
        return tried

    def test_handshakes_of_strangers_hold_up_no_request_and_take_no_memory(self):
        before = resident_bytes(self.cluster.pids[1])
        with concurrent.futures.ThreadPoolExecutor() as pool:
            floods = [pool.submit(self.shake_hands, self.SECONDS) for _ in range(4)]
            seen = pool.submit(self.watch, self.SECONDS)
            took = self.latencies(self.SECONDS - 1)
            tried = sum(flood.result() for flood in floods)
        grown = resident_bytes(self.cluster.pids[1]) - before
        p99 = took[len(took) * 99 // 100]
        print(f"{tried / self.SECONDS:.0f} handshakes/s, p99 {1000 * p99:.1f} ms, {grown / 1e6:+.1f} MB, "
              f"states {sorted(seen.result())}")
        self.assertGreater(tried, 100)
        self.assertLess(p99, 0.25)
        self.assertLess(grown, 32 << 20)
        self.assert_whole()


class Secrets(PeerAbuse):
    """Nothing tells the secret, or a key that is made of it, to whoever asks."""

    def spellings(self):
        digits = self.secret.read_text().strip().removeprefix("chisme-secret-")
        raw = bytes.fromhex(digits)
        return {digits.encode(), digits.upper().encode(), raw, base64.b64encode(raw).rstrip(b"="),
                base64.urlsafe_b64encode(raw).rstrip(b"=")}

    def assert_silent(self, what, text):
        for spelling in self.spellings():
            self.assertNotIn(spelling, text, f"{what} tells the secret")

    def test_no_answer_problem_log_or_file_tells_the_secret(self):
        paths = ["/", "/cluster", "/metrics", "/files", "/healthz", "/readyz", "/route?file=film.bin",
                 "/files/none", "/files/%00", "/uploads/0", "/nothing", "/cluster/drain", "/files/film.bin?via=proxy"]
        for path in paths:
            for method in ("GET", "PUT", "OPTIONS", "PATCH"):
                if (method, path) == ("GET", "/"):
                    continue
                status, headers, body = request(self.cluster.url(1, path), method, headers={"Accept": "text/html"})
                self.assert_silent(f"{method} {path}", str(headers).encode() + body)
        for command in (("status",), ("status", "--json"), ("ls", "--json")):
            told = run(CHISME, *command, "--node", self.cluster.url(1))
            self.assert_silent(command[0], (told.stdout + told.stderr).encode())
        for file in self.cluster.data.rglob("*"):
            if file.is_file():
                self.assert_silent(str(file), file.read_bytes())
        for pid in self.cluster.pids.values():
            for part in ("cmdline", "environ"):
                self.assert_silent(part, pathlib.Path(f"/proc/{pid}/{part}").read_bytes())

    def test_the_log_of_a_start_with_a_broken_secret_repeats_nothing_of_it(self):
        broken = self.directory / "broken"
        text = self.secret.read_text().strip()
        for content in (text[:-1], text + "0", text.upper(), "chisme-join-" + text[14:] + "@127.0.0.1:1"):
            broken.write_text(content + "\n")
            broken.chmod(0o600)
            with Node(self.directory / "data", ("--secret-file", str(broken), "--log-level", "debug")) as node:
                code, errors = node.ends()
            self.assertNotEqual(code, 0)
            self.assertNotIn(content[-40:], errors)

    def test_debug_logs_under_attack_tell_nothing(self):
        log = self.directory / "log"
        with log.open("w") as out:
            node = Node(self.directory / "fourth", ("--secret-file", str(self.secret), "--log-level", "debug", "--join",
                                                    f"127.0.0.1:{self.cluster.port(1) + 1000}"), log=out)
            self.addCleanup(node.close)
            node.wait_ready()
            for order in (("damage", self.id_of(1)), ("lengths", self.id_of(1)), ("stream",)):
                run(ATTACKER, str(self.secret), str(node.port + 1000), STRANGER, "1", *order)
            eventually(lambda: status_of(node.url("/readyz")) == 200, 10, "it is ready")
        self.assert_silent("a debug log", log.read_bytes())

    def test_tags_and_proofs_are_compared_by_openssl(self):
        # Whose comparisons take as long whatever differs (CRYPTO_memcmp); ours would not.
        sealing = (ROOT / "node/peer/sealing.cpp").read_text()
        self.assertIn("EVP_DecryptFinal_ex", sealing)
        for file in (ROOT / "node/peer").glob("*.cpp"):
            self.assertNotRegex(file.read_text(), r"\bmemcmp\b|tag\s*[!=]=", file.name)
        for file in (ROOT / "node/security").glob("*.cpp"):
            self.assertNotRegex(file.read_text(), r"\bmemcmp\b|(?:secret|key)\.bytes\s*[!=]=", file.name)


if __name__ == "__main__":
    unittest.main()
