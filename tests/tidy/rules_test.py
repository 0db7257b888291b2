"""Shows that each rule refuses what it is there to refuse."""
import sys
import unittest

import layering
import lengths
import purity


class Layering(unittest.TestCase):
    def refused(self, path, include):
        return list(layering.complaints(path, f"#include {include}\n"))

    def test_cluster_and_web_never_meet(self):
        self.assertTrue(self.refused("cluster/core.cpp", '"web/gateway.hpp"'))
        self.assertTrue(self.refused("web/service.cpp", '"cluster/core.hpp"'))
        self.assertTrue(self.refused("cluster/base/time.hpp", '"cluster/core.hpp"'))

    def test_libraries_stay_in_their_rooms(self):
        self.assertTrue(self.refused("web/service.cpp", "<asio.hpp>"))
        self.assertTrue(self.refused("node/node.cpp", "<websocketpp/server.hpp>"))
        self.assertTrue(self.refused("cluster/core.cpp", "<thread>"))

    def test_what_is_allowed_passes(self):
        self.assertFalse(self.refused("node/node.cpp", '"web/gateway.hpp"'))
        self.assertFalse(self.refused("web/service.cpp", '"cluster/base/time.hpp"'))
        self.assertFalse(self.refused("node/node.cpp", "<asio.hpp>"))


class Lengths(unittest.TestCase):
    def function(self, lines):
        return "namespace a {\nint f(int x) {\n" + "  if (x) { x = '{'; }\n" * (lines - 2) + "}\n}\n"

    def test_a_long_function_is_refused_and_a_short_one_is_not(self):
        self.assertTrue(list(lengths.complaints("x.cpp", self.function(71))))
        self.assertFalse(list(lengths.complaints("x.cpp", self.function(70))))

    def test_a_long_member_function_is_found_inside_its_class(self):
        text = "struct A {\n void f() const {\n" + "int i = 1;\n" * 80 + "}\n};\n"
        self.assertTrue(list(lengths.complaints("x.hpp", text)))

    def test_a_long_file_is_refused(self):
        self.assertTrue(list(lengths.complaints("x.cpp", "int a;\n" * 501)))


class Purity(unittest.TestCase):
    def test_clocks_sockets_and_files_are_refused(self):
        for symbol in ("clock_gettime", "socket", "fopen", "std::chrono::_V2::steady_clock::now()"):
            self.assertTrue(purity.complaints([symbol]), symbol)

    def test_memory_and_strings_are_not(self):
        self.assertFalse(purity.complaints(["operator new(unsigned long)", "memcpy", "std::terminate()",
                                            "chisme::Random::below(unsigned long)"]))


if __name__ == "__main__":
    sys.exit(unittest.main())
