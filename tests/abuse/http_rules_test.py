"""What RFC 9112 and 9110 demand of a server, one case each, named by its section. Where a message's end is in
doubt there is one answer, the connection ends, and nothing of what follows is taken for a request."""
import unittest

from wire import harness
from wire import OneNode

HOST = b"Host: 127.0.0.1\r\n"
SMUGGLED = b"PUT /files/smuggled HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"


def put(headers, body=b"", name=b"stored"):
    return b"PUT /files/" + name + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


def get(line=b"GET /healthz HTTP/1.1", headers=HOST):
    return line + b"\r\n" + headers + b"\r\n"


def chunked(body):
    return put(b"Transfer-Encoding: chunked\r\n", body)


# name: (bytes, statuses that are right). Exactly one answer, and then the end.
REFUSED = {
    # 2.2: parsing of messages
    "9112_2_2_bare_lf_after_the_request_line": (b"GET /healthz HTTP/1.1\n" + HOST + b"\r\n", {400}),
    "9112_2_2_bare_lf_after_a_header": (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\n\r\n", {400}),
    "9112_2_2_bare_lf_as_the_empty_line": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\n", {400}),
    "9112_2_2_bare_cr_in_the_request_line": (b"GET /heal\rthz HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "9112_2_2_bare_cr_in_a_value": (get(headers=HOST + b"X: a\rb\r\n"), {400}),
    "9112_2_2_bare_cr_before_a_name": (get(headers=HOST + b"\rX: a\r\n"), {400}),
    "9112_2_2_space_before_the_first_header": (b"GET /healthz HTTP/1.1\r\n " + HOST + b"\r\n", {400}),
    "9112_2_2_lf_cr_for_cr_lf": (b"GET /healthz HTTP/1.1\n\r" + HOST + b"\n\r", {400}),
    "9112_2_2_nul_in_the_request_line": (get(b"GET /\x00 HTTP/1.1"), {400}),
    "9112_2_2_nul_in_a_name": (get(headers=HOST + b"X\x00Y: a\r\n"), {400}),
    # 2.3 and 3: version and request line
    "9112_2_3_version_0_9": (get(b"GET /healthz HTTP/0.9"), {400, 505}),
    "9112_2_3_version_1_2": (get(b"GET /healthz HTTP/1.2"), {400, 505}),
    "9112_2_3_version_2_0": (get(b"GET /healthz HTTP/2.0"), {400, 505}),
    "9112_2_3_version_1_10": (get(b"GET /healthz HTTP/1.10"), {400, 505}),
    "9112_2_3_version_in_small_letters": (get(b"GET /healthz http/1.1"), {400, 505}),
    "9112_2_3_version_of_another_protocol": (get(b"GET /healthz SIP/2.0"), {400, 505}),
    "9113_3_4_preface_of_http_2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
                                   {400, 505}),
    "9112_3_missing_version": (get(b"GET /healthz"), {400, 505}),
    "9112_3_request_of_http_0_9": (b"GET /healthz\r\n", {400}),
    "9112_3_two_spaces_after_the_method": (get(b"GET  /healthz HTTP/1.1"), {400}),
    "9112_3_two_spaces_after_the_target": (get(b"GET /healthz  HTTP/1.1"), {400}),
    "9112_3_tab_for_a_space": (get(b"GET\t/healthz HTTP/1.1"), {400}),
    "9112_3_space_at_the_end": (get(b"GET /healthz HTTP/1.1 "), {400, 505}),
    "9112_3_space_at_the_beginning": (get(b" GET /healthz HTTP/1.1"), {400}),
    "9112_3_space_in_the_target": (get(b"GET /heal thz HTTP/1.1"), {400}),
    "9112_3_only_a_method": (get(b"GET"), {400}),
    "9112_3_1_method_in_small_letters": (get(b"get /healthz HTTP/1.1"), {400, 501}),
    "9112_3_1_unknown_method": (get(b"BREW /healthz HTTP/1.1"), {400, 501}),
    "9112_3_1_very_long_method": (get(b"G" * 100_000 + b" / HTTP/1.1"), {400, 414, 431, 501}),
    "9112_3_1_method_with_a_bracket": (get(b"GE[T / HTTP/1.1"), {400, 501}),
    # 3.2: target and Host
    "9112_3_2_very_long_target": (get(b"GET /" + b"a" * 100_000 + b" HTTP/1.1"), {414}),
    "9112_3_2_relative_target": (get(b"GET healthz HTTP/1.1"), {400}),
    "9112_3_2_target_of_dots": (get(b"GET ../healthz HTTP/1.1"), {400}),
    "9112_3_2_bytes_beyond_ascii": (get(b"GET /\xe4 HTTP/1.1"), {400}),
    "9112_3_2_3_authority_form_of_get": (get(b"GET 127.0.0.1:80 HTTP/1.1"), {400}),
    "9112_3_2_3_connect": (get(b"CONNECT 127.0.0.1:80 HTTP/1.1"), {400, 405, 501}),
    "9112_3_2_4_asterisk_form_of_get": (get(b"GET * HTTP/1.1"), {400}),
    "9112_3_2_scheme_of_another_kind": (get(b"GET file:///etc/passwd HTTP/1.1"), {400}),
    "9112_3_2_no_host": (get(headers=b""), {400}),
    "9112_3_2_two_hosts": (get(headers=HOST + b"Host: 127.0.0.2\r\n"), {400}),
    "9112_3_2_host_twice_the_same": (get(headers=HOST + HOST), {400}),
    # 5: fields
    "9112_5_1_space_before_the_colon": (get(headers=b"Host : 127.0.0.1\r\n"), {400}),
    "9112_5_1_tab_before_the_colon": (get(headers=HOST + b"X\t: a\r\n"), {400}),
    "9112_5_1_length_with_a_space_before_its_colon": (put(b"Content-Length : 1\r\n", b"x"), {400}),
    "9112_5_1_empty_name": (get(headers=HOST + b": a\r\n"), {400}),
    "9112_5_1_name_with_a_space_within": (get(headers=HOST + b"X Y: a\r\n"), {400}),
    "9112_5_1_no_colon": (get(headers=HOST + b"nothing\r\n"), {400}),
    "9112_5_1_name_beyond_ascii": (get(headers=HOST + "Ä: a\r\n".encode()), {400}),
    "9112_5_2_folded_line": (get(headers=HOST + b"X: a\r\n b\r\n"), {400}),
    "9112_5_2_folded_line_by_a_tab": (get(headers=HOST + b"X: a\r\n\tb\r\n"), {400}),
    "9112_5_2_folded_length": (put(b"Content-Length:\r\n 1\r\n", b"x"), {400}),
    "9112_5_2_folded_encoding": (put(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), {400}),
    "9110_5_5_nul_in_a_value": (get(headers=HOST + b"X: a\x00b\r\n"), {400}),
    "9110_5_5_control_character_in_a_value": (get(headers=HOST + b"X: a\x0bb\r\n"), {400}),
    "6585_5_too_many_headers": (get(headers=HOST + b"X: a\r\n" * 5000), {431}),
    "6585_5_headers_too_long": (get(headers=HOST + b"X: " + b"a" * 500_000 + b"\r\n"), {431}),
    "6585_5_a_name_too_long": (get(headers=HOST + b"X" * 500_000 + b": a\r\n"), {431}),
    # 6: the length of the body
    "9112_6_1_length_and_encoding": (put(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                         b"0\r\n\r\n" + SMUGGLED), {400}),
    "9112_6_1_encoding_and_length": (put(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                         b"0\r\n\r\n" + SMUGGLED), {400}),
    "9112_6_1_length_and_an_unknown_encoding": (put(b"Transfer-Encoding: x\r\nContent-Length: 1\r\n", b"x"),
                                                {400, 501}),
    "9112_6_1_chunked_not_last": (put(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"), {400, 501}),
    "9112_6_1_chunked_twice": (put(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), {400, 501}),
    "9112_6_1_chunked_in_two_headers": (put(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), {400, 501}),
    "9112_6_1_chunked_and_identity": (put(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                                          b"0\r\n\r\n"), {400, 501}),
    "9112_6_1_xchunked": (put(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED), {400, 501}),
    "9112_6_1_chunkedx": (put(b"Transfer-Encoding: chunkedx\r\n", b"0\r\n\r\n" + SMUGGLED), {400, 501}),
    "9112_6_1_vertical_tab_chunked": (put(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED), {400}),
    "9112_6_1_chunked_with_a_parameter": (put(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n" + SMUGGLED),
                                          {400, 501}),
    "9112_6_1_chunked_in_quotes": (put(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n" + SMUGGLED), {400, 501}),
    "9112_6_1_empty_encoding": (put(b"Transfer-Encoding:\r\n", SMUGGLED), {400, 501}),
    "9112_6_1_identity": (put(b"Transfer-Encoding: identity\r\n", SMUGGLED), {400, 501}),
    "9112_6_1_encoding_of_http_1_0": (b"PUT /files/stored HTTP/1.0\r\n" + HOST +
                                      b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "9112_6_3_lengths_that_differ": (put(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"x" + SMUGGLED), {400}),
    "9112_6_3_lengths_that_are_the_same": (put(b"Content-Length: 1\r\nContent-Length: 1\r\n", b"x"), {400}),
    "9112_6_3_lengths_in_a_list": (put(b"Content-Length: 1, 1\r\n", b"x"), {400}),
    "9112_6_3_lengths_in_a_list_that_differ": (put(b"Content-Length: 1, 2\r\n", b"x" + SMUGGLED), {400}),
    "9112_6_3_length_with_plus": (put(b"Content-Length: +1\r\n", b"x"), {400}),
    "9112_6_3_length_with_minus": (put(b"Content-Length: -1\r\n", b"x"), {400}),
    "9112_6_3_length_minus_zero": (put(b"Content-Length: -0\r\n", SMUGGLED), {400}),
    "9112_6_3_length_in_hexadecimal": (put(b"Content-Length: 0x1\r\n", b"x"), {400}),
    "9112_6_3_length_of_letters": (put(b"Content-Length: one\r\n", b"x"), {400}),
    "9112_6_3_length_with_a_dot": (put(b"Content-Length: 1.0\r\n", b"x"), {400}),
    "9112_6_3_length_with_an_exponent": (put(b"Content-Length: 1e1\r\n", b"x"), {400}),
    "9112_6_3_length_with_an_underscore": (put(b"Content-Length: 1_0\r\n", b"x"), {400}),
    "9112_6_3_length_with_a_space_within": (put(b"Content-Length: 1 0\r\n", b"x" + SMUGGLED), {400}),
    "9112_6_3_length_with_a_semicolon": (put(b"Content-Length: 1;\r\n", b"x"), {400}),
    "9112_6_3_length_in_quotes": (put(b'Content-Length: "1"\r\n', b"x"), {400}),
    "9112_6_3_empty_length": (put(b"Content-Length:\r\n", SMUGGLED), {400}),
    "9112_6_3_length_of_2_to_64": (put(b"Content-Length: 18446744073709551616\r\n", b"x"), {400, 413}),
    "9112_6_3_length_of_2_to_64_and_1": (put(b"Content-Length: 18446744073709551617\r\n", b"x" + SMUGGLED), {400, 413}),
    "9112_6_3_length_of_2_to_64_less_1": (put(b"Content-Length: 18446744073709551615\r\n", b"x"), {400, 413}),
    "9112_6_3_length_of_2_to_63": (put(b"Content-Length: 9223372036854775808\r\n", b"x"), {400, 413}),
    "9112_6_3_length_of_2_to_32_and_1_of_a_get": (get(headers=HOST + b"Content-Length: 4294967297\r\n") + SMUGGLED, {200}),
    "9112_6_3_length_of_100_digits": (put(b"Content-Length: " + b"9" * 100 + b"\r\n", b"x"), {400, 413}),
    "9112_6_3_length_with_nul": (put(b"Content-Length: 1\x00\r\n", b"x"), {400}),
    # 7.1: chunks
    "9112_7_1_size_with_0x": (chunked(b"0x1\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_with_minus": (chunked(b"-1\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_with_plus": (chunked(b"+1\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_with_a_space_before": (chunked(b" 1\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_with_an_underscore": (chunked(b"1_0\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_of_no_digit": (chunked(b"g\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_empty_size": (chunked(b"\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_size_of_2_to_64": (chunked(b"10000000000000000\r\nx\r\n0\r\n\r\n"), {400, 413}),
    "9112_7_1_size_of_2_to_64_and_1": (chunked(b"10000000000000001\r\nx\r\n0\r\n\r\n" + SMUGGLED), {400, 413}),
    "9112_7_1_size_of_2_to_68_less_1": (chunked(b"fffffffffffffffff\r\nx\r\n0\r\n\r\n"), {400, 413}),
    "9112_7_1_bare_lf_after_the_size": (chunked(b"1\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_bare_cr_after_the_size": (chunked(b"1\rx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_bare_lf_after_the_bytes": (chunked(b"1\r\nx\n0\r\n\r\n"), {400}),
    "9112_7_1_nothing_after_the_bytes": (chunked(b"1\r\nx0\r\n\r\n"), {400}),
    "9112_7_1_more_bytes_than_the_size": (chunked(b"1\r\nxyz\r\n0\r\n\r\n"), {400}),
    "9112_7_1_bare_lf_after_the_last_chunk": (chunked(b"1\r\nx\r\n0\n\r\n"), {400}),
    "9112_7_1_1_bare_lf_in_an_extension": (chunked(b"1;a\nb\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_1_bare_cr_in_an_extension": (chunked(b"1;a\rb\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_1_nul_in_an_extension": (chunked(b"1;a\x00b\r\nx\r\n0\r\n\r\n"), {400}),
    "9112_7_1_1_flood_of_one_extension": (chunked(b"1;a=" + b"b" * 200_000 + b"\r\nx\r\n0\r\n\r\n"), {400, 431}),
    "9112_7_1_1_flood_of_extensions": (chunked(b"1;a=bcdefgh\r\nx\r\n" * 20_000 + b"0\r\n\r\n"), {400, 431}),
    "9112_7_1_2_flood_of_trailers": (chunked(b"1\r\nx\r\n0\r\n" + b"X: abcdefgh\r\n" * 20_000 + b"\r\n"), {400, 431}),
    "9112_7_1_2_trailer_with_a_bare_lf": (chunked(b"1\r\nx\r\n0\r\nX: a\nY: b\r\n\r\n"), {400}),
    "9112_7_1_2_trailer_with_nul": (chunked(b"1\r\nx\r\n0\r\nX: \x00\r\n\r\n"), {400}),
    "9112_7_1_2_trailer_with_a_space_before_its_colon": (chunked(b"1\r\nx\r\n0\r\nX : a\r\n\r\n"), {400}),
    "9112_7_1_2_trailer_folded": (chunked(b"1\r\nx\r\n0\r\nX: a\r\n b\r\n\r\n"), {400}),
    "9110_10_1_1_unknown_expectation": (put(b"Expect: the-best\r\nContent-Length: 1\r\n", b"x"), {417}),
}


class Refused(OneNode):
    def look(self, message, statuses):
        answers = self.exchange(message + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        self.assertEqual(len(answers), 1, answers.raw[:600])
        self.assertIn(answers[0], statuses, answers.raw[:600])
        self.assertTrue(answers.closed, "the connection goes on")
        if answers[0] >= 400:
            self.assertIn(b"application/problem+json", answers.raw)
        self.assertEqual(self.names(), ["kept.txt"])


for name, (sent, right) in REFUSED.items():
    setattr(Refused, "test_" + name, lambda self, sent=sent, right=right: self.look(sent, right))


class Understood(OneNode):
    """What a server must take, so that being strict does not become being wrong."""

    def answered(self, message, *statuses, **options):
        answers = self.exchange(message, seconds=options.pop("seconds", 1.0), end=True, **options)
        self.assertEqual(list(answers), list(statuses), answers.raw[:600])
        return answers

    def stored(self, name=b"stored"):
        return harness.fetch(self.node.url("/files/" + name.decode()))

    def test_9112_2_2_empty_lines_before_a_request_are_ignored(self):
        self.answered(b"\r\n\r\n" + get(), 200)

    def test_9112_3_2_2_absolute_form_outranks_host(self):
        self.answered(get(f"GET http://127.0.0.1:{self.port}/healthz HTTP/1.1".encode()), 200)
        self.answered(get(f"GET http://127.0.0.1:{self.port}/healthz HTTP/1.1".encode(), b"Host: evil.example\r\n"), 200)
        self.answered(get(b"GET http://evil.example/healthz HTTP/1.1"), 421)
        self.answered(get(f"GET http://127.0.0.1:{self.port}@evil.example/healthz HTTP/1.1".encode()), 421)

    def test_9112_3_2_4_asterisk_form_of_options(self):
        self.answered(get(b"OPTIONS * HTTP/1.1"), 204)

    def test_9112_3_2_strange_hosts_are_not_this_node(self):
        for host in (b"", b"evil.example", b"127.0.0.1, evil.example", b"user@127.0.0.1", b"127.0.0.1/evil",
                     b"127.0.0.1 evil", b"127.0.0.1:80:80", b"127.0.0.1:x", b"[::1", b"127.0.0.1.evil.example",
                     b"localhost.evil.example", b"127.0.0.1:123456"):
            with self.subTest(host=host):
                answers = self.exchange(get(headers=b"Host: " + host + b"\r\n"), seconds=0.5, end=True)
                self.assertEqual(len(answers), 1)
                self.assertIn(answers[0], (400, 421))

    def test_9112_5_spaces_around_a_value_are_not_part_of_it(self):
        self.answered(put(b"Content-Length:   1  \r\n", b"x") + get(), 201, 200)
        self.assertEqual(self.stored(), b"x")

    def test_9112_5_names_of_fields_have_no_case(self):
        self.answered(put(b"cOnTeNt-lEnGtH: 2\r\n", b"xy", b"cases") + get(), 201, 200)
        self.assertEqual(self.stored(b"cases"), b"xy")

    def test_9112_6_3_no_length_is_no_body(self):
        self.answered(b"PUT /files/empty HTTP/1.1\r\n" + HOST + b"\r\n" + get(), 201, 200)
        self.assertEqual(self.stored(b"empty"), b"")

    def test_9112_6_3_leading_zeros_of_a_length(self):
        self.answered(put(b"Content-Length: 0000000000000003\r\n", b"xyz", b"zeros") + get(), 201, 200)
        self.assertEqual(self.stored(b"zeros"), b"xyz")

    def test_9112_6_3_the_body_of_a_get_is_no_request(self):
        self.answered(get(headers=HOST + b"Content-Length: %d\r\n" % len(SMUGGLED)) + SMUGGLED, 200)
        self.answered(get(headers=HOST + b"Transfer-Encoding: chunked\r\n") + b"%x\r\n" % len(SMUGGLED) + SMUGGLED +
                      b"\r\n0\r\n\r\n", 200)
        self.assertNotIn("smuggled", self.names())

    def test_9112_6_3_the_body_of_a_refused_request_is_no_request(self):
        for line in (b"POST / HTTP/1.1", b"PUT /healthz HTTP/1.1", b"POST /files/kept.txt HTTP/1.1",
                     b"DELETE /cluster HTTP/1.1", b"PATCH /files/kept.txt HTTP/1.1", b"PUT /files/%2e%2e HTTP/1.1",
                     b"OPTIONS * HTTP/1.1", b"HEAD /healthz HTTP/1.1", b"GET /no-such-path HTTP/1.1",
                     b"POST /uploads HTTP/1.1", b"GET /ws/read HTTP/1.1"):
            with self.subTest(line=line):
                answers = self.exchange(line + b"\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
                                        seconds=0.5, end=True)
                self.assertEqual(len(answers), 1, answers.raw)
        self.assertNotIn("smuggled", self.names())

    def test_9112_7_1_sizes_in_any_case_and_with_zeros(self):
        self.answered(put(b"Transfer-Encoding: Chunked\r\n", b"000A\r\n0123456789\r\n00\r\n\r\n", b"chunks") + get(), 201, 200)
        self.assertEqual(self.stored(b"chunks"), b"0123456789")

    def test_9112_7_1_1_an_extension_is_ignored(self):
        # A second extension with a value llhttp refuses, which loses nothing.
        for number, (one, last) in enumerate(((b";a=b", b""), (b";a", b""), (b"", b";a=b"))):
            with self.subTest(one=one, last=last):
                name = b"extended-%d" % number
                self.answered(put(b"Transfer-Encoding: chunked\r\n", b"1" + one + b"\r\nx\r\n0" + last + b"\r\n\r\n", name) + get(), 201, 200)
                self.assertEqual(self.stored(name), b"x")

    def test_9112_7_1_2_trailers_change_nothing(self):
        trailers = b"Host: evil.example\r\nContent-Type: text/html\r\nIf-Match: x\r\nOrigin: http://evil.example\r\n"
        for framing in (b"Content-Length: 100\r\n", b"Transfer-Encoding: gzip\r\n"):  # 6.5.1 of 9110: never in a trailer
            answers = self.exchange(put(b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n" + framing + b"\r\n", b"framed") + get())
            self.assertIn(list(answers), ([400], [201, 200], [200, 200]))
            self.assertTrue(answers[0] == 400 or self.stored(b"framed") == b"x")
        self.answered(put(b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n" + trailers + b"\r\n", b"trailed") + get(), 201, 200)
        status, headers, body = self.request("/files/trailed")
        self.assertEqual((status, body), (200, b"x"))
        self.assertNotIn("html", headers["Content-Type"])

    def test_9112_8_a_message_that_is_cut_off_stores_nothing(self):
        for body in (b"5\r\nxxx", b"5\r\nxxxxx", b"5\r\nxxxxx\r\n", b"5\r\nxxxxx\r\n0\r\n", b"5\r\nxxxxx\r\n0\r\nX: a\r\n"):
            self.answered(put(b"Transfer-Encoding: chunked\r\n", body, b"cut"))
        self.answered(put(b"Content-Length: 9\r\n", b"12345678", b"cut"))
        self.assertNotIn("cut", self.names())

    def test_9112_9_3_2_pipelined_requests_are_answered_in_order(self):
        paths = [b"/healthz", b"/files/kept.txt", b"/no-such-path", b"/files/none", b"/files/kept.txt"] * 20
        answers = self.exchange(b"".join(get(b"GET " + path + b" HTTP/1.1") for path in paths), seconds=1.0, end=True)
        self.assertEqual(list(answers), [200, 200, 404, 404, 200] * 20)

    def test_9112_9_3_2_a_write_among_pipelined_reads_is_in_its_place(self):
        self.answered(get(b"GET /files/later HTTP/1.1") + put(b"Content-Length: 1\r\n", b"x", b"later") +
                      get(b"GET /files/later HTTP/1.1"), 404, 201, 200)

    def test_9112_9_3_2_nothing_behind_a_broken_request_is_answered(self):
        answers = self.exchange(get() + b"GET /\x01 HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED)
        self.assertEqual(list(answers), [200, 400])
        self.assertTrue(answers.closed)
        self.assertNotIn("smuggled", self.names())

    def test_9112_9_6_nothing_behind_a_close_is_answered(self):
        answers = self.exchange(get(headers=HOST + b"Connection: close\r\n") + SMUGGLED)
        self.assertEqual(list(answers), [200])
        self.assertTrue(answers.closed)
        self.assertIn(b"Connection: close", answers.raw)
        self.assertNotIn("smuggled", self.names())

    def test_9112_9_3_http_1_0_ends_unless_it_asks_to_go_on(self):
        answers = self.exchange(b"GET /healthz HTTP/1.0\r\n\r\n" + SMUGGLED)
        self.assertEqual(list(answers), [200])
        self.assertTrue(answers.closed)
        self.assertNotIn("smuggled", self.names())

    def test_9110_7_8_an_upgrade_to_what_is_not_spoken_is_ignored(self):
        for protocol in (b"h2c", b"TLS/1.0", b"websocket", b"h2c, websocket"):
            headers = HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
            self.answered(get(headers=headers) + get(), 200, 200)

    def test_9110_10_1_1_a_refused_body_that_was_not_asked_for_is_no_request(self):
        head = b"PUT /files/%2e%2e HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
        answers = self.exchange(head, SMUGGLED, pause=0.2)
        self.assertEqual(list(answers), [400])
        self.assertTrue(answers.closed)
        self.assertNotIn("smuggled", self.names())

    def test_9110_9_3_2_the_answer_to_head_has_no_body(self):
        answers = self.exchange(get(b"HEAD /files/kept.txt HTTP/1.1") + get(b"HEAD /files/none HTTP/1.1") + get(),
                                seconds=1.0, end=True)
        self.assertEqual(list(answers), [200, 404, 200])
        self.assertNotIn(b"kept\r\n", answers.raw)


if __name__ == "__main__":
    unittest.main(verbosity=1)
