"""Reads the built program (`readelf`) and the commands that compiled it: what protects its memory is there."""
import json
import re
import subprocess
import sys

# Left in no binary: of these the compiler's commands alone can tell.
FLAGS = ("-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS")


def complaints(elf):
    """What the output of `readelf --wide --file-header --program-headers --dynamic --dyn-syms` lacks."""
    is_x86 = "X86-64" in elf
    wanted = {
        "it is position independent": re.search(r"Type:\s+DYN", elf) and re.search(r"\(FLAGS_1\).*\bPIE\b", elf),
        "addresses of functions are read-only after the start (relro)": re.search(r"^\s*GNU_RELRO\b", elf, re.M),
        "all functions are found at the start (now)": re.search(r"\(FLAGS(_1)?\).*\b(BIND_)?NOW\b", elf),
        "its stack holds no code": re.search(r"^\s*GNU_STACK\s.*\sRW\s", elf, re.M),
        "no memory is both writable and code": not re.search(r"^\s*LOAD\s.*\sRWE\s", elf, re.M),
        "code is not changed at the start": "(TEXTREL)" not in elf,
        "libraries come from the system alone": not re.search(r"\((RPATH|RUNPATH)\)", elf),
        "stacks are guarded": "__stack_chk_fail" in elf,
        "the C library checks lengths": re.search(r"\b__(?!stack)\w+_chk\b", elf),
        "containers check their indices": "__glibcxx_assert_fail" in elf,
    }
    if is_x86:
        wanted["indirect jumps end at marked places"] = "main begins with endbr64" in elf
    return [f"not so: {what}" for what, found in wanted.items() if not found]


def flag_complaints(commands):
    """The commands, as CMake exports them, that lack a flag."""
    return [f"{c['file']} is compiled without {flag}" for c in commands for flag in FLAGS if flag not in c["command"]]


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *arguments], check=True, capture_output=True, text=True).stdout


def first_bytes(program, function):
    """The code that a function begins with."""
    at = re.search(rf"^\s*\d+: ([0-9a-f]+)\s.*\sFUNC\s.*\s{function}$", readelf("--syms", program), re.M)
    address = int(at[1], 16)
    for line in readelf("--program-headers", program).splitlines():
        load = re.match(r"\s*LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)", line)
        if load and 0 <= address - int(load[2], 16) < int(load[3], 16):
            with open(program, "rb") as file:
                file.seek(int(load[1], 16) + address - int(load[2], 16))
                return file.read(4)
    raise AssertionError(f"{function} is in no part of {program}")


def main():
    program, commands = sys.argv[1:]
    elf = readelf("--file-header", "--program-headers", "--dynamic", "--dyn-syms", program)
    if first_bytes(program, "main") == b"\xf3\x0f\x1e\xfa":
        elf += "main begins with endbr64\n"
    with open(commands) as file:
        found = complaints(elf) + flag_complaints(json.load(file))
    print("\n".join(found) or "hardening: everything is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
