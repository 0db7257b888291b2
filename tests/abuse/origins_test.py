"""Who asks, and under which name: Host (DNS rebinding) and Origin (pages of other sites) in every disguise."""
import unittest

import wire
from wire import OneNode


class Origins(OneNode):
    options = ("--host", "films.example")

    def own(self):
        return [f"127.0.0.1:{self.port}", f"localhost:{self.port}", "localhost", "127.0.0.1", f"LOCALHOST:{self.port}", "films.example",
                f"films.example:{self.port}", f"[::1]:{self.port}", "127.0.0.2"]

    def foreign(self):
        return ["evil.example", f"evil.example:{self.port}", "localhost.evil", f"localhost.evil:{self.port}", "localhost.evil.example",
                "127.0.0.1.evil.example", "127.evil.example", "films.example.evil.example", "evilfilms.example", "films.exampleevil",
                "xlocalhost", "localhostx", "localhost.", "films.example.", "127.0.0.1.", "0.0.0.0", "0", "2130706433", "0x7f000001",
                "017700000001", "127.1", "10.0.0.1", "169.254.169.254", "[::]", "[::ffff:10.0.0.1]", f"user@127.0.0.1:{self.port}",
                "127.0.0.1@evil.example", "localhost:80@evil.example", "evil.example#@localhost", "evil.example/localhost", "localhost/",
                "evil.example\\localhost", "localhost%00.evil", "localhost,evil.example", "localhost evil", "ⅼocalhost", "lo\u0131calhost",
                "localhost:", "localhost:x", "localhost:123456", "localhost:-1", "[::1", "::1", "[::1]x", "[localhost]", ""]

    def ask(self, host, method="GET", path="/files/kept.txt", more=""):
        with wire.connect(self.port) as connection:
            connection.sendall((f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: 0\r\n\r\n").encode())
            return wire.read_answer(connection)

    def socket_status(self, path, headers, host=None):
        with wire.connect(self.port) as connection:
            connection.sendall((f"GET {path} HTTP/1.1\r\nHost: {f'127.0.0.1:{self.port}' if host is None else host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {wire.KEY}\r\n{headers}\r\n").encode())
            return wire.read_answer(connection)[0]

    def test_the_node_answers_to_its_own_names(self):
        for host in self.own():
            with self.subTest(host=host):
                self.assertEqual(self.ask(host)[0], 200)

    def test_rebinding_no_other_name_is_this_node(self):
        for host in self.foreign():
            if host == "localhost:":  # RFC 3986, 3.2.3: an empty port is no port
                continue
            with self.subTest(host=host):
                status, headers, body = self.ask(host)
                self.assertIn(status, (400, 421), body)
                self.assertNotIn(b"kept", body.replace(b"kept.txt", b""))
                self.assertIn(self.ask(host, "PUT", "/files/evil")[0], (400, 421))
                self.assertIn(self.ask(host, "DELETE")[0], (400, 421))
                self.assertIn(self.socket_status("/ws/read", "", host), (400, 421))

    def origins(self):
        mine = f"http://127.0.0.1:{self.port}"
        return ["null", "http://evil.example", f"http://evil.example:{self.port}", "http://localhost.evil", f"http://localhost.evil:{self.port}",
                f"{mine}.evil.example", f"{mine}@evil.example", f"http://evil.example@127.0.0.1:{self.port}", f"{mine}/", f"{mine}/evil",
                f"{mine} http://evil.example", f"{mine}, http://evil.example", f"https://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}",
                f"http://127.0.0.1:{self.port + 1}", "http://127.0.0.1", "http://localhost", f"http://127.0.0.1:{self.port}0", f"http://127.0.0.1:0{self.port}",
                "http://", "//127.0.0.1", "file://", "chrome-extension://abc", "http://films.example.evil", "data:,", "*", "", "http://[::1]",
                f"http://127.0.0.1:{self.port}\x7f", f"http://127.0.0.1:{self.port}#", f"http://127.0.0.1:{self.port}?"]

    def test_cross_site_pages_neither_write_nor_open_a_socket(self):
        for origin in self.origins():
            with self.subTest(origin=origin):
                told = f"Origin: {origin}\r\n"
                for method, path in (("PUT", "/files/evil"), ("DELETE", "/files/kept.txt"), ("POST", "/uploads"), ("POST", "/cluster/drain")):
                    status, headers, _ = self.ask(f"127.0.0.1:{self.port}", method, path, told)
                    self.assertIn(status, (400, 403))
                    self.assertNotIn("access-control-allow-origin", headers)
                for path in ("/ws/read", "/ws/cluster", "/ws/upload?name=evil", "/ws/files/kept.txt"):
                    self.assertIn(self.socket_status(path, told), (400, 403))
        self.assertEqual(self.names(), ["kept.txt"])

    def test_cross_site_pages_cannot_read_an_answer(self):
        for origin in self.origins():
            with self.subTest(origin=origin):
                for method in ("GET", "HEAD", "OPTIONS"):
                    with wire.connect(self.port) as connection:
                        connection.sendall((f"{method} /files/kept.txt HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nOrigin: {origin}\r\n"
                                            "Access-Control-Request-Method: DELETE\r\n\r\n").encode())
                        _, headers, _ = wire.read_answer(connection, head=method == "HEAD")
                    self.assertFalse([name for name in headers if name.startswith("access-control-")], headers)

    def test_the_node_s_own_page_may(self):
        mine = f"Origin: http://127.0.0.1:{self.port}\r\n"
        self.assertEqual(self.ask(f"127.0.0.1:{self.port}", "PUT", "/files/mine", mine)[0], 201)
        self.assertEqual(self.ask(f"127.0.0.1:{self.port}", "DELETE", "/files/mine", mine)[0], 204)
        self.assertEqual(self.socket_status("/ws/read", mine), 101)

    def test_two_origins_are_not_one_that_is_trusted(self):
        mine = f"Origin: http://127.0.0.1:{self.port}\r\n"
        for told in (mine + "Origin: http://evil.example\r\n", "Origin: http://evil.example\r\n" + mine):
            self.assertIn(self.ask(f"127.0.0.1:{self.port}", "PUT", "/files/evil", told)[0], (400, 403), told)
            self.assertIn(self.socket_status("/ws/read", told), (400, 403))

    def test_a_stored_file_is_no_script_or_style_of_the_page(self):
        for kind in ("script", "style", "worker", "serviceworker", "sharedworker", "xslt", "audioworklet"):
            status, _, _ = self.ask(f"127.0.0.1:{self.port}", more=f"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: {kind}\r\n")
            self.assertEqual(status, 403, kind)


if __name__ == "__main__":
    unittest.main(verbosity=1)
