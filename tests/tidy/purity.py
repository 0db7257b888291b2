"""Reads `nm -uC libchisme_cluster.a`: the protocol names no clock, socket, thread or file."""
import re
import shutil
import subprocess
import sys

FORBIDDEN = re.compile(
    r"\b(clock_gettime|gettimeofday|time|nanosleep|usleep|socket|connect|bind|listen|accept|send|recv"
    r"|sendto|recvfrom|epoll_\w+|poll|select|open|openat|fopen|read|write|pread|pwrite|fsync|getrandom"
    r"|getenv|rand|pthread_create|printf|fprintf|puts)$"
    r"|std::(chrono::_V2::\w+_clock::now|thread|random_device|basic_[io]?fstream|filesystem|mutex"
    r"|condition_variable|cout|cerr|cin|clog)")
# Not std::ios_base::Init: cereal's headers include <iostream>, which brings it; a use of a stream shows.


def complaints(symbols):
    """The undefined symbols that pure code may not have."""
    return [s for s in symbols if FORBIDDEN.search(s)]


def main():
    nm = shutil.which("llvm-nm-19") or "nm"
    output = subprocess.run([nm, "-uC", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    symbols = sorted({line.split(None, 1)[1] for line in output.splitlines()
                      if line.strip().startswith("U ")})
    assert symbols, "nm printed nothing: wrong library?"
    found = complaints(symbols)
    print("\n".join(found) or f"purity: {len(symbols)} undefined symbols, none impure")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
