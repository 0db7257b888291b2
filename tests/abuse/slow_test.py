"""Thousands of clients that are slow on purpose, while an honest one is measured. The long part of the suite: with
`CHISME_ABUSE_LONG` empty there are some hundred, and nothing is measured."""
import os
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
import unittest

from wire import harness
import wire
from wire import OneNode

LONG = bool(os.environ.get("CHISME_ABUSE_LONG"))
COUNT = 5000 if LONG else 300
ROUNDS, REQUESTS = (7, 1500) if LONG else (2, 200)
MIB = 1 << 20
KINDS = ("head", "body", "read", "idle")


def hold(port, count, kinds):
    """The slow clients: holds `count` connections, each of which does next to nothing, until standard input ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert hard > count + 100, f"the system allows {hard} descriptors a process; this needs {count}"
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    begin = {"head": b"GET /files/kept.txt HTTP/1.1\r\n" + host, "idle": b"",
             "body": b"PUT /files/slow-%d HTTP/1.1\r\n" + host + b"Content-Length: 20000\r\n\r\n",
             "read": b"GET /files/film.bin HTTP/1.1\r\n" + host + b"\r\n"}
    held = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        connection = socket.socket()
        if kind == "read":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(begin[kind] % number if kind == "body" else begin[kind])
        held.append((connection, kind))
    print("held", flush=True)
    watch = selectors.DefaultSelector()
    watch.register(sys.stdin, selectors.EVENT_READ)
    pieces = {"head": b"X: a\r\n", "body": b"x"}
    while not watch.select(0):
        # A drop for each every ten seconds or so, spread evenly.
        for connection, kind in held:
            try:
                if kind in pieces:
                    connection.send(pieces[kind])
            except OSError:
                pass
            time.sleep(10 / count)
            if watch.select(0):
                break
    alive = 0
    for connection, _ in held:
        connection.setblocking(False)
        try:
            alive += connection.send(b"x") == 1
        except OSError:
            pass
    print(f"alive {alive}", flush=True)


def p99(port):
    """Of one round of an honest client, which keeps its connection for twenty requests."""
    times, connection = [], None
    message = f"GET /files/kept.txt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    for number in range(REQUESTS):
        begun = time.perf_counter()
        if number % 20 == 0:
            if connection:
                connection.close()
            connection = wire.connect(port)
        connection.sendall(message)
        status, _, body = wire.read_answer(connection)
        assert (status, body) == (200, b"kept")
        times.append(time.perf_counter() - begun)
    connection.close()
    return statistics.quantiles(times, n=100)[98]


class Slow(OneNode):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.put(cls.node.url("/files/film.bin"), bytes(8 * MIB))

    def held(self, count, *kinds):
        return subprocess.Popen([sys.executable, __file__, "hold", str(self.port), str(count), *kinds],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def let_go(self, process):
        answer, _ = process.communicate(timeout=60)
        return int(answer.split()[-1])

    def test_an_honest_client_s_p99_at_most_doubles_while_thousands_hang_on(self):
        p99(self.port)
        before = [p99(self.port) for _ in range(ROUNDS)]
        resident, descriptors = self.resident(), self.descriptors()
        process = self.held(COUNT, *KINDS)
        self.assertEqual(process.stdout.readline().strip(), "held")
        during = [p99(self.port) for _ in range(ROUNDS)]
        grown, held = self.resident() - resident, self.descriptors() - descriptors
        self.let_go(process)
        one, other = statistics.median(before), statistics.median(during)
        print(f"p99 of an honest client, median of {ROUNDS} rounds of {REQUESTS} requests: {one * 1e3:.2f} ms alone, "
              f"{other * 1e3:.2f} ms beside {COUNT} slow ones (ratio {other / one:.2f}); {grown / COUNT:.0f} bytes of memory each, "
              f"{held} descriptors")
        self.assertGreaterEqual(held, COUNT)
        if LONG:
            self.assertLessEqual(other / one, 2)
        self.assertLess(grown / COUNT, 100_000)
        harness.eventually(lambda: self.descriptors() < descriptors + 50, 30, "they are gone")
        self.assertFalse([name for name in self.names() if name.startswith("slow")])

    def test_memory_of_a_connection_by_what_it_does(self):
        for kind in KINDS:
            with self.subTest(kind):
                count = COUNT // 5
                before = self.resident()
                process = self.held(count, kind)
                self.assertEqual(process.stdout.readline().strip(), "held")
                time.sleep(1)
                grown = (self.resident() - before) / count
                self.let_go(process)
                print(f"memory of a connection that is slow ({kind}): {grown:.0f} bytes")
                self.assertLess(grown, 100_000)
                time.sleep(1)


class Ended(OneNode):
    """With timeouts of seconds, so that it can be seen: all of them are ended, and only they."""
    options = ("--head-timeout", "8s", "--progress-timeout", "8s", "--idle-timeout", "8s", "--slowest", "500", "--slowest-window", "8s")

    def test_all_are_ended_and_their_descriptors_come_back(self):
        harness.put(self.node.url("/files/film.bin"), bytes(8 * MIB))
        descriptors = self.descriptors()
        process = subprocess.Popen([sys.executable, __file__, "hold", str(self.port), "200", *KINDS],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline().strip(), "held")
        harness.eventually(lambda: self.descriptors() >= descriptors + 200, 8, "all of them are held")
        harness.eventually(lambda: self.descriptors() < descriptors + 10, 60, "all of them are ended")
        process.communicate(timeout=30)
        harness.eventually(lambda: not list((self.data / "staging").iterdir()), 10, "staging is empty")


if __name__ == "__main__":
    if sys.argv[1:2] == ["hold"]:
        hold(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    else:
        unittest.main(verbosity=1)
