"""What went wrong in other servers, tried here: each case has its advisory's name and a line on what it was."""
import os
import pathlib
import re
import socket
import tempfile
import time
import unittest
import urllib.parse

from wire import harness
import wire
from wire import OneNode

HOST = b"Host: 127.0.0.1\r\n"
FILM = harness.some_bytes(100_000, 7)
MIB = 1 << 20


def put(headers, body=b"", name=b"stored"):
    return b"PUT /files/" + name + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


class Ranges(OneNode):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.put(cls.node.url("/files/film.bin"), FILM)

    def get(self, ranges):
        status, headers, body = self.request("/files/film.bin", headers={"Range": ranges})
        self.assertIn(status, (200, 206, 400, 416), body[:200])
        if status == 206:
            self.assertRegex(headers["Content-Range"], r"^bytes \d+-\d+/100000$")
            first, last = map(int, re.findall(r"\d+", headers["Content-Range"])[:2])
            self.assertEqual(body, FILM[first:last + 1])
        if status == 200:
            self.assertEqual(body, FILM)
        return status

    def test_CVE_2011_3192_apache_thousands_of_ranges(self):
        before = self.resident()
        for ranges in ("bytes=0-," + ",".join(f"5-{n}" for n in range(6, 1306)), "bytes=" + ",".join(["0-"] * 2500)):
            for _ in range(20):
                self.get(ranges)
        self.assertLess(self.resident() - before, 8 * MIB)

    def test_CVE_2015_1635_windows_range_to_2_to_64(self):
        for ranges in ("bytes=0-18446744073709551615", "bytes=18-18446744073709551615", "bytes=1-18446744073709551616"):
            self.get(ranges)
        self.assertEqual(self.get("bytes=18446744073709551615-"), 416)

    def test_CVE_2017_7529_nginx_suffix_that_overflows(self):
        for ranges in ("bytes=-9223372036854775608", "bytes=-100200,-9223372036854675508", "bytes=-18446744073709551615",
                       "bytes=-9223372036854775809", "bytes=-0", "bytes=99999999999999999999-", "bytes=5-4", "bytes=--5", "bytes=5", "bytes=a-b"):
            self.get(ranges)


class Floods(OneNode):
    """Little sent must not cost much."""
    BOUNDARY = b"Content-Type: multipart/form-data; boundary=b\r\n"

    def costs(self, seconds, mib, run):
        before, begun = self.resident(), time.monotonic()
        result = run()
        self.assertLess(time.monotonic() - begun, seconds)
        self.assertLess(self.resident() - before, mib * MIB)
        return result

    def form(self, parts, count, seconds=20, end=b"--b--\r\n", **options):
        total = len(parts) * count + len(end)
        head = b"POST /files HTTP/1.1\r\n" + HOST + self.BOUNDARY + b"Content-Length: %d\r\n\r\n" % total
        pieces = [head, *[parts * 100] * (count // 100), end] if count > 100 else [head, parts * count, end]
        return self.costs(seconds, 16, lambda: self.exchange(*pieces, seconds=seconds, end=True, **options))

    def test_CVE_2014_0050_commons_fileupload_boundary_that_is_too_long(self):
        for length in (70, 71, 4091, 8000):
            boundary = b"b" * length
            body = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\na\r\n--' + boundary + b"--\r\n"
            answers = self.costs(5, 4, lambda: self.exchange(
                b"POST /files HTTP/1.1\r\n" + HOST + b"Content-Type: multipart/form-data; boundary=" + boundary +
                b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, seconds=1, end=True))
            self.assertEqual(list(answers), [201] if length == 70 else answers[:1])
            self.assertLess(answers[0], 500)

    def test_CVE_2023_24998_commons_fileupload_100000_parts(self):
        answers = self.form(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n', 100_000)
        self.assertEqual(list(answers), [413])

    def test_CVE_2023_25577_werkzeug_parts_without_end(self):
        answers = self.form(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\na\r\n', 100_000, end=b"")
        self.assertEqual(list(answers), [413])

    def test_CVE_2023_26048_jetty_large_part_without_a_file_name(self):
        head = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
        body, end = b"a" * MIB, b"\r\n--b--\r\n"
        answers = self.costs(30, 16, lambda: self.exchange(
            b"POST /files HTTP/1.1\r\n" + HOST + self.BOUNDARY + b"Content-Length: %d\r\n\r\n" % (len(head) + 200 * MIB + len(end)),
            head, *[body] * 200, end, seconds=20))
        self.assertEqual(list(answers), [400])

    def test_CVE_2024_47874_starlette_fields_that_are_kept_in_memory(self):
        part = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"a" * 100_000 + b"\r\n"
        answers = self.form(part, 500)
        self.assertEqual(list(answers), [400])

    def test_CVE_2024_30251_aiohttp_form_that_never_goes_on(self):
        for body in (b"--b\r\n", b"--b\r\n\r\n", b"--b--", b"--b\r\nContent-Disposition: form-data\r\n\r\n", b"--b\r\nContent-Length: 99\r\n\r\n--b--\r\n", b"-" * 5000, b"\r\n--" * 5000):
            answers = self.costs(5, 4, lambda: self.exchange(
                b"POST /files HTTP/1.1\r\n" + HOST + self.BOUNDARY + b"Content-Length: %d\r\n\r\n" % len(body) + body, seconds=2, end=True))
            self.assertEqual(list(answers), [400], body[:40])

    def test_CVE_2025_47287_tornado_form_of_nothing_but_mistakes_fills_no_log(self):
        before = os.path.getsize(self.root / "log")
        for _ in range(200):
            body = b"--b\r\nContent-Disposition: nonsense\r\n\r\nx\r\n" * 100 + b"--b--\r\n"
            self.exchange(b"POST /files HTTP/1.1\r\n" + HOST + self.BOUNDARY + b"Content-Length: %d\r\n\r\n" % len(body) + body, seconds=2, end=True)
        self.assertLess(os.path.getsize(self.root / "log") - before, 2000)

    def test_CVE_2024_24762_python_multipart_type_with_many_backslashes(self):
        value = b'application/x-www-form-urlencoded; !="' + b"\\" * 20_000
        for kind in (value, value.replace(b"application/x-www-form-urlencoded", b"multipart/form-data"),
                     b"multipart/form-data" + b";a=b" * 5000, b"multipart/form-data;" + b" " * 20_000):
            answers = self.costs(2, 4, lambda: self.exchange(
                b"POST /files HTTP/1.1\r\n" + HOST + b"Content-Type: " + kind + b"\r\nContent-Length: 0\r\n\r\n", seconds=1, end=True))
            self.assertIn(answers[0], (400, 415))

    def test_CVE_2024_22019_node_chunk_extension_without_end(self):
        answers = self.costs(10, 8, lambda: self.exchange(
            put(b"Transfer-Encoding: chunked\r\n"), b"1;", *[b"A" * MIB] * 64, seconds=5))
        self.assertEqual(list(answers), [431])

    def test_CVE_2023_39326_go_extensions_of_many_small_chunks(self):
        chunk = b"1;" + b"a" * 100 + b"\r\nx\r\n"
        answers = self.costs(10, 8, lambda: self.exchange(put(b"Transfer-Encoding: chunked\r\n"), *[chunk * 1000] * 20, seconds=5))
        self.assertEqual(list(answers), [431])

    def test_CVE_2012_5533_lighttpd_connection_with_empty_elements(self):
        answers = self.costs(2, 4, lambda: self.exchange(
            b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: TE,,Keep-Alive" + b"," * 20_000 + b"\r\n\r\n", seconds=1, end=True))
        self.assertEqual(list(answers), [200])

    def test_CVE_2021_32640_ws_protocols_made_of_spaces(self):
        for value in ("a" + " " * 30_000 + "b", "a," * 15_000, " ," * 15_000):
            def try_it():
                connection, status, _ = wire.upgrade(self.port, "/ws/read", f"Sec-WebSocket-Protocol: {value}\r\n")
                connection.close()
                return status
            self.assertIn(self.costs(2, 4, try_it), (101, 400))

    def test_CVE_2024_37890_ws_handshake_with_too_many_headers(self):
        connection, status, _ = wire.upgrade(self.port, "/ws/read", "X: y\r\n" * 2000)
        connection.close()
        self.assertEqual(status, 431)

    def test_CVE_2023_43669_tungstenite_handshake_that_does_not_end(self):
        head = b"GET /ws/read HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n"
        answers = self.costs(5, 4, lambda: self.exchange(head, *[b"X: " + b"y" * 1000 + b"\r\n"] * 5000))
        self.assertEqual(list(answers), [431])

    def test_CVE_2020_27813_gorilla_frame_length_that_overflows(self):
        for path in ("/ws/read", "/ws/cluster", "/ws/upload?name=flood"):
            for length in ((1 << 63) - 1, (1 << 63), (1 << 64) - 1, (1 << 62)):
                connection, status, _ = wire.upgrade(self.port, path)
                self.assertEqual(status, 101)
                with connection:
                    begun = wire.frame(wire.BINARY if "upload" in path else wire.TEXT, b"abc", final=False)
                    connection.sendall(begun + wire.frame(wire.CONTINUATION, b"def", length=length, wide=True))
                    if "upload" in path and length < 1 << 63:
                        continue  # a long file may come; it ends with the connection
                    self.assertIn(wire.close_code(connection), (1002, 1009))
        self.assertNotIn("flood", self.names())

    def test_CVE_2021_21404_syncthing_length_that_is_negative(self):
        for path in ("/ws/read", "/ws/upload?name=flood"):
            connection, _, _ = wire.upgrade(self.port, path)
            with connection:
                connection.sendall(wire.frame(wire.BINARY, b"", length=0xffffffffffffffff, wide=True))
                self.assertIn(wire.close_code(connection), (1002, 1003, 1009))

    def test_CVE_2018_1000518_websockets_compressed_message_that_was_not_agreed_on(self):
        connection, status, headers = wire.upgrade(
            self.port, "/ws/read", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
        with connection:
            self.assertEqual(status, 101)
            self.assertNotIn("sec-websocket-extensions", headers)
            connection.sendall(wire.frame(wire.TEXT, b"\xaa" * 100, reserved=4))
            self.assertEqual(wire.close_code(connection), 1002)


class Paths(OneNode):
    def exact(self, target, method=b"GET", headers=b""):
        answers = self.exchange(method + b" " + target + b" HTTP/1.1\r\n" + HOST + headers + b"Content-Length: 0\r\n\r\n", seconds=1, end=True)
        self.assertEqual(len(answers), 1, answers.raw[:300])
        self.assertNotIn(b"root:", answers.raw)
        self.assertNotIn(b"chisme-secret", answers.raw)
        return answers[0], answers.raw

    def test_CVE_2021_41773_apache_half_escaped_dots(self):
        for target in (b"/files/.%2e/.%2e/.%2e/.%2e/etc/passwd", b"/.%2e/.%2e/etc/passwd", b"/files/%2e./%2e./etc/passwd"):
            self.assertIn(self.exact(target)[0], (400, 404))

    def test_CVE_2021_42013_apache_dots_escaped_twice(self):
        for target in (b"/files/%%32%65%%32%65/etc/passwd", b"/files/.%%32%65/.%%32%65/etc/passwd", b"/files/%252e%252e/%252e%252e/etc/passwd"):
            self.assertIn(self.exact(target)[0], (400, 404))

    def test_CVE_2022_35919_minio_dots_in_a_parameter(self):
        for target in (b"/files?prefix=../../../../etc/passwd", b"/client?file=../../../../etc/passwd", b"/route?file=/etc/passwd",
                       b"/redirect?file=..%2f..%2fetc%2fpasswd", b"/files?after=../../etc", b"/files?q=../../etc/passwd"):
            status, raw = self.exact(target)
            self.assertTrue(status in (400, 404) or b'"files":[]' in raw or b'"kept.txt"' in raw, raw)

    def test_GHSA_fwj3_42wh_8673_filebrowser_removal_by_dots(self):
        (self.root / "outside.txt").write_text("stays")
        for target in (b"/files/../outside.txt", b"/files/..%2foutside.txt", b"/files/%2e%2e/outside.txt", b"/uploads/../../outside.txt", b"/uploads/..%2f..%2foutside.txt"):
            self.assertIn(self.exact(target, b"DELETE", b"Tus-Resumable: 1.0.0\r\n")[0], (400, 404))
        self.assertEqual((self.root / "outside.txt").read_text(), "stays")

    def test_tuspyserver_93_dots_in_what_is_to_be_joined(self):
        for concat in (b"final;../../etc/passwd", b"final;..", b"final;/uploads/../../etc/passwd", b"final;/uploads/..%2f..%2fetc%2fpasswd",
                       b"final;http://127.0.0.1/uploads/../x /uploads/y", b"final;file:///etc/passwd"):
            self.assertIn(self.exact(b"/uploads", b"POST", b"Tus-Resumable: 1.0.0\r\nUpload-Concat: " + concat + b"\r\n")[0], (400, 404))

    def test_CVE_2023_37474_copyparty_escaped_slash_of_the_assets(self):
        page = self.request("/")[2].decode()
        assets = re.findall(r'(?:src|href)="(/[^"]+)"', page) or ["/page.js"]
        for asset in assets[:5]:
            folder = asset.rsplit("/", 1)[0].encode()
            for evil in (b"/%2Fetc%2Fpasswd", b"/..%2f..%2fetc%2fpasswd", b"//etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd"):
                self.assertIn(self.exact(folder + evil)[0], (400, 404))

    def test_CVE_2024_23334_aiohttp_links_out_of_the_folder(self):
        # Whatever lies about in the data directory is not served: names are not paths.
        (self.data / "link").symlink_to("/etc")
        self.addCleanup((self.data / "link").unlink)
        for target in (b"/files/link/passwd", b"/link/passwd", b"/files/node.toml", b"/files/objects", b"/node.toml", b"/files/catalogue.sqlite"):
            self.assertIn(self.exact(target)[0], (400, 404))

    def test_CVE_2021_28861_python_redirect_to_another_host(self):
        for target in (b"//evil.example/..", b"//evil.example/%2f..", b"///evil.example/", b"/\\evil.example/", b"//evil.example"):
            status, raw = self.exact(target)
            self.assertIn(status, (400, 404))
            self.assertNotIn(b"Location", raw)

    def test_CVE_2021_21330_aiohttp_redirect_by_a_query(self):
        for target in (b"/redirect?file=//evil.example", b"/redirect?file=http://evil.example/", b"/redirect?url=http://evil.example",
                       b"/redirect?file=kept.txt&next=http://evil.example", b"/redirect"):
            status, raw = self.exact(target)
            location = re.search(rb"Location: ([^\r]*)", raw)
            if location:
                self.assertTrue(location[1].startswith(f"http://127.0.0.1:{self.port}/".encode()), location)

    def test_CVE_2021_21287_minio_host_that_the_client_chooses(self):
        for headers in (b"X-Forwarded-Host: evil.example\r\n", b"X-Forwarded-Proto: gopher\r\n", b"X-Original-URL: /cluster\r\n",
                        b"X-Rewrite-URL: /cluster\r\n", b"Forwarded: host=evil.example\r\n", b"X-Host: evil.example\r\n"):
            for target in (b"/redirect?file=kept.txt", b"/route?file=kept.txt", b"/files/kept.txt", b"/client?file=kept.txt", b"/"):
                _, raw = self.exact(target, headers=headers)
                self.assertNotIn(b"evil.example", raw)
                self.assertNotIn(b"gopher", raw)

    def test_CVE_2014_6287_hfs_macro_behind_nul(self):
        for target in (b"/?search=%00{.exec|id.}", b"/files?q=%00{.exec|id.}", b"/files?prefix=%00{.exec|id.}"):
            self.assertNotIn(b"uid=", self.exact(target)[1])

    def test_CVE_2024_23692_hfs_template_in_a_search(self):
        for text in ("{{7*7}}", "${7*7}", "<%= 7*7 %>", "{.exec|id.}", "#{7*7}", "%{7*7}", "{.?7*7.}"):
            status, _, body = self.request("/files?q=" + urllib.parse.quote(text), headers={"Accept": "text/html"})
            self.assertEqual(status, 200)
            self.assertNotIn(b"49", body.replace(text.encode(), b""))

    def test_CVE_2016_2216_node_line_breaks_hidden_in_unicode(self):
        # U+560D and U+560A end in the bytes of CR and LF when somebody keeps only eight bits.
        for name in ("a\u560d\u560aSet-Cookie: x=y", "a\u010d\u010aX: y", "a\u2028X: y", "ａ：ｂ"):
            quoted = urllib.parse.quote(name)
            status, _, _ = self.request("/files/" + quoted, "PUT", b"x")
            if status == 400:
                continue
            for path in ("/files/", "/client?file=", "/redirect?file="):
                raw = self.exact((path + quoted).encode())[1].split(b"\r\n\r\n")[0]
                self.assertNotRegex(raw, rb"(?m)^(Set-Cookie|X):")
                self.assertTrue(all(32 <= byte < 127 or byte in b"\r\n" for byte in raw), raw)
            self.assertEqual(self.request("/files/" + quoted, "DELETE")[0], 204)

    def test_CVE_2019_9741_go_line_breaks_in_what_comes_back_in_headers(self):
        evil = "%0d%0aSet-Cookie:%20x=y"
        for path in ("/files/x" + evil, "/client?file=x" + evil, "/redirect?file=x" + evil, "/files?prefix=" + evil,
                     "/files?after=" + evil, "/uploads/" + evil, "/x" + evil, "/ws/files/x" + evil):
            raw = self.exact(path.encode())[1].split(b"\r\n\r\n")[0]
            self.assertNotIn(b"\nSet-Cookie", raw)
        for origin in (b"http://127.0.0.1:%d\x0d" % self.port, b"http://a\x0bSet-Cookie: x"):
            answers = self.exchange(b"GET /healthz HTTP/1.1\r\n" + HOST + b"Origin: " + origin + b"\r\n\r\n", seconds=1, end=True)
            self.assertEqual(list(answers), [400])


class Browsers(OneNode):
    """What a page of somebody else, or a file of somebody else, may do in a user's browser."""

    def changing(self):
        """Every route that changes something: (method, path, body, headers)."""
        tus = {"Tus-Resumable": "1.0.0"}
        return [("PUT", "/files/evil", b"x", {}), ("PUT", "/files/evil?live=1", b"x", {}),
                ("POST", "/files", b'--b\r\nContent-Disposition: form-data; name="f"; filename="evil"\r\n\r\nx\r\n--b--\r\n',
                 {"Content-Type": "multipart/form-data; boundary=b"}),
                ("POST", "/files?from=list", b"", {"Content-Type": "multipart/form-data; boundary=b"}),
                ("DELETE", "/files/kept.txt", None, {}), ("POST", "/uploads", b"", {**tus, "Upload-Length": "0"}),
                ("PATCH", "/uploads/x", b"", {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}),
                ("POST", "/uploads/x", b"", {**tus, "X-HTTP-Method-Override": "DELETE"}), ("DELETE", "/uploads/x", None, tus),
                ("POST", "/cluster/drain", b"", {}), ("POST", "/cluster/local/kill", b"", {}),
                ("POST", "/cluster/local/stop?node=x", b"", {})]

    def every_route_refuses(self, status, **extra):
        for method, path, body, headers in self.changing():
            with self.subTest(method=method, path=path):
                answered, _, text = self.request(path, method, body, {**headers, **extra})
                self.assertEqual(answered, status, text)
        self.assertEqual(self.names(), ["kept.txt"])

    def test_CVE_2026_40344_a_sibling_handler_that_skips_the_check(self):
        self.every_route_refuses(403, Origin="http://evil.example")
        for path in ("/ws/read", "/ws/cluster", "/ws/upload?name=evil", "/ws/files/kept.txt"):
            connection, status, _ = wire.upgrade(self.port, path, "Origin: http://evil.example\r\n")
            connection.close()
            self.assertEqual(status, 403)

    def test_CVE_2021_46398_filebrowser_form_of_another_site(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
            status, _, _ = self.request("/files", "POST", b"--b--\r\n", {"Content-Type": kind, "Origin": "null"})
            self.assertEqual(status, 403)

    def test_CVE_2018_5702_transmission_name_that_is_bound_to_loopback(self):
        self.every_route_refuses(421, Host="attacker.example")
        self.every_route_refuses(421, Host=f"attacker.example:{self.port}", Origin=f"http://attacker.example:{self.port}")

    def test_CVE_2018_7160_node_inspector_socket_by_a_bound_name(self):
        for host in ("attacker.example", f"localhost.attacker.example:{self.port}", "127.0.0.1.nip.example"):
            with wire.connect(self.port) as connection:
                connection.sendall((f"GET /ws/read HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {wire.KEY}\r\n\r\n").encode())
                self.assertEqual(wire.read_answer(connection)[0], 421)

    def test_CVE_2023_38501_copyparty_query_that_comes_back_as_html(self):
        for evil in ("<img src=x onerror=alert(1)>", "\"><script>alert(1)</script>", "'onmouseover='alert(1)", "</title><script>1</script>"):
            quoted = urllib.parse.quote(evil)
            for path in ("/files?q=" + quoted, "/files?prefix=" + quoted, "/files?after=" + quoted, "/files?order=" + quoted,
                         "/files?limit=" + quoted, "/files/" + quoted, "/" + quoted, "/redirect?file=" + quoted,
                         "/client?file=" + quoted, "/route?file=" + quoted, "/uploads/" + quoted):
                for accept in ("text/html", "*/*"):
                    _, headers, body = self.request(path, headers={"Accept": accept})
                    if "html" in headers["Content-Type"]:
                        self.assertNotIn(evil.encode(), body, path)
                        self.assertNotIn(b"<img src=x", body)
                    self.assertEqual(headers["X-Content-Type-Options"], "nosniff", path)

    def stored(self, name, kind, body):
        self.assertEqual(self.request("/files/" + name, "PUT", body, {"Content-Type": kind})[0], 201)
        self.addCleanup(self.request, "/files/" + name, "DELETE")
        found = []
        for path in ("/files/" + name, "/client?file=" + name, f"/files/{name}?via=proxy", f"/files/{name}?via=local"):
            status, headers, _ = self.request(path)
            self.assertEqual(status, 200, path)
            found.append(headers)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            policy = headers["Content-Security-Policy"]
            self.assertTrue(policy.startswith("sandbox"), policy)
            self.assertNotIn("allow-scripts", policy)
            self.assertIn("default-src 'none'", policy)
        return found

    def test_CVE_2018_9206_blueimp_file_that_the_server_runs(self):
        for name, kind in (("x.php", "application/x-httpd-php"), (".htaccess", "text/plain"), ("x.cgi", "application/x-sh"), ("x.shtml", "text/html")):
            self.stored(name, kind, b"<?php echo 6*7; ?><!--#exec cmd=\"id\" -->")
            self.assertEqual(self.request("/files/" + name)[2], b"<?php echo 6*7; ?><!--#exec cmd=\"id\" -->")

    def test_CVE_2023_39612_filebrowser_html_that_runs_in_the_server_s_origin(self):
        for name, kind in (("a.html", "text/html"), ("a.xhtml", "application/xhtml+xml"), ("a.htm", ""), ("a.xml", "text/xml"), ("a.mht", "multipart/related")):
            for headers in self.stored(name, kind or "application/octet-stream", b"<script>alert(document.domain)</script>"):
                self.assertTrue(headers["Content-Disposition"].startswith("attachment"), headers)

    def test_GHSA_mmpx_jh39_wrv6_filebrowser_svg_without_a_policy(self):
        self.stored("a.svg", "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')

    def test_types_that_the_uploader_makes_up(self):
        for kind in ("text/html\x0bX", "text/html; charset=utf-7", "text/html,text/plain", "TEXT/HTML", "text/plain;text/html", "a" * 500, "*/*", "text"):
            status, _, _ = self.request("/files/kind", "PUT", b"<script>1</script>", {"Content-Type": kind})
            if status in (200, 201):
                headers = self.request("/files/kind")[1]
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertTrue(headers["Content-Security-Policy"].startswith("sandbox"))
                if "html" in headers["Content-Type"].lower():
                    self.assertTrue(headers["Content-Disposition"].startswith("attachment"), headers)
        self.request("/files/kind", "DELETE")

    def test_CVE_2024_25124_fiber_any_origin_comes_back(self):
        for origin in ("http://evil.example", "null", "http://127.0.0.1", f"http://127.0.0.1:{self.port}.evil.example",
                       f"http://127.0.0.1:{self.port}@evil.example", "http://localhost.evil.example", "https://localhost", "file://"):
            for method in ("GET", "OPTIONS"):
                _, headers, _ = self.request("/files/kept.txt", method, headers={
                    "Origin": origin, "Access-Control-Request-Method": "PUT"})
                self.assertIsNone(headers["Access-Control-Allow-Origin"], origin)
                self.assertIsNone(headers["Access-Control-Allow-Credentials"])


class Secrets(unittest.TestCase):
    def test_CVE_2023_28432_minio_status_that_tells_the_environment(self):
        with tempfile.TemporaryDirectory(prefix="chisme-test-") as directory:
            root = pathlib.Path(directory)
            made = harness.run(harness.CHISME, "secret", "new", str(root / "secret"))
            self.assertEqual(made.returncode, 0, made.stderr)
            secret = (root / "secret").read_text().strip()
            hidden = "what-only-the-environment-knows"
            with harness.Node(root / "d", ("--secret-file", str(root / "secret")), environment={"CHISME_TEST_HIDDEN": hidden}) as node:
                node.wait_ready()
                harness.put(node.url("/files/a"), b"x")
                told = b""
                for method in ("GET", "POST"):
                    for path in ("/", "/cluster", "/metrics", "/healthz", "/readyz", "/files", "/route?file=a", "/env", "/debug/vars", "/debug/pprof/cmdline",
                                 "/minio/bootstrap/v1/verify", "/proc/self/environ", "/actuator/env", "/config", "/secret", "/cluster/secret", "/none"):
                        _, headers, body = harness.request(node.url(path), method)
                        told += str(headers).encode() + body
                connection, _, _ = wire.upgrade(node.port, "/ws/cluster")
                with connection:
                    told += wire.receive(connection)[1]
                self.assertNotIn(secret.split("-")[-1].encode(), told)
                self.assertNotIn(b"chisme-secret-", told)
                self.assertNotIn(hidden.encode(), told)
                command = pathlib.Path(f"/proc/{node.process.pid}/cmdline").read_bytes()
                self.assertNotIn(secret.encode(), command)


class Limited(OneNode):
    """A node that limits the programs of its machine like others."""
    options = ("--limit-loopback", "--connections-per-address", "20", "--requests-per-second", "50",
               "--head-timeout", "2s", "--trusted-proxy", "127.0.0.3")

    def setUp(self):
        # The case before took what there was.
        harness.eventually(lambda: self.request("/files/kept.txt")[0] == 200, 10, "there is something left")

    def tearDown(self):
        self.setUp()
        super().tearDown()

    def test_CVE_2020_7219_consul_connections_without_end_of_somebody_unknown(self):
        held = []
        try:
            for _ in range(60):
                held.append(wire.connect(self.port))
            time.sleep(0.3)
            with wire.connect(self.port) as another:
                another.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertEqual(wire.read_answer(another)[0], 429)
            with socket.create_connection(("127.0.0.1", self.port), timeout=5, source_address=("127.0.0.2", 0)) as somebody:
                somebody.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertEqual(wire.read_answer(somebody)[0], 200)
            self.assertLess(self.descriptors(), 100)
        finally:
            for connection in held:
                connection.close()

    def test_CVE_2007_6750_apache_heads_that_never_end(self):
        begun = time.monotonic()
        with wire.connect(self.port, 10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n" + HOST)
            with self.assertRaises((ConnectionError, BrokenPipeError)):
                while time.monotonic() - begun < 10:
                    connection.sendall(b"X: a\r\n")
                    time.sleep(0.2)
        self.assertLess(time.monotonic() - begun, 7)

    def test_CVE_2012_3526_apache_address_that_the_client_writes_itself(self):
        def one(number, source):
            with socket.create_connection(("127.0.0.1", self.port), timeout=5, source_address=(source, 0)) as connection:
                connection.sendall((f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 198.51.{number // 250}.{number % 250}\r\n"
                                    f"Forwarded: for=198.51.{number // 250}.{number % 250}\r\nX-Real-IP: 198.51.100.{number % 250}\r\n\r\n").encode())
                return wire.read_answer(connection)[0]
        self.assertIn(429, [one(number, "127.0.0.4") for number in range(300)])
        # Of the proxy that is trusted it is believed: each is a client of its own.
        self.assertEqual({one(number, "127.0.0.3") for number in range(300)}, {200})


if __name__ == "__main__":
    unittest.main(verbosity=1)
