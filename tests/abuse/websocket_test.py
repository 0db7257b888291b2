"""RFC 6455 broken in every way, floods, and clients that do not read: each ends alone, in bounded memory."""
import json
import socket
import struct
import time
import unittest

from wire import harness
import wire
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, OneNode, frame

MIB = 1 << 20
FILM = harness.some_bytes(16 * MIB, 3)


class Framing(OneNode):
    def closes(self, sent, codes, path="/ws/read"):
        connection, status, _ = wire.upgrade(self.port, path)
        self.assertEqual(status, 101)
        with connection:
            try:
                connection.sendall(sent)
            except OSError:
                pass
            code = wire.close_code(connection)
            self.assertIn(code, codes)

    def everywhere(self, sent, *codes):
        for path in ("/ws/read", "/ws/cluster", "/ws/upload?name=broken", "/ws/files/kept.txt"):
            # A push sends its file and closes, whatever the client says meanwhile.
            with self.subTest(path=path):
                self.closes(sent, {*codes, *((1000,) if "files" in path else ())}, path)
        self.assertNotIn("broken", self.names())

    def test_6455_5_1_unmasked(self):
        self.everywhere(frame(TEXT, b"{}", masked=False), 1002)
        self.everywhere(frame(BINARY, b"x" * 100_000, masked=False), 1002)
        self.everywhere(frame(PING, masked=False), 1002)

    def test_6455_5_2_reserved_bits(self):
        for bits in range(1, 8):
            self.everywhere(frame(TEXT, b"{}", reserved=bits), 1002)
        self.everywhere(frame(PING, b"", reserved=4), 1002)

    def test_6455_5_2_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.everywhere(frame(opcode, b"x"), 1002)

    def test_6455_5_2_lengths_that_are_not_the_shortest(self):
        self.everywhere(frame(TEXT, b"{}", wide=True), 1002)
        self.everywhere(b"\x81\xfe\x00\x02\x01\x02\x03\x04" + b"zz", 1002)

    def test_6455_5_2_giant_lengths(self):
        for length in (1 << 63, (1 << 64) - 1, (1 << 64) - 1000, 0x8000000000000000 + 5):
            self.everywhere(frame(TEXT, b"", length=length, wide=True), 1002, 1009)
        for length in (1 << 62, 1 << 32, 65_537):
            self.closes(frame(TEXT, b"", length=length), {1009})
            self.closes(frame(BINARY, b"", length=length), {1003, 1009})

    def test_6455_5_4_fragments_that_do_not_fit(self):
        self.everywhere(frame(CONTINUATION, b"x"), 1002)
        self.everywhere(frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002)
        self.everywhere(frame(BINARY, b"x", final=False) + frame(TEXT, b"{}"), 1002, 1003)
        self.everywhere(frame(CONTINUATION, b"x", final=False), 1002)

    def test_6455_5_5_control_frames(self):
        for opcode in (CLOSE, PING, PONG):
            self.everywhere(frame(opcode, b"x" * 126), 1002)
            self.everywhere(frame(opcode, b"xy", final=False), 1002)
            self.everywhere(frame(opcode, b"", length=1 << 40, wide=True), 1002)

    def test_6455_5_5_1_close_frames(self):
        self.everywhere(frame(CLOSE, b"\x03"), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
            self.closes(frame(CLOSE, struct.pack(">H", code)), {1002})
        self.closes(frame(CLOSE, struct.pack(">H", 1000) + b"\xff\xfe"), {1002, 1007})
        self.closes(frame(CLOSE, struct.pack(">H", 1000) + b"bye"), {1000})
        self.closes(frame(CLOSE), {1000, 1005})

    def test_6455_8_1_text_that_is_not_utf_8(self):
        for text in (b"\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"{}\xc3", b"\x80"):
            self.closes(frame(TEXT, text), {1007})
            self.closes(frame(TEXT, text[:1], final=False) + frame(CONTINUATION, text[1:]), {1007})

    def test_6455_5_4_a_character_may_be_cut_in_two(self):
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            asked = json.dumps({"id": 1, "op": "read", "file": "ä", "offset": 0, "length": 1}, ensure_ascii=False).encode()
            at = asked.index(b"\xa4")
            connection.sendall(frame(TEXT, asked[:at], final=False) + frame(PING, b"p") + frame(CONTINUATION, asked[at:]))
            answers = [wire.receive(connection), wire.receive(connection)]
            self.assertIn((PONG, b"p"), answers)
            self.assertTrue(any(opcode == TEXT and json.loads(payload)["status"] == 404 for opcode, payload in answers), answers)

    def test_6455_9_compression_that_is_offered_is_not_taken(self):
        for offer in ("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_max_window_bits=15", "x-webkit-deflate-frame",
                      "permessage-deflate;" * 500, "permessage-bzip2, permessage-deflate"):
            connection, status, headers = wire.upgrade(self.port, "/ws/read", f"Sec-WebSocket-Extensions: {offer}\r\n")
            with connection:
                self.assertEqual(status, 101)
                self.assertNotIn("sec-websocket-extensions", headers)
                connection.sendall(frame(PING, b"still here"))
                self.assertEqual(wire.receive(connection), (PONG, b"still here"))

    def test_6455_4_2_1_handshakes_that_are_none(self):
        good = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": wire.KEY}
        for change in ({"Sec-WebSocket-Version": "8"}, {"Sec-WebSocket-Version": "13, 8"}, {"Sec-WebSocket-Version": None}, {"Sec-WebSocket-Key": "short"},
                       {"Sec-WebSocket-Key": None}, {"Sec-WebSocket-Key": wire.KEY + "\r\nSec-WebSocket-Key: " + wire.KEY}, {"Sec-WebSocket-Key": "!" * 22 + "=="},
                       {"Upgrade": "web socket"}, {"Upgrade": None}, {"Connection": "close"}, {"Connection": None}):
            headers = "".join(f"{name}: {value}\r\n" for name, value in {**good, **change}.items() if value is not None)
            with wire.connect(self.port) as connection:
                connection.sendall(f"GET /ws/read HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
                self.assertIn(wire.read_answer(connection)[0], (400, 426), change)
        for line in ("POST /ws/read HTTP/1.1", "GET /ws/read HTTP/1.0", "PUT /ws/read HTTP/1.1"):
            with wire.connect(self.port) as connection:
                headers = "".join(f"{name}: {value}\r\n" for name, value in good.items())
                connection.sendall(f"{line}\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
                self.assertIn(wire.read_answer(connection)[0], (400, 405, 426), line)

    def test_a_body_of_a_handshake_is_no_request_and_no_frame(self):
        answers = self.exchange((f"GET /ws/read HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                 f"Sec-WebSocket-Key: {wire.KEY}\r\nContent-Length: 37\r\n\r\nDELETE /files/kept.txt HTTP/1.1\r\nX: y\r\n\r\n").encode(), seconds=1, end=True)
        self.assertEqual(list(answers), [426])

    def test_messages_that_are_no_requests(self):
        deep = b'{"id":1,"op":"read","file":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
        for text in (b"", b"null", b"[]", b"{}", b"{", b'"id"', b'{"id":-1}', b'{"id":1e400}', b'{"id":4294967296}', b'{"id":"1"}', b"[" * 60_000, b"{\"a\":" * 12_000,
                     b"\x00", b"\xef\xbb\xbf{}", b"{}" * 1000, b"1" * 60_000):
            with self.subTest(text=text[:20]):
                self.closes(frame(TEXT, text), {1008})
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            for text in (b'{"id":1}', b'{"id":1,"op":"rm"}', b'{"id":1,"op":"read","file":1,"offset":0,"length":1}', deep,
                         b'{"id":1,"op":"read","file":"kept.txt","offset":-1,"length":1}', b'{"id":1,"op":"read","file":"kept.txt","offset":0,"length":16777217}',
                         b'{"id":1,"op":"read","file":"kept.txt","offset":0,"length":18446744073709551615}', b'{"id":1,"op":"read","file":"kept.txt","offset":1.5,"length":1}',
                         b'{"id":1,"op":"read","file":"kept.txt","offset":18446744073709551615,"length":2}',
                         b'{"id":1,"op":"read","file":"kept.txt","version":"~","offset":0,"length":2}'):
                connection.sendall(frame(TEXT, text))
                opcode, payload = wire.receive(connection)
                self.assertEqual(opcode, TEXT, text[:50])
                self.assertGreaterEqual(json.loads(payload)["status"], 400)


class Flooded(OneNode):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.put(cls.node.url("/files/film.bin"), FILM)

    def push(self, connection, data, times, seconds=20):
        """Sends as often as the server takes it within the time: how many bytes it took."""
        connection.settimeout(2)
        end, sent = time.monotonic() + seconds, 0
        try:
            for _ in range(times):
                connection.sendall(data)
                sent += len(data)
                if time.monotonic() > end:
                    break
        except OSError:
            pass
        return sent

    def honest(self):
        begun = time.monotonic()
        self.assertEqual(self.request("/files/kept.txt")[2], b"kept")
        return time.monotonic() - begun

    def grows_less_than(self, mib, before):
        self.assertLess((self.resident() - before) / MIB, mib)
        self.assertLess(self.honest(), 1)

    def test_a_flood_of_fragments_of_a_text_is_1009(self):
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            self.push(connection, frame(TEXT, b"[", final=False) + frame(CONTINUATION, b"", final=False) * 100_000, 1)
            self.assertEqual(wire.close_code(connection), 1009)

    def test_a_flood_of_fragments_of_a_file_takes_no_memory(self):
        before = self.resident()
        connection, _, _ = wire.upgrade(self.port, "/ws/upload?name=fragments")
        with connection:
            connection.sendall(frame(BINARY, b"a", final=False))
            flood = frame(CONTINUATION, b"", final=False) * 10_000 + frame(CONTINUATION, b"b", final=False) * 10_000
            self.push(connection, flood, 10)
            self.grows_less_than(16, before)
        self.assertNotIn("fragments", self.names())

    def test_a_flood_of_pings_that_are_answered(self):
        before = self.resident()
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            for _ in range(50):
                connection.sendall(frame(PING, b"p" * 125) * 100)
                for _ in range(100):
                    self.assertEqual(wire.receive(connection), (PONG, b"p" * 125))
        self.grows_less_than(8, before)

    def test_a_flood_of_pings_whose_answers_nobody_reads(self):
        before = self.resident()
        connection, _, _ = wire.upgrade(self.port, "/ws/read", receive_buffer=4096)
        with connection:
            self.push(connection, frame(PING, b"p" * 125) * 1000, 1000, seconds=5)
            self.grows_less_than(8, before)

    def test_a_flood_of_pongs_that_nobody_asked_for(self):
        before = self.resident()
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            self.push(connection, frame(PONG, b"p" * 125) * 1000, 200)
            connection.sendall(frame(PING, b"alive"))
            self.assertEqual(wire.receive(connection), (PONG, b"alive"))
        self.grows_less_than(8, before)

    def test_a_flood_of_closes_is_one_close(self):
        connection, _, _ = wire.upgrade(self.port, "/ws/read")
        with connection:
            self.push(connection, frame(CLOSE, struct.pack(">H", 1000)) * 10_000, 10, seconds=3)
            self.assertEqual(wire.close_code(connection), 1000)
            self.assertEqual(connection.recv(100), b"")

    def test_many_clients_that_ask_for_much_and_read_nothing(self):
        before, held = self.resident(), []
        try:
            for _ in range(100):
                connection, _, _ = wire.upgrade(self.port, "/ws/read", receive_buffer=4096)
                held.append(connection)
                for number in range(16):
                    asked = {"id": number, "op": "read", "file": "film.bin", "offset": 0, "length": 16 * MIB}
                    connection.sendall(frame(TEXT, json.dumps(asked).encode()))
            time.sleep(1)
            self.grows_less_than(100 * 0.15, before)
        finally:
            for connection in held:
                connection.close()

    def test_more_requests_than_sixteen_are_refused_and_not_kept(self):
        before = self.resident()
        connection, _, _ = wire.upgrade(self.port, "/ws/read", receive_buffer=4096)
        with connection:
            asked = frame(TEXT, json.dumps({"id": 1, "op": "read", "file": "film.bin", "offset": 0, "length": 16 * MIB}).encode())
            self.push(connection, asked * 1000, 100, seconds=5)
            self.grows_less_than(8, before)

    def test_a_push_that_nobody_reads(self):
        before, held = self.resident(), []
        try:
            for _ in range(50):
                connection, status, _ = wire.upgrade(self.port, "/ws/files/film.bin", receive_buffer=4096)
                self.assertEqual(status, 101)
                held.append(connection)
            time.sleep(1)
            self.grows_less_than(50 * 0.4, before)
        finally:
            for connection in held:
                connection.close()

    def test_uploads_that_stop_in_the_middle_store_nothing(self):
        before, held = self.resident(), []
        try:
            for number in range(50):
                connection, status, _ = wire.upgrade(self.port, f"/ws/upload?name=half-{number}")
                self.assertEqual(status, 101)
                connection.sendall(frame(BINARY, b"", length=1 << 40) + b"x" * 10_000)
                held.append(connection)
            time.sleep(0.5)
            self.grows_less_than(50 * 0.5, before)
        finally:
            for connection in held:
                connection.close()
        self.assertFalse([name for name in self.names() if name.startswith("half")])
        harness.eventually(lambda: not list((self.data / "staging").iterdir()), 10, "staging is empty")

    def test_a_thousand_sessions_opened_and_cut_off(self):
        before, descriptors = self.resident(), self.descriptors()
        for number in range(1000):
            connection, _, _ = wire.upgrade(self.port, ("/ws/read", "/ws/cluster", "/ws/upload?name=cut")[number % 3])
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        harness.eventually(lambda: self.descriptors() <= descriptors + 5, 15, "their descriptors are gone")
        self.grows_less_than(16, before)
        self.assertNotIn("cut", self.names())


if __name__ == "__main__":
    unittest.main(verbosity=1)
