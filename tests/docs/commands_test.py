"""Runs the commands of the pages (tests/docs/pages.py says which), in order, with the real programs.

    tests/docs/commands_test.py [PAGE…]

Each page has a directory and a network of its own (a namespace: so its ports are free, and it may have the addresses
192.168.1.11, .12 and .13, as if it were three machines), /etc/chisme and /var/lib/chisme that are empty, and a file
movie.mp4. `chisme` is the built program.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from pages import blocks  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHISME = pathlib.Path(os.environ.get("CHISME", ROOT / "build/release/chisme")).resolve()
PAGES = sorted(["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
BLOCK_SECONDS = 60
OUTPUT_SECONDS = 10  # until what a page shows is there: nodes hear from each other a moment later
INSIDE = "--inside"

# As root of namespaces of its own: what a page does stays there. $1: a directory, $2: the interpreter, …
ROOM = """
set -e
ip link set lo up
for address in 11 12 13; do ip address add 192.168.1.$address/32 dev lo; done
mount -t tmpfs none "$1"
for covered in /etc /var/lib; do
  name=$(basename $covered); mkdir -p "$1/$name/upper" "$1/$name/work"
  mount -t overlay overlay -o "lowerdir=$covered,upperdir=$1/$name/upper,workdir=$1/$name/work" $covered
done
rm -rf /etc/chisme /var/lib/chisme; mkdir -p /etc/chisme /var/lib/chisme "$1/scratch"
shift; exec "$@"
"""


class Background:
    """A command that goes on: its output, and a way to type into it."""

    def __init__(self, script, **options):
        self.lines, self.changed = [], threading.Condition()
        self.process = subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, start_new_session=True, **options)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for(self, pattern):
        """A new line like this; raises with all that was said otherwise."""
        with self.changed:
            if not self.changed.wait_for(lambda: any(re.search(pattern, line) for line in self.lines), BLOCK_SECONDS):
                raise AssertionError(f"no line like {pattern!r} in\n{''.join(self.lines)}")

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Walk:
    """One page from its beginning to its end."""

    def __init__(self, page, directory):
        self.page, self.directory = page, directory
        self.running, self.output, self.commands = [], "", None
        self.environment = {**os.environ, "PATH": f"{CHISME.parent}:/usr/sbin:/sbin:{os.environ['PATH']}",
                            "HOME": str(directory / "home"), "LC_ALL": "C.UTF-8"}
        for name in [name for name in self.environment if name.startswith(("CHISME", "XDG_"))]:
            del self.environment[name]
        (directory / "home").mkdir()
        (directory / "movie.mp4").write_bytes(os.urandom(20_000_000))
        for name in ("examples", "tests", "docs"):
            (directory / name).symlink_to(ROOT / name)
        (directory / "build").mkdir()
        (directory / "build/release").symlink_to(CHISME.parent)

    def go(self):
        """Returns how many blocks were run, and what each took, for a look at the slow ones."""
        ran = []
        try:
            for block in blocks((ROOT / self.page).read_text()):
                begun = time.monotonic()
                try:
                    self.step(block)
                except AssertionError as failure:
                    raise AssertionError(f"{self.page}:{block.line}: {failure}") from None
                ran.append((time.monotonic() - begun, block.line))
        finally:
            for background in reversed(self.running):
                background.end()
        return ran

    def step(self, block):
        if block.mark == "not run":
            assert block.argument, "the comment does not say why it is not run"
        elif block.mark == "file":
            path = self.directory / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.mark == "output":
            self.compare(block.text)
        elif block.mark == "typed":
            self.running[-1].process.stdin.write(block.text)
            self.running[-1].process.stdin.flush()
            self.running[-1].wait_for(block.argument)
        elif block.mark == "background":
            background = Background(["bash", "-c", block.text], cwd=self.directory, env=self.environment)
            self.running.append(background)
            background.wait_for(block.argument)
            self.output, self.commands = "".join(background.lines), None
        else:
            self.commands = block.text
            self.run(block.text)

    def run(self, text):
        # The output goes to a file: a command that the block leaves behind may hold it.
        with tempfile.TemporaryFile("w+") as said:
            try:
                code = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.directory, env=self.environment,
                                      stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                      timeout=BLOCK_SECONDS).returncode
            except subprocess.TimeoutExpired:
                code = "no end"
            said.seek(0)
            self.output = said.read()
        told = "\n".join("".join(background.lines[-20:]) for background in self.running)
        assert code == 0, f"ended with {code}:\n{text}\n{self.output}\nmeanwhile:\n{told}"

    def compare(self, text):
        """The commands before `text` show it, if need be when they are given again."""
        end = time.monotonic() + OUTPUT_SECONDS
        while missing := self.missing(text):
            assert self.commands and time.monotonic() < end, f"no line {missing!r} in\n{self.output}"
            time.sleep(0.2)
            self.run(self.commands)

    def missing(self, text):
        """The first line of `text` that was not shown."""
        lines = [line.rstrip() for line in self.output.splitlines()]
        for line in filter(None, map(str.rstrip, text.splitlines())):
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            if not any(re.fullmatch(pattern, shown) for shown in lines):
                return line
        return None


class Commands(unittest.TestCase):
    def look_at(self, page):
        with tempfile.TemporaryDirectory(prefix="chisme-docs-") as directory:
            begun = time.monotonic()
            said = subprocess.run(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
                 *(() if os.geteuid() == 0 else ("--user", "--map-root-user")),
                 "sh", "-c", ROOM, "sh", directory, "/usr/bin/python3", __file__, INSIDE, page, directory],
                capture_output=True, text=True, timeout=300)
            print(f"{page}: {time.monotonic() - begun:.1f} s {said.stdout.strip()}")
            self.assertEqual(said.returncode, 0, said.stderr[-6000:])


def test_of(page):
    return lambda self: self.look_at(page)


for each in PAGES:
    if blocks((ROOT / each).read_text()):
        setattr(Commands, "test_" + re.sub(r"\W", "_", each), test_of(each))


def inside(page, directory):
    ran = Walk(page, pathlib.Path(directory) / "scratch").go()
    slowest = max(ran, default=(0, 0))
    print(f"({len(ran)} blocks, the slowest at line {slowest[1]}: {slowest[0]:.1f} s)")


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        inside(*sys.argv[2:])
    else:
        unittest.main(verbosity=1, argv=[sys.argv[0], *(
            "Commands.test_" + re.sub(r"\W", "_", page) for page in sys.argv[1:])])
