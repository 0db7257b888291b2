"""Real clusters for the tests: starts `chisme up`, speaks HTTP to its nodes, cleans up after itself."""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHISME = os.environ.get("CHISME", str(ROOT / "build/release/chisme"))
PEER_OFFSET = 1000


def free_base_port(count):
    """A port such that it and the following ones, and the peer ports above, are free."""
    while True:
        base = random.randrange(20000, 30000)
        with contextlib.ExitStack() as held:
            try:
                for port in [p + offset for p in range(base, base + count) for offset in (0, PEER_OFFSET)]:
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
                return base
            except OSError:
                continue


class Final(AssertionError):
    """What no waiting mends: `eventually` hands it on."""


def eventually(question, seconds, what):
    """Asks until the answer is true; fails with the last answer after `seconds`. `what`: a text, or who makes it.
    Whatever the question raises, but `Final`, is an answer that is not true yet: who has not heard of a file says 404,
    or lists nothing where the question takes the first."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer, why = question(), None
        except Final:
            raise
        except Exception as error:
            answer, why = None, error
        if answer:
            return answer
        if time.monotonic() > end:
            last = repr(why or answer)
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what} (last: {last})") from why
        time.sleep(0.05)


class Cluster:
    """`chisme up` with `count` nodes, numbered from 1, in a directory that goes away with it."""

    def __init__(self, count=5, options=(), data=None):
        self.count = count
        self.base_port = free_base_port(count)
        self._own = None if data else tempfile.mkdtemp(prefix="chisme-test-")
        self.data = pathlib.Path(data or self._own)
        self.pids = {}
        self._lines = threading.Condition()
        self._ready = False
        self.process = subprocess.Popen(
            [CHISME, "up", "--nodes", str(count), "--base-port", str(self.base_port),
             "--data", str(self.data), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait(lambda: self._ready, 30, "the cluster is ready")
        except AssertionError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _read(self):
        for line in self.process.stdout:
            with self._lines:
                if match := re.match(r"node (\d+) (\S+) pid (\d+)", line):
                    self.pids[int(match[1])] = int(match[3])
                elif line.strip() == "ready":
                    self._ready = True
                self._lines.notify_all()

    def _wait(self, question, seconds, what):
        with self._lines:
            if not self._lines.wait_for(question, seconds):
                raise AssertionError(f"not within {seconds} s: {what}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def url(self, node, path=""):
        return f"http://127.0.0.1:{self.base_port + node - 1}{path}"

    def port(self, node):
        return self.base_port + node - 1

    def node_of(self, url):
        """Which node a URL or origin names."""
        return urllib.parse.urlsplit(url).port - self.base_port + 1

    def kill(self, node):
        """SIGKILL, through `chisme up`; returns once the process is gone."""
        pid = self.pids[node]
        self.say(f"kill {node}")
        eventually(lambda: not is_running(pid), 20, f"node {node} is gone")

    def start(self, node):
        before = self.pids[node]
        self.say(f"start {node}")
        self._wait(lambda: self.pids[node] != before, 20, f"node {node} runs again")
        eventually(lambda: status_of(self.url(node, "/healthz")) == 200, 20, f"node {node} answers")

    def signal(self, node, number):
        os.kill(self.pids[node], number)

    def cluster(self, node):
        return get_json(self.url(node, "/cluster"))

    def copies(self, node, name):
        """How many live copies `node` knows of, 0 when it does not know the file."""
        files = get_json(self.url(node, "/files?prefix=" + urllib.parse.quote(name)))["files"]
        return next((file["copies"] for file in files if file["name"] == name), 0)

    def route(self, node, name):
        return get_json(self.url(node, "/route?file=" + urllib.parse.quote(name)))

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self.say("quit")
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in [*self.pids.values(), self.process.pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait(10)
        self._reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError, ValueError):
                stream.close()
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)


def is_running(pid):
    """Whether any thread of the process exists that is not a zombie: the first may be gone while
    others still hold the files."""
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rsplit(")", 1)[1].split()[0] != "Z":
                return True
    return False


def resident_bytes(pid):
    """The process's resident memory, all of it."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def request(url, method="GET", body=None, headers=None, timeout=30):
    """One request, no redirect followed: (status, headers, body)."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, target or "/", body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def status_of(url, **options):
    return request(url, **options)[0]


def get_json(url):
    status, _, body = request(url)
    assert status == 200, f"{url} answered {status}: {body[:300]!r}"
    return json.loads(body)


def put(url, body, headers=None, timeout=60):
    """PUT; returns the JSON of an acknowledgement. Raises AssertionError on any other answer."""
    status, _, answer = request(url, "PUT", body, headers, timeout)
    assert status in (200, 201), f"PUT {url} answered {status}: {answer[:300]!r}"
    return json.loads(answer)


def fetch(url, timeout=30):
    """GET with redirects followed: the bytes."""
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def some_bytes(count, seed=1):
    return random.Random(seed).randbytes(count)


def run(*command, timeout=120, **options):
    """Runs a client to its end; its output is in the result."""
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


class Node:
    """One `chisme node` process, for what `chisme up` would not start. `log`: a file for its standard
    error, which otherwise must be little. `program`: another than the tests'."""

    def __init__(self, data, options=(), port=None, environment=None, prefix=(), log=None, address="127.0.0.1",
                 program=None):
        self.port = port or free_base_port(1)
        self.address = address
        self.process = subprocess.Popen(
            [*prefix, program or CHISME, "node", "--listen", f"{address}:{self.port}", "--data", str(data), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log or subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def url(self, path=""):
        return f"http://{self.address}:{self.port}{path}"

    def wait_ready(self, seconds=10):
        def ready():
            if self.process.poll() is not None:
                raise Final("the node ended" + (f": {self.process.stderr.read()}" if self.process.stderr else ""))
            return status_of(self.url("/readyz")) == 200
        eventually(ready, seconds, "the node is ready")
        return self

    def ends(self, seconds=10):
        """The node must end by itself: (exit code, standard error)."""
        try:
            _, errors = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("the node runs although it should refuse to") from None
        return self.process.returncode, errors

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()
        for stream in filter(None, (self.process.stdout, self.process.stderr)):
            stream.close()
