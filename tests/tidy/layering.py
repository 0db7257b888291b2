"""Reads every #include against the table of ARCHITECTURE.md: who may include whom."""
import re
import sys

from sources import sources

# room -> rooms whose headers it may include by path. The longest matching prefix is a file's room.
MAY_INCLUDE = {
    "cluster/base/": {"cluster/base/"},
    "cluster/": {"cluster/base/", "cluster/"},
    "web/": {"cluster/base/", "web/"},
    "node/": {"cluster/base/", "cluster/", "web/", "node/"},
    "tests/": {"cluster/base/", "cluster/", "web/", "node/", "tests/", "tests/simulation/"},
    "tests/simulation/": {"cluster/base/", "cluster/", "tests/simulation/"},
    # One file of the program runs what otherwise only tests do: the simulator, as `chisme sim`.
    "node/cli/sim_": {"cluster/base/", "cluster/", "web/", "node/", "tests/simulation/"},
    "examples/": {"cluster/base/", "cluster/", "web/", "node/"},
}
# library -> the only places that may include it.
ONLY_IN = {
    r"^asio": ("node/", "tests/node/", "tests/end_to_end/", "tests/fuzz/"),
    r"^websocketpp/": ("web/websocket/",),
    r"^cereal/": ("cluster/wire/archives.hpp",),
    r"^sqlite3": ("node/storage/", "tests/node/storage/"),
    r"^spdlog/": ("node/log",),
    r"^prometheus/": ("node/figures.cpp", "node/metrics.cpp"),
    r"^llhttp": ("web/http/",),
    r"^expat": ("web/dav/", "web/s3/"),
    r"^nlohmann/": ("web/", "node/", "tests/"),
}
# What pure code may not even mention.
IMPURE = r"^(thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|filesystem|sys/|unistd|random|unordered_map|unordered_set)"


def room_of(path):
    rooms = [room for room in MAY_INCLUDE if path.startswith(room)]
    return max(rooms, key=len) if rooms else None


def complaints(path, text):
    """What in this file breaks the table, a sentence each."""
    room = room_of(path)
    for line in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE):
        target = room_of(line)
        if target and room and target not in MAY_INCLUDE[room]:
            yield f"{path}: {room} may not include {line}"
        for pattern, places in ONLY_IN.items():
            if re.match(pattern, line) and not path.startswith(places):
                yield f"{path}: {line} is only for {', '.join(places)}"
        if room in ("cluster/", "cluster/base/") and re.match(IMPURE, line):
            yield f"{path}: {line} is not for pure code"


def main():
    found = [c for path, text in sources(sys.argv[1]) for c in complaints(path, text)]
    print("\n".join(found) or "layering: every #include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
