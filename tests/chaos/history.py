"""A history of concurrent puts (plain, conditional and by tus), gets and deletes of a few names, while one node at a time is killed or
stopped, is recorded and given to the checker (history_checker.py)."""
import http.client
import json
import random
import signal
import threading
import time
import urllib.parse

import tus
from harness import eventually, request, sha256
from history_checker import ABSENT, Operation, check
from nodes import Nodes

NAMES = ("a", "b", "c")
CLIENTS = 6
PAUSE_SECONDS_MAX = 3.0
GENERATION_SECONDS = 10
REDIRECTS_MAX = 20


class Recorder:
    """Clients that do one thing after the other at random nodes, and write down what they saw."""

    def __init__(self, nodes, source):
        self.nodes = nodes
        self.began = time.monotonic()
        self.runs = {number: 0 for number in nodes.numbers()}
        self.history = []
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.clients = [threading.Thread(target=self._client, args=(random.Random(source.random()),))
                        for _ in range(CLIENTS)]

    def _client(self, source):
        while not self.stop.is_set():
            kind = source.choices(("get", "put", "first", "next", "tus", "delete"), (10, 4, 1, 2, 1, 2))[0]
            self.operate(kind, self.name(source), source.choice(list(self.nodes.numbers())), source)
            time.sleep(source.uniform(0, 0.01))

    # Other names every now and then: the checker compares all that was done to one.
    def name(self, source):
        return f"{source.choice(NAMES)}{int((time.monotonic() - self.began) / GENERATION_SECONDS)}"

    def operate(self, kind, name, node, source, at_end=False):
        writes = kind not in ("get", "delete")
        body = source.randbytes(source.choice((20, 3_000, 200_000))) if writes else None
        condition, headers = self._condition(kind, node, name)
        run, called = self.runs[node], time.monotonic()
        outcome, value, version, redirected = "unknown", sha256(body) if body else None, None, False
        try:
            if kind == "get":
                outcome, value, redirected = self._get(node, name, source)
            elif kind == "tus":
                outcome = self._resumable(node, source.choice(self.nodes.numbers()), name, body)
            else:
                outcome, version = self._write(node, name, body, headers)
        except ConnectionRefusedError:
            outcome = "unknown" if kind == "tus" else "refused"
        except AssertionError:  # the upload was not created
            outcome = "refused"
        except (OSError, http.client.HTTPException):
            pass
        if run != self.runs[node]:
            run = -1 - len(self.history)  # the node started again meanwhile: this is of no run
        operation = Operation("put" if writes else kind, name, node, called, time.monotonic(), outcome, value, version, run,
                              redirected, at_end, condition, kind == "tus")
        with self.lock:
            self.history.append(operation)
        return operation

    def _get(self, node, name, source):
        url = self.nodes.file_url(node, name, source.choice(("", "?via=proxy")))
        for redirects in range(REDIRECTS_MAX):
            status, headers, body = request(url, timeout=10)
            if status == 307:
                url = urllib.parse.urljoin(url, headers["Location"])
            elif status in (200, 404):
                return "acknowledged", sha256(body) if status == 200 else None, redirects > 0
            else:
                return "refused", None, redirects > 0
        return "unknown", None, True

    def _condition(self, kind, node, name):
        """What a conditional write assumes of the name, for the checker and as headers."""
        if kind == "first":
            return ABSENT, {"If-None-Match": "*"}
        if kind == "next":
            try:
                status, headers, body = request(self.nodes.file_url(node, name, "?via=proxy"), timeout=10)
            except (OSError, http.client.HTTPException):
                return None, None
            if status == 200 and "ETag" in headers:
                return sha256(body), {"If-Match": headers["ETag"]}
        return None, None

    def _resumable(self, node, first, name, body):
        """Half of it goes to `first`, the rest to `node`, which acknowledges it."""
        half = len(body) // 2
        path = tus.create(self.nodes.url(first), len(body), Upload_Metadata=tus.metadata(filename=name))
        if tus.patch(self.nodes.url(first), path, 0, body[:half])[0] != 204:
            return "unknown"
        return "acknowledged" if tus.patch(self.nodes.url(node), path, half, body[half:])[0] == 204 else "unknown"

    def _write(self, node, name, body, conditions):
        method = "DELETE" if body is None else "PUT"
        status, headers, answer = request(self.nodes.file_url(node, name), method, body, conditions, timeout=20)
        if status not in (200, 201, 204):
            return "refused", None
        return "acknowledged", json.loads(answer)["version"] if answer else headers["Chisme-Version"]


def disturb(nodes, recorder, until, source):
    """One node at a time is killed and started again, or stopped for a while. How often each."""
    counts = {"kills": 0, "pauses": 0}
    while time.monotonic() < until:
        number = source.choice(list(nodes.numbers()))
        if source.random() < 0.5:
            nodes.kill(number)
            recorder.runs[number] += 1
            time.sleep(source.uniform(0, 1.5))
            nodes.start(number)
            nodes.wait_ready(number)
            counts["kills"] += 1
        else:
            nodes.signal(number, signal.SIGSTOP)
            time.sleep(source.uniform(0.1, PAUSE_SECONDS_MAX))
            nodes.signal(number, signal.SIGCONT)
            counts["pauses"] += 1
        time.sleep(source.uniform(0.3, 1.5))
    return counts


def run_all(minutes, short, seed, only, directory):
    source = random.Random(seed)
    with Nodes(5, data=directory) as nodes:
        recorder = Recorder(nodes, source)
        for client in recorder.clients:
            client.start()
        try:
            counts = disturb(nodes, recorder, time.monotonic() + (10 if short else max(30, 60 * minutes)), source)
        finally:
            recorder.stop.set()
            for client in recorder.clients:
                client.join()
        time.sleep(3)
        for name in sorted({operation.name for operation in recorder.history}):
            eventually(lambda n=name: len({nodes.read(number, n) for number in nodes.numbers()}) == 1, 20,
                       f"all nodes agree about {name}")
            for number in nodes.numbers():
                recorder.operate("get", name, number, source, at_end=True)
    history = recorder.history
    writes = [o for o in history if o.kind != "get"]
    for outcome in ("acknowledged", "refused", "unknown"):
        counts[f"writes {outcome}"] = sum(o.outcome == outcome for o in writes)
    counts["of these by tus"] = sum(o.resumable and o.outcome == "acknowledged" for o in writes)
    counts["conditions held"] = sum(o.condition is not None and o.outcome == "acknowledged" for o in writes)
    counts["reads answered"] = sum(o.kind == "get" and o.outcome == "acknowledged" for o in history)
    violations = check(history)
    if counts["writes acknowledged"] < 50 or counts["reads answered"] < 50:
        violations.append("too little happened for the check to mean anything")
    print(f"history: {counts}, {len(violations)} violations")
    return violations
