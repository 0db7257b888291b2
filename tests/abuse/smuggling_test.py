"""Smuggled requests and split answers of other servers, tried here: each case has its advisory's name."""
import unittest

from wire import OneNode

HOST = b"Host: 127.0.0.1\r\n"
SMUGGLED = b"PUT /files/smuggled HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"


def put(headers, body=b"", name=b"stored"):
    return b"PUT /files/" + name + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


class Smuggling(OneNode):
    """One message must never be read as two, nor the other way round."""

    def one(self, message, *statuses):
        answers = self.exchange(message)
        self.assertEqual(len(answers), 1, answers.raw[:500])
        self.assertIn(answers[0], statuses, answers.raw[:500])
        self.assertTrue(answers.closed)
        self.assertEqual(self.names(), ["kept.txt"])

    def test_CVE_2005_2088_apache_length_and_encoding_together(self):
        self.one(put(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2013_2028_nginx_chunk_size_that_is_negative(self):
        self.one(put(b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffed\r\n" + b"A" * 10_000), 400, 413)

    def test_CVE_2019_16785_waitress_lf_ends_a_line(self):
        self.one(b"PUT /files/stored HTTP/1.1\r\n" + HOST + b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400)

    def test_CVE_2019_16786_waitress_encoding_in_another_case_and_place(self):
        self.one(put(b"Transfer-Encoding: gzip, ChUnKeD, x\r\n", b"0\r\n\r\n" + SMUGGLED), 400, 501)

    def test_CVE_2019_16792_waitress_length_twice(self):
        self.one(put(b"Content-Length: 42\r\nContent-Length: 0\r\n", SMUGGLED), 400)

    def test_CVE_2019_16869_netty_space_before_the_colon(self):
        self.one(put(b"Content-Length: 5\r\nTransfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2019_18277_haproxy_vertical_tab_before_chunked(self):
        self.one(put(b"Content-Length: 6\r\nTransfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\nX" + SMUGGLED), 400)

    def test_CVE_2020_7238_netty_space_before_the_name(self):
        self.one(put(b" Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2020_8287_node_encoding_twice(self):
        self.one(put(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: eee\r\n", b"0\r\n\r\n" + SMUGGLED), 400, 501)

    def test_CVE_2021_22959_llhttp_space_before_the_colon(self):
        self.one(put(b"Content-Length : 5\r\n", b"hello" + SMUGGLED), 400)

    def test_CVE_2021_22960_llhttp_lf_within_a_chunk_extension(self):
        self.one(put(b"Transfer-Encoding: chunked\r\n", b"2 \n;x\r\n4c\r\n0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2021_32714_hyper_chunk_size_that_overflows(self):
        self.one(put(b"Transfer-Encoding: chunked\r\n", b"f0000000000000003\r\nabc\r\n0\r\n\r\n" + SMUGGLED), 400, 413)

    def test_CVE_2021_32715_hyper_length_with_a_plus(self):
        self.one(put(b"Content-Length: +3\r\n", b"abc" + SMUGGLED), 400)

    def test_CVE_2021_40346_haproxy_name_whose_length_overflows(self):
        # A name of 270 bytes is a name: the body is what the real length says, and no request.
        message = (b"PUT /files/kept.txt HTTP/1.1\r\n" + HOST + b"Content-Length0" + b"a" * 255 + b":\r\n"
                   b"If-None-Match: *\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(SMUGGLED) + SMUGGLED)
        self.one(message, 412)

    def test_CVE_2022_24801_twisted_chunk_size_with_0x(self):
        self.one(put(b"Transfer-Encoding: chunked\r\n", b"0x3\r\nabc\r\n0\r\n\r\n"), 400)

    def test_CVE_2022_32213_llhttp_encoding_that_does_not_end_with_chunked(self):
        self.one(put(b"Transfer-Encoding: chunkedchunked\r\n", b"1\r\na\r\n0\r\n\r\n" + SMUGGLED), 400, 501)

    def test_CVE_2022_32214_llhttp_cr_alone_before_a_header(self):
        self.one(b"PUT /files/stored HTTP/1.1\r\n" + HOST + b"Dummy: x\rContent-Length: 23\r\n\r\n" + SMUGGLED, 400)

    def test_CVE_2022_32215_llhttp_encoding_on_several_lines(self):
        self.one(put(b"Transfer-Encoding: chunked,\r\n identity\r\n", b"1\r\na\r\n0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2022_35256_llhttp_header_without_its_cr(self):
        self.one(put(b"x:x\nTransfer-Encoding: chunked\r\n", b"1\r\nA\r\n0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2023_30589_llhttp_cr_alone_ends_a_header(self):
        self.one(put(b"X-Abc:\rxTransfer-Encoding: chunked\r\n", b"1\r\nA\r\n0\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2023_40167_jetty_length_with_a_plus_and_zeros(self):
        self.one(put(b"Content-Length: +0\r\n", SMUGGLED), 400)

    def test_CVE_2023_40175_puma_trailers_and_empty_length(self):
        self.one(put(b"Content-Length:\r\nTransfer-Encoding: chunked\r\n", b"0\r\nX: a\r\n\r\n" + SMUGGLED), 400)

    def test_CVE_2024_1135_gunicorn_encoding_with_an_unknown_one(self):
        self.one(put(b"Transfer-Encoding: chunked,gunicorn\r\n", b"0\r\n\r\n" + SMUGGLED), 400, 501)

    def test_CVE_2024_27982_node_space_before_the_length(self):
        self.one(b"PUT /files/stored HTTP/1.1\r\n Content-Length: 5\r\n" + HOST + b"\r\n" + SMUGGLED, 400)

    def test_CVE_2025_22871_go_lf_alone_after_a_chunk_size(self):
        self.one(put(b"Transfer-Encoding: chunked\r\n", b"1;a\nx\r\n0\r\n\r\n" + SMUGGLED), 400)


if __name__ == "__main__":
    unittest.main()
