"""Much of everything that is allowed: connections, heads, queries, conditions, uploads begun and left."""
import base64
import os
import socket
import struct
import time
import unittest

from wire import harness
import tus
import wire
from wire import OneNode

LONG = bool(os.environ.get("CHISME_ABUSE_LONG"))
HOST = b"Host: 127.0.0.1\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
MIB = 1 << 20


class Floods(OneNode):
    def grown(self, run, held=()):
        """Bytes by which the node's memory grew; what `run` opened is closed then."""
        before = self.resident()
        opened = run() or held
        time.sleep(0.5)
        after = self.resident()
        self.assertEqual(self.request("/files/kept.txt", timeout=2)[2], b"kept")
        for connection in opened:
            connection.close()
        return max(after - before, 0)

    def test_connections_opened_and_ended_in_every_way(self):
        descriptors = self.descriptors()
        count = 5000 if LONG else 1000

        def flood():
            for number in range(count):
                connection = wire.connect(self.port)
                if number % 4 == 1:
                    connection.sendall(HEALTH)
                if number % 4 == 2:
                    connection.sendall(b"GET / HT")
                if number % 4 == 3:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        self.assertLess(self.grown(flood), 16 * MIB)
        harness.eventually(lambda: self.descriptors() <= descriptors + 5, 15, "their descriptors are gone")

    def test_memory_for_each_byte_of_heads_that_do_not_end(self):
        count, size = 300, 30_000
        head = b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: %s\r\n" % (n, b"x" * 280) for n in range(100))
        self.assertGreater(len(head), size - 2000)

        def flood():
            held = [wire.connect(self.port) for _ in range(count)]
            for connection in held:
                connection.sendall(head[:size])
            return held
        each = self.grown(flood) / (count * size)
        print(f"memory for each byte of a head that does not end: {each:.2f} bytes")
        self.assertLess(each, 4)

    def test_a_head_of_many_small_headers(self):
        for count, status in ((90, 200), (101, 431), (10_000, 431)):
            answers = self.exchange(b"GET /healthz HTTP/1.1\r\n" + HOST + b"a:\r\n" * count + b"\r\n", seconds=1, end=True)
            self.assertEqual(list(answers), [status], count)

    def test_requests_whose_answers_nobody_reads(self):
        def flood():
            held = []
            for _ in range(20):
                connection = wire.connect(self.port, 1, receive_buffer=4096)
                held.append(connection)
                try:
                    for _ in range(200):
                        connection.sendall(b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n" + HEALTH * 200)
                except OSError:
                    continue
            return held
        self.assertLess(self.grown(flood), 16 * MIB)

    def test_queries_of_many_parameters(self):
        begun = time.monotonic()
        for query in ("a=b&" * 1900, "&" * 7900, "=" * 7900, "%26" * 2600, "prefix=a&" * 850, "limit=1&" * 950, "q=%" + "25" * 3900, "+" * 7900):
            for path in ("/files?", "/route?", "/redirect?", "/client?", "/healthz?", "/?", "/cluster?"):
                status = self.request(path + query)[0]
                self.assertLess(status, 500)
        self.assertLess(time.monotonic() - begun, 5)

    def test_searches_and_lists_that_are_asked_for_wrongly_or_for_too_much(self):
        for query in ("limit=0", "limit=-1", "limit=99999999999999999999", "limit=1e9", "limit=x", "order=nonsense", "offset=-1", "offset=18446744073709551616",
                      "page=99999999999", "after=" + "z" * 5000, "prefix=" + "z" * 5000, "q=" + "z" * 5000, "q=" + "%F0%9F%98%80" * 600, "q=" + "%cc%81" * 1000):
            status, _, body = self.request("/files?" + query)
            self.assertIn(status, (200, 400, 414), query)
            self.assertLess(len(body), 100_000)

    def test_conditions_of_many_elements(self):
        tag = '"' + "0" * 64 + '"'
        begun = time.monotonic()
        for name in ("If-None-Match", "If-Match", "If-Range", "If-Modified-Since", "Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Prefer",
                     "Want-Repr-Digest", "Content-Digest", "Repr-Digest", "Cache-Control", "TE", "Trailer", "Via", "Expect", "Range", "Connection"):
            for value in (", ".join([tag] * 440), "," * 30_000, ";" * 30_000, "a;q=0.1," * 3700, "\"" * 30_000, "\\" * 30_000, " " * 30_000 + "x", "=" * 30_000):
                status = self.request("/files/kept.txt", headers={name: value})[0]
                self.assertIn(status, (200, 206, 304, 400, 412, 416, 417), name)
        self.assertLess(time.monotonic() - begun, 20)

    def test_uploads_that_are_begun_and_left(self):
        def flood():
            for number in range(300):
                with wire.connect(self.port) as connection:
                    connection.sendall(b"PUT /files/left-%d HTTP/1.1\r\n" % number + HOST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
        self.assertLess(self.grown(flood), 16 * MIB)
        harness.eventually(lambda: not list((self.data / "staging").iterdir()), 15, "staging is empty")
        self.assertFalse([name for name in self.names() if name.startswith("left")])

    def test_uploads_larger_than_any_disk_begin_nowhere(self):
        for length in ("1000000000000000", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-1", "+1", "0x10", "", "1e3"):
            status, _ = tus.send(self.node.url("/uploads"), "POST", {"Upload-Length": length, "Upload-Metadata": tus.metadata(filename="huge")})
            self.assertIn(status, (400, 413, 507), length)
            answers = self.exchange(b"PUT /files/huge HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: %s\r\n\r\n" % length.encode(), seconds=1, end=True)
            self.assertEqual(len(answers), 1)
            self.assertIn(answers[0], (400, 413, 507), length)
        self.assertNotIn("huge", self.names())

    def test_metadata_and_lists_of_uploads_that_are_too_long(self):
        for metadata in ("filename " + base64.b64encode(b"n" * 2000).decode(), "a b," * 6000, ",".join(f"k{n} YQ==" for n in range(3000)), "filename" * 3000,
                         "filename !!!!", "filename Y", ",,,,", "filename YQ==,filename Yg=="):
            status, _ = tus.send(self.node.url("/uploads"), "POST", {"Upload-Length": "1", "Upload-Metadata": metadata})
            self.assertIn(status, (201, 400, 431), metadata[:40])
        for concat in ("final;" + " /uploads/x" * 2500, "final;", "final; ", "partial; x", "final;http://evil.example/uploads/x", "nonsense", "final;/uploads/../x"):
            status, _ = tus.send(self.node.url("/uploads"), "POST", {"Upload-Concat": concat})
            self.assertIn(status, (400, 404, 413, 431), concat[:40])

    def test_checksums_that_are_none(self):
        for checksum in ("sha256 " + "A" * 20_000, "crc32 AAAA", "sha256", "sha256 !!!", " ", "md5 AA==", "SHA256 " + base64.b64encode(bytes(32)).decode()):
            status, _ = tus.send(self.node.url("/uploads"), "POST", {"Upload-Length": "1", "Upload-Checksum": checksum, "Upload-Metadata": tus.metadata(filename="c"),
                                                                     "Content-Type": "application/offset+octet-stream"}, b"x")
            self.assertIn(status, (400, 460), checksum[:40])
        self.assertNotIn("c", self.names())


if __name__ == "__main__":
    unittest.main(verbosity=1)
