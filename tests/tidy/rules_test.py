"""Shows that each rule refuses what it is there to refuse."""
import sys
import unittest

import hardening
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


class Hardening(unittest.TestCase):
    PROTECTED = """
  Type:                              DYN (Position-Independent Executable file)
  Machine:                           Advanced Micro Devices X86-64
  LOAD           0x001000 0x0000000000002000 0x0000000000002000 0x000100 0x000100 R E 0x1000
  GNU_RELRO      0x0022b0 0x00000000000042b0 0x00000000000042b0 0x0001a0 0x000d50 R   0x1
  GNU_STACK      0x000000 0x0000000000000000 0x0000000000000000 0x000000 0x000000 RW  0
 0x000000000000001e (FLAGS)              BIND_NOW
 0x000000006ffffffb (FLAGS_1)            Flags: NOW PIE
     5: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __stack_chk_fail@GLIBC_2.4 (3)
     6: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __memcpy_chk@GLIBC_2.3.4 (4)
     7: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND _ZSt21__glibcxx_assert_failPKciS0_S0_@GLIBCXX_3.4.30 (5)
main begins with endbr64
"""

    def test_a_program_that_has_everything_passes(self):
        self.assertEqual(hardening.complaints(self.PROTECTED), [])

    def test_each_thing_that_is_missing_is_seen(self):
        lines = self.PROTECTED.strip().splitlines()
        for line in lines[3:]:
            if "BIND_NOW" in line:
                continue  # the flag after it says the same
            self.assertTrue(hardening.complaints(self.PROTECTED.replace(line, "")), line)

    def test_each_thing_that_must_not_be_is_seen(self):
        for old, new in (("DYN", "EXEC"), ("R E 0x1000", "RWE 0x1000"), ("RW  0\n", "RWE 0\n"), ("NOW PIE", "NOW"),
                         (" 0x000000000000001e", " 0x000000000000001d (RUNPATH)  Library runpath: [/tmp]\n 0x1e"),
                         (" 0x000000000000001e", " 0x0000000000000016 (TEXTREL)  0x0\n 0x1e")):
            self.assertEqual(len(hardening.complaints(self.PROTECTED.replace(old, new))), 1, new)

    def test_a_file_compiled_without_a_flag_is_named(self):
        command = " ".join(hardening.FLAGS)
        self.assertEqual(hardening.flag_complaints([{"file": "a.cpp", "command": command}]), [])
        self.assertEqual(len(hardening.flag_complaints([{"file": "a.cpp", "command": "clang++ -O2"}])), 4)


if __name__ == "__main__":
    sys.exit(unittest.main())
