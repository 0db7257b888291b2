"""Names of every kind, by every way in: nothing outside the data directory appears or is read, nothing in it has
a name that a user chose, and who asks gets a right answer."""
import base64
import json
import os
import pathlib
import re
import unicodedata
import unittest
import urllib.parse

from wire import harness
import tus
import wire
from wire import OneNode

SECRET = "what lies outside the data directory"
# Everything that may lie in a data directory: no part of it comes from a user.
OWN = re.compile(
    r"(node\.toml|lock|catalogue\.sqlite(-wal|-shm|-journal)?|objects|staging|quarantine|objects/[0-9a-f]{2}"
    r"|objects/[0-9a-f]{2}/[0-9a-f]{64}-[0-9]+(\.chunks)?|staging/[^/]{1,64}|quarantine/[^/]{1,100})")

# What must be refused, as it is decoded once.
BAD = {
    "empty": "", "dot": ".", "dots": "..", "dots_at_the_end": "a/..", "dots_at_the_beginning": "../a", "dots_within": "a/../b",
    "many_dots": "../" * 20 + "etc/passwd", "a_dot_within": "a/./b", "double_slash": "a//b", "slash_first": "/a",
    "slash_last": "a/", "absolute": "/etc/passwd", "nul": "a\0b", "nul_last": "secret.txt\0.png", "newline": "a\nb",
    "carriage_return": "a\r\nX: b", "tab": "a\tb", "escape": "a\x1b[2Jb", "delete": "a\x7f", "c1_control": "a\x85b",
    "line_separator": "a\u2028b", "paragraph_separator": "a\u2029b", "1025_bytes": "n" * 1025, "4096_bytes": "n" * 4096,
    "513_of_two_bytes": "ä" * 513, "only_slashes": "///", "dots_and_backslash_and_slash": "a\\../../b/..",
}
# What is a name, however strange: it is stored, listed and given back as it is (in NFC).
GOOD = {
    "backslash": "a\\b", "backslash_dots": "..\\..\\windows\\win.ini", "drive": "C:\\secret", "drive_relative": "C:secret",
    "unc": "\\\\server\\share", "three_dots": "...", "dots_and_space": ".. ", "space_and_dots": " ..", "dot_dot_name": "..a",
    "name_dot_dot": "a..", "trailing_dot": "a.", "trailing_dots": "a...", "trailing_space": "a ", "leading_space": " a",
    "con": "CON", "con_with_a_type": "con.txt", "nul_device": "NUL", "com1": "COM1.txt", "aux": "aux/aux", "stream": "a.txt::$DATA",
    "percent": "%", "percent_dots": "%2e%2e%2f%2e%2e", "twice_encoded": "%252e%252e%252fa", "percent_nul": "a%00b",
    "overlong_looking": "%c0%ae%c0%ae", "utf16_escape": "%u002e%u002e", "question": "a?b", "hash": "a#b", "plus": "a+b",
    "ampersand": "a&b=c", "semicolon": "a;b", "semicolon_dots": "..;/a", "colon": "a:b", "quote": "a\"b", "apostrophe": "a'b",
    "angle": "<script>", "star": "*", "pipe": "|ls", "dollar": "$(id)", "backquote": "`id`", "minus": "-rf", "tilde": "~root",
    "hidden": ".htaccess", "git": ".git/config", "rtl_override": "photo\u202egnp.exe", "isolate": "a\u2066b", "bom": "\ufeffa",
    "zero_width": "a\u200bb", "no_break_space": "a\u00a0b", "fullwidth_dots": "．．／a", "one_dot_leader": "\u2024\u2024/a",
    "division_slash": "..\u2215a", "fraction_slash": "..\u2044a", "emoji": "🎬.mp4", "surrogate_looking": "\\ud800",
    "nfd": unicodedata.normalize("NFD", "é"), "hangul_parts": "\u1112\u1161\u11ab", "turkish_i": "İ", "kelvin": "\u212a", "small": "case", "large": "CASE", "mixed": "Case", "255_bytes": "n" * 255,
    "256_bytes": "n" * 256, "1024_bytes": "n" * 1024, "512_of_two_bytes": "ä" * 512, "deep": "/".join("d" * 500),
    "own_file": "node.toml", "own_folder": "objects/ab/abc", "own_catalogue": "catalogue.sqlite", "lock": "lock",
    "a_route": "files", "a_socket": "ws/read", "query_as_name": "kept.txt?via=local", "format": "%s%n%x", "sql": "'; DROP TABLE records;--",
    "proto": "__proto__", "constructor": "constructor", "null": "null", "number": "0", "number_minus": "-1",
}
assert not BAD.keys() & GOOD.keys()


def quoted(name):
    """Every byte that is not a letter, digit or slash is escaped: what is asked for is the name and nothing else."""
    return urllib.parse.quote(name.encode(), safe="/")


def dots_escaped(name):
    return "".join(c if c.isascii() and c.isalnum() else "".join(f"%{byte:02x}" for byte in c.encode()) for c in name)


class Names(OneNode):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = cls.node.url
        for folder in (cls.root, cls.root.parent):
            assert not (folder / "secret.txt").exists(), folder
        (cls.root / "secret.txt").write_text(SECRET)
        cls.outside = cls.everything_outside()

    @classmethod
    def everything_outside(cls):
        return sorted(str(path) for path in cls.root.rglob("*")
                      if cls.data not in path.parents and path != cls.root / "log")

    def setUp(self):
        for name in self.names():  # which a case that failed may have left
            if name != "kept.txt":
                self.exact("DELETE", "/files/" + quoted(name))

    def tearDown(self):
        super().tearDown()
        self.assertEqual(self.everything_outside(), self.outside)
        self.assertEqual((self.root / "secret.txt").read_text(), SECRET)
        for path in self.data.rglob("*"):
            self.assertRegex(str(path.relative_to(self.data)), r"\A" + OWN.pattern + r"\Z")

    def exact(self, method, target, body=b"", headers=""):
        """A target that no library tidies up: (status, headers, body)."""
        with wire.connect(self.port) as connection:
            connection.sendall((f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{headers}"
                                f"Content-Length: {len(body)}\r\n\r\n").encode("latin-1") + body)
            return wire.read_answer(connection, head=method == "HEAD")

    def form(self, name, field="filename"):
        body = (b'--b\r\nContent-Disposition: form-data; name="f"; ' + field.encode() + b'="' + name + b'"\r\n\r\nbytes\r\n--b--\r\n')
        return self.exact("POST", "/files", body, "Content-Type: multipart/form-data; boundary=b\r\n")

    def by_tus(self, name):
        metadata = base64.b64encode(name.encode()).decode()
        return tus.send(self.url("/uploads"), "POST", {"Upload-Length": "5", "Upload-Metadata": "filename " + metadata,
                                                       "Content-Type": "application/offset+octet-stream"}, b"bytes")

    def by_socket(self, name):
        connection, status, _ = wire.upgrade(self.port, "/ws/upload?name=" + urllib.parse.quote(name.encode(), safe=""))
        with connection:
            if status == 101:
                connection.sendall(wire.frame(wire.BINARY, b"bytes") + wire.frame(wire.BINARY))
                opcode, payload = wire.receive(connection)
                return json.loads(payload).get("status", 201) if opcode == wire.TEXT else 0
            return status

    def read_by_socket(self, name):
        connection, status, _ = wire.upgrade(self.port, "/ws/read")
        self.assertEqual(status, 101)
        with connection:
            asked = {"id": 1, "op": "read", "file": name, "offset": 0, "length": 100}
            connection.sendall(wire.frame(wire.TEXT, json.dumps(asked).encode()))
            return wire.receive(connection)

    def look_bad(self, name):
        before = self.names()
        for target in {quoted(name), dots_escaped(name)}:
            for method in ("PUT", "GET", "DELETE", "HEAD"):
                status, _, body = self.exact(method, "/files/" + target, b"bytes" if method == "PUT" else b"")
                self.assertIn(status, (400, 414), (method, target, body))
                self.assertNotIn(SECRET.encode(), body)
            for route in ("/redirect?file=", "/client?file=", "/route?file="):
                status, _, body = self.exact("GET", route + target)
                self.assertIn(status, (307, 400, 414) if route == "/redirect?file=" and not name else (400, 414), (route, target, body))
            connection, status, _ = wire.upgrade(self.port, "/ws/files/" + target)
            connection.close()
            self.assertIn(status, (400, 414))
        status, _ = self.by_tus(name)
        self.assertEqual(status, 400)
        self.assertEqual(self.by_socket(name), 400)
        if name and "\\" not in name:  # browsers' file names are what follows the last backslash; without a name it is no file
            escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
            self.assertEqual(self.form(escaped)[0], 400)
        opcode, payload = self.read_by_socket(name)
        self.assertEqual(opcode, wire.TEXT)
        self.assertIn(json.loads(payload)["status"], (400, 404))
        self.assertEqual(self.names(), before)

    def look_good(self, name):
        stored = unicodedata.normalize("NFC", name)
        self.assertEqual(self.exact("PUT", "/files/" + quoted(name), name.encode())[0], 201)
        self.assertIn(stored, self.names())
        for target in (quoted(stored), quoted(name), dots_escaped(name)):
            if len(target) > 8000:
                continue
            status, headers, body = self.exact("GET", "/files/" + target)
            self.assertEqual((status, body), (200, name.encode()), target)
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertNotRegex(headers.get("content-disposition", ""), r"[\x00-\x1f\x7f-\xff]")
        opcode, payload = self.read_by_socket(stored)
        self.assertEqual((opcode, payload[12:]), (wire.BINARY, name.encode()[:100]))
        self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)
        self.assertNotIn(stored, self.names())
        status, _ = self.by_tus(name)
        self.assertEqual(status, 201)
        self.assertEqual(self.exact("GET", "/files/" + quoted(name))[2], b"bytes")
        self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)
        self.assertEqual(self.by_socket(name), 201)
        self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)
        if "\\" not in name and '"' not in name and "%22" not in name:
            status, _, body = self.form(name.encode())
            self.assertEqual(status, 201, body)
            self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)
        self.assertEqual(self.names(), ["kept.txt"])

    # What is not decoded, or cannot be.

    def test_targets_that_are_not_tidied_up(self):
        for target in ("/files/../../secret.txt", "/../secret.txt", "/files/..", "/files/.", "/files/../healthz", "/files/./kept.txt",
                       "//files/kept.txt", "/files//kept.txt", "/files/kept.txt/", "/./files/kept.txt", "/%66iles/kept.txt",
                       "/files%2fkept.txt", "/files/..%2f..%2fsecret.txt", "/files/%2e%2e/%2e%2e/secret.txt", "/.%2e/secret.txt",
                       "/files/..%5c..%5csecret.txt", "/files/..\\..\\secret.txt", "/files/%252e%252e%252fsecret.txt",
                       "/files/%c0%ae%c0%ae/secret.txt", "/files/%e0%80%ae%e0%80%ae/secret.txt", "/files/..;/secret.txt",
                       "/files/" + "../" * 100 + "etc/passwd", "/files//etc/passwd", "/files/%2fetc%2fpasswd", "/files/secret.txt%00",
                       "/node.toml", "/data/node.toml", "/files/../data/node.toml", "/assets/../node.toml", "/healthz/../files/kept.txt"):
            with self.subTest(target=target):
                status, _, body = self.exact("GET", target)
                self.assertTrue(status in (400, 404) or body == b"bytes", body)  # stored by the case before
                self.assertNotIn(SECRET.encode(), body)
                self.assertNotIn(b"root:", body)
                status, _, _ = self.exact("PUT", target, b"bytes")
                # Once decoded some are names; then they are in the catalogue and nowhere else.
                self.assertIn(status, (200, 201, 400, 404, 405))
        for name in self.names():
            if name != "kept.txt":
                self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)

    def test_escapes_that_are_broken(self):
        for target in ("%", "%2", "%zz", "a%", "%%32%65", "%-1", "%+1", "% 1", "%u0041", "%x41"):
            with self.subTest(target=target):
                self.assertEqual(self.exact("PUT", "/files/" + target, b"x")[0], 400)
        self.assertEqual(self.exact("GET", "/files?prefix=%zz")[0], 400)
        self.assertEqual(self.exact("GET", "/route?file=%")[0], 400)

    def test_bytes_that_are_not_utf_8(self):
        for target in ("%ff", "%c0%ae", "%c0%af", "%e0%80%af", "%ed%a0%80", "%ed%bf%bf", "%f4%90%80%80", "%f8%88%80%80%80", "%c3", "a%80", "%e2%82"):
            with self.subTest(target=target):
                self.assertEqual(self.exact("PUT", "/files/" + target, b"x")[0], 400)
                raw = bytes.fromhex(target.replace("%", "").replace("a80", "6180"))
                self.assertEqual(self.form(raw)[0], 400)
                status, _ = tus.send(self.url("/uploads"), "POST", {
                    "Upload-Length": "5", "Upload-Metadata": "filename " + base64.b64encode(raw).decode(),
                    "Content-Type": "application/offset+octet-stream"}, b"bytes")
                self.assertEqual(status, 400)

    def test_names_that_differ_in_case_or_look_alike_are_different_files(self):
        pairs = [("readme", "README"), ("K", "\u212a"), ("a", "а"), ("ﬁ", "fi"), ("ı", "i")]
        for one, other in pairs:
            # NFC makes one of the Kelvin sign and K: then they are one file, and nothing else of it changes.
            same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
            self.assertEqual(self.exact("PUT", "/files/" + quoted(one), b"one")[0], 201)
            self.assertEqual(self.exact("PUT", "/files/" + quoted(other), b"other")[0], 200 if same else 201)
            self.assertEqual(self.exact("GET", "/files/" + quoted(one))[2], b"other" if same else b"one")
            for name in {unicodedata.normalize("NFC", it) for it in (one, other)}:
                self.assertEqual(self.exact("DELETE", "/files/" + quoted(name))[0], 204)

    def test_forms_name_files_in_every_way_that_browsers_and_attackers_do(self):
        for field, name, stored in (("filename*", b"UTF-8''%2e%2e%2fx", None), ("filename*", b"UTF-8''a%00b", None),
                                    ("filename", b"C:\\fakepath\\x", "x"), ("filename", b"..\\..\\x", "x"),
                                    ("filename", b"../../x", None), ("filename", b"/etc/passwd", None),
                                    ("filename", b"%2e%2e%2fx", "%2e%2e%2fx"), ("filename", b"x\\", None), ("filename", b"..\\..", None)):
            with self.subTest(name=name):
                value = name if field == "filename*" else b'"' + name.replace(b"\\", b"\\\\") + b'"'
                body = b'--b\r\nContent-Disposition: form-data; name="f"; ' + field.encode() + b"=" + value + b"\r\n\r\nbytes\r\n--b--\r\n"
                status, _, answer = self.exact("POST", "/files", body, "Content-Type: multipart/form-data; boundary=b\r\n")
                self.assertEqual(status, 201 if stored else 400, answer)
                if stored:
                    self.assertIn(stored, self.names())
                    self.assertEqual(self.exact("DELETE", "/files/" + quoted(stored))[0], 204)
        self.assertEqual(self.names(), ["kept.txt"])

    def test_ids_of_uploads_are_no_paths(self):
        for identity in ("..", "../../secret.txt", "%2e%2e", "%2e%2e%2fsecret.txt", "a/b", "%00", "x" * 5000, "*", "%ff", "\\..\\", "%01uploads"):
            for method in ("HEAD", "PATCH", "DELETE"):
                with self.subTest(identity=identity, method=method):
                    with wire.connect(self.port) as connection:
                        connection.sendall((f"{method} /uploads/{identity} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"
                                            "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 0\r\n\r\n").encode())
                        status, _, body = wire.read_answer(connection, head=method == "HEAD")
                    self.assertIn(status, (400, 404, 410, 414), body)

    def test_hidden_names_of_the_node_cannot_be_reached(self):
        path = tus.create(self.url(), 10, Upload_Metadata=tus.metadata(filename="hidden"))
        identity = path.rsplit("/", 1)[1]
        for name in (f"\x01uploads/{identity}/about", f"\x01uploads/{identity}/part/0-x", "\x01live/a/b", "\x01"):
            for method in ("GET", "PUT", "DELETE"):
                self.assertEqual(self.exact(method, "/files/" + quoted(name), b"x" if method == "PUT" else b"")[0], 400)
            opcode, payload = self.read_by_socket(name)
            self.assertEqual(opcode, wire.TEXT, payload)
            self.assertIn(json.loads(payload)["status"], (400, 404))
        status, _, body = self.exact("GET", "/files?prefix=%01")
        self.assertTrue(status == 400 or json.loads(body)["files"] == [], body)
        status, _, body = self.exact("GET", "/files?after=%01uploads")
        self.assertNotIn(b"uploads/", body)
        self.assertEqual(tus.send(self.url(path), "DELETE")[0], 204)


for label, text in BAD.items():
    setattr(Names, "test_bad_" + label, lambda self, text=text: self.look_bad(text))
for label, text in GOOD.items():
    setattr(Names, "test_good_" + label, lambda self, text=text: self.look_good(text))

if __name__ == "__main__":
    unittest.main(verbosity=1)
