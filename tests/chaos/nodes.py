"""A cluster of `chisme node` processes that tests start, arm and kill one by one."""
import http.client
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import harness  # noqa: E402
import tus  # noqa: E402
from harness import Final, eventually, fetch, free_base_port, get_json, request, sha256  # noqa: E402
from ledger import Ledger  # noqa: E402

# What is lost is made again, and what is not wanted goes, within seconds.
QUICK = ("--repair-delay", "1s", "--last-copy-repair-delay", "1s", "--keep-removed", "2s",
         "--keep-surplus", "3s")
COPIES = 3


class Nodes:
    """`count` nodes, numbered from 1, each with its own port and directory, and the ledger of what was
    written to them. `programs`: which program a node runs, of those that do not run the tests'."""

    def __init__(self, count=4, options=QUICK, data=None, environment=None, programs=None):
        self.count = count
        self.programs = programs or {}
        self.options = options
        self.environment = environment or {}
        self.base_port = free_base_port(count)
        self._own = None if data else tempfile.mkdtemp(prefix="chisme-chaos-")
        self.data = pathlib.Path(data or self._own)
        self.nodes = {}
        self.ledger = Ledger()
        self.random = random.Random(1)
        try:
            for number in self.numbers():
                self.start(number)
            for number in self.numbers():
                self.wait_ready(number)
            eventually(lambda: all(self.alive_at(n) == count for n in self.numbers()), 20, "all nodes meet")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def numbers(self):
        return range(1, self.count + 1)

    def others(self, *numbers):
        return [n for n in self.numbers() if n not in numbers]

    # ---- Processes ----

    def directory(self, number):
        return self.data / f"node-{number}"

    def log(self, number):
        path = self.data / f"node-{number}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, number, environment=None, prefix=()):
        """Does not wait. The log is that of this run alone."""
        join = [word for n in self.others(number)
                for word in ("--join", f"{self.address(n)}:{self.base_port + n - 1 + harness.PEER_OFFSET}")]
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.data / f"node-{number}.log", "w") as log:
            self.nodes[number] = harness.Node(
                self.directory(number), (*self.options, *join), self.base_port + number - 1,
                {**self.environment, **(environment or {})}, prefix, log, self.address(number), self.programs.get(number))

    def wait_ready(self, number, seconds=30):
        self.nodes[number].wait_ready(seconds)

    def kill(self, number):
        """SIGKILL; nothing when it does not run."""
        self.nodes[number].process.kill()
        self.nodes[number].process.wait()
        self.nodes[number].close()

    def runs(self, number):
        return self.nodes[number].process.poll() is None

    def exit_code(self, number):
        return self.nodes[number].process.poll()

    def signal(self, number, which):
        os.kill(self.nodes[number].process.pid, which)

    def restart(self, number, environment=None, seconds=30):
        self.kill(number)
        self.start(number, environment)
        self.wait_ready(number, seconds)

    def alive_at(self, number):
        """How many live members the node sees."""
        return sum(m["state"] == "alive" for m in get_json(self.url(number, "/cluster"))["members"])

    def close(self):
        for number in self.nodes:
            self.kill(number)
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)

    # ---- Requests ----

    def address(self, number):
        return "127.0.0.1"

    def url(self, number, path=""):
        return f"http://{self.address(number)}:{self.base_port + number - 1}{path}"

    def file_url(self, number, name, query=""):
        return self.url(number, "/files/" + urllib.parse.quote(name) + query)

    def write(self, number, name, body, timeout=30):
        """PUT, or DELETE of body None; noted in the ledger. Its outcome."""
        outcome = "unknown"
        try:
            status, _, _ = request(self.file_url(number, name), "DELETE" if body is None else "PUT", body,
                                   timeout=timeout)
            outcome = "acknowledged" if status in (200, 201, 204) else "refused"
        except ConnectionRefusedError:
            outcome = "refused"
        except (OSError, http.client.HTTPException):
            pass
        self.ledger.note(name, body, outcome)
        return outcome

    def create_upload(self, name, size, *numbers):
        """The path of a new resumable upload, made by the first of these nodes that can."""
        for number in numbers:
            try:
                return tus.create(self.url(number), size, Upload_Metadata=tus.metadata(filename=name))
            except (OSError, http.client.HTTPException, AssertionError):
                continue
        raise Violation(f"none of the nodes {numbers} takes an upload")

    def safe_offset(self, number, path, least):
        """How far the upload is; at least as far as some node said before."""
        last = None

        def known():
            nonlocal last
            try:
                last = tus.offset(self.url(number), path)
            except AssertionError as error:  # 503: not enough nodes yet
                last = error
            return isinstance(last, int) and last >= least
        if not wait_until(known, 20, 0.1):
            raise Violation(f"{least} bytes of {path} were called safe, and node {number} says {last}")
        return last

    def finish_upload(self, number, path, body, safe):
        """Sends what is missing; again when news of more came in between. The status."""
        for _ in range(5):
            at = self.safe_offset(number, path, safe)
            status, end = tus.patch(self.url(number), path, at, body[at:])
            if status != 409:
                break
        if status == 204 and end != len(body):
            raise Violation(f"the last request to {path} was answered with the offset {end} of {len(body)}")
        return status

    def resume(self, name, body, first, other):
        """Half of an upload to `first`, which may die, the rest to `other`; noted in the ledger."""
        path = self.create_upload(name, len(body), first, other)
        safe = 0
        try:
            for end in (len(body) // 2, self.random.choice((len(body) // 2, len(body)))):
                safe = tus.patch(self.url(first), path, safe, body[safe:end])[1] or safe
        except (OSError, http.client.HTTPException):
            pass
        status = self.finish_upload(other, path, body, safe)
        self.ledger.note(name, body, "acknowledged" if status == 204 else "unknown")

    def some_bytes(self, size):
        return self.random.randbytes(size)

    def read(self, number, name, timeout=20):
        """The SHA-256 of what a client of this node gets, None if there is no such file. Raises OSError."""
        try:
            return sha256(fetch(self.file_url(number, name), timeout))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    # ---- The contract ----

    def check_name(self, name, seconds=20):
        """Every node shows one and the same of what the name may be; nothing else is ever shown."""
        def value_at(number):
            value = self.read(number, name)
            if value not in self.ledger.passing(name):
                raise Violation(f"node {number} shows {name} as {value}, which nobody wrote or was refused")
            return value

        def agreed():
            values = {value_at(number) for number in self.numbers()}
            return values if len(values) == 1 and values <= self.ledger.allowed(name) else None
        try:
            value, = eventually(agreed, seconds, f"all nodes show what {name} must be")
        except AssertionError as error:
            seen = {number: self._seen(number, name) for number in self.numbers()}
            raise Violation(f"{error}; seen {seen}, written {self.ledger.attempts[name]}") from None
        self.ledger.settle(name, value)
        return value

    def _seen(self, number, name):
        """What the node serves, and the version that it lists."""
        try:
            listed = get_json(self.url(number, f"/files?prefix={urllib.parse.quote(name)}"))["files"]
            return self.read(number, name), [file.get("version") for file in listed if file["name"] == name]
        except OSError as error:
            return str(error)

    def copies_on_disk(self, digest):
        """The nodes that have these very bytes."""
        found = set()
        for number in self.numbers():
            for path in (self.directory(number) / "objects" / digest[:2]).glob(f"{digest}-*"):
                if sha256(path.read_bytes()) == digest:
                    found.add(number)
        return found

    def check_copies(self, names, seconds=40):
        """R whole copies of each file on disks, and every node counts them."""
        values = {name: next(iter(self.ledger.allowed(name))) for name in names}
        wanted = {name: value for name, value in values.items() if value}

        def low():
            return [name for name, value in wanted.items() if len(self.copies_on_disk(value)) < COPIES]

        def counted_low():
            listed = {}
            for number in self.numbers():
                for file in self.listing(number):
                    if file["copies"] < COPIES:
                        listed.setdefault(number, []).append(file["name"])
            return listed
        eventually(lambda: not low(), seconds, f"three whole copies of each of {len(wanted)} files on disk")
        eventually(lambda: not counted_low(), seconds, "every node counts three copies of every file")

    def listing(self, number):
        """The files that the node lists; what is still being uploaded is none yet."""
        after, files = "", []
        while after is not None:
            page = get_json(self.url(number, f"/files?limit=1000&after={urllib.parse.quote(after)}"))
            files += [file for file in page["files"] if not file.get("incomplete")]
            after = page["next"]
        return files

    def check_listings(self, seconds=20):
        """Every node lists exactly what there must be."""
        expected = {name: value for name in self.ledger.names()
                    if (value := next(iter(self.ledger.allowed(name))))}
        for number in self.numbers():
            eventually(lambda n=number: {f["name"]: f["sha256"] for f in self.listing(n)} == expected, seconds,
                       f"node {number} lists what was written and no more")


class Violation(Final):
    """The contract is broken."""


def wait_until(question, seconds, pause=0.02):
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
