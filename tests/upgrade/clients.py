"""Clients that go on while nodes are replaced, and what they had to put up with."""
import asyncio
import collections
import contextlib
import hashlib
import io
import json
import pathlib
import random
import struct
import sys
import threading
import time

import websockets

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))
import chisme_client  # noqa: E402
from chisme_client import ChismeError, Patience, Unreachable, path_of  # noqa: E402
from harness import eventually, get_json, sha256, some_bytes  # noqa: E402

chisme_client.CHUNK_BYTES = 256 << 10  # so that an upload is of many acknowledged parts
FILM = "kept/film.mp4"
FILM_BYTES = 6 << 20
KEPT = {f"kept/{number}.bin": some_bytes(2000 + 7919 * number, seed=number) for number in range(20)}
KEPT[FILM] = some_bytes(FILM_BYTES, seed=99)
SLOW = "slow/"  # names of uploads that take as long as several replacements
NAMES_OF_A_WRITER = 25
PATIENCE_SECONDS = 60


class Client(chisme_client.Cluster):
    """The example client, which asks the next node when one fails; what failed is counted."""

    def __init__(self, nodes, first, tries):
        urls = [nodes.url(number) for number in nodes.numbers()]
        super().__init__(urls[first:] + urls[:first], patience=PATIENCE_SECONDS)
        self.tries = tries

    def _once(self, *request):
        try:
            return super()._once(*request)
        except Unreachable:
            self.tries["asked again"] += 1
            raise

    def put(self, name, body):
        clock = Patience(self.patience)
        while True:
            try:
                return self._once("PUT", path_of(name), {}, body).read()
            except Unreachable as failure:
                clock.wait(failure)


class Load:
    """Writers, readers, slow uploads and downloads. What they write is in the nodes' ledger; `failed` has
    the sentences of what no trying again helped."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.tries = collections.Counter()
        self.done = collections.Counter()
        self.failed = []
        self._ledger = threading.Lock()
        self._turn = threading.Condition()
        self._busy, self._quiet, self._over = 0, False, False
        for name, body in KEPT.items():
            self._note(name, body, self._client(0).put, name, body)
        jobs = [(self._write, 1), (self._write, 2), (self._read, 3), (self._read, 4), (self._upload_slowly, 2),
                (self._download_slowly, 1), (self._pull_slowly, 0)]
        self._threads = [threading.Thread(target=self._go_on, args=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        self._over = True
        with self._turn:
            self._turn.notify_all()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)

    @contextlib.contextmanager
    def quiet(self):
        """Nothing is being written meanwhile but the slow uploads."""
        with self._turn:
            self._quiet = True
            assert self._turn.wait_for(lambda: self._busy == 0, 2 * PATIENCE_SECONDS), "the clients do not pause"
        try:
            yield
        finally:
            with self._turn:
                self._quiet = False
                self._turn.notify_all()

    def _client(self, first):
        return Client(self.nodes, first, self.tries)

    def _go_on(self, job, number):
        try:
            job(number)
        except Exception as failure:  # else a client would be gone without a word
            self.failed.append(f"{job.__name__}: {failure!r}")

    @contextlib.contextmanager
    def _my_turn(self):
        with self._turn:
            self._turn.wait_for(lambda: not self._quiet or self._over)
            self._busy += 1
        try:
            yield
        finally:
            with self._turn:
                self._busy -= 1
                self._turn.notify_all()

    def _note(self, name, body, write, *arguments):
        outcome = "unknown"
        try:
            write(*arguments)
            outcome = "acknowledged"
        except ChismeError as failure:
            self.failed.append(f"writing {name}: {failure}")
        with self._ledger:
            self.nodes.ledger.note(name, body, outcome)
        self.done["written" if body is not None else "removed"] += outcome == "acknowledged"

    # ---- Clients that do one thing after the other ----

    def _write(self, number):
        client, source = self._client(number), random.Random(number)
        while not self._over:
            with self._my_turn():
                name = f"w{number}/{source.randrange(NAMES_OF_A_WRITER)}.bin"
                what = source.random()
                body = source.randbytes(source.choice((10, 3000, 200_000)) if what < 0.8 else 700_000)
                if what < 0.15:
                    self._note(name, None, client.remove, name)
                elif what < 0.8:
                    self._note(name, body, client.put, name, body)
                else:
                    self._note(name, body, client.upload_from, io.BytesIO(body), len(body), name)
            time.sleep(0.05)

    def _read(self, number):
        client, source = self._client(number), random.Random(number)
        while not self._over:
            with self._my_turn():
                self._fetch(client, source.choice(sorted(KEPT.keys() - {FILM})), 0)
            time.sleep(0.02)

    def _fetch(self, client, name, pause):
        """The whole file as it was stored, a block at a time."""
        try:
            with client.open(name) as stream:
                got = hashlib.sha256()
                for block in stream:
                    got.update(block)
                    time.sleep(pause)
                self.tries["streams that changed holder"] += stream.failovers > 0
            if got.hexdigest() != sha256(KEPT[name]):
                raise ChismeError("other bytes than were stored")
            self.done["read" if pause == 0 else "film read"] += 1
        except ChismeError as failure:
            self.failed.append(f"reading {name}: {failure}")

    # ---- Clients that a replacement finds in the middle of something ----

    def _upload_slowly(self, number):
        client, uploads = self._client(number), 0
        while not self._over:
            uploads += 1
            name, body = f"{SLOW}{uploads}.bin", some_bytes(5 << 20, seed=uploads)
            self._note(name, body, client.upload_from, io.BytesIO(body), len(body), name, lambda *_: time.sleep(0.3))
            self.done["slow upload"] += 1

    def _download_slowly(self, number):
        while not self._over:
            self._fetch(self._client(number), FILM, 0.3)

    def _pull_slowly(self, number):
        asyncio.run(self._pull_films(number))

    async def _pull_films(self, number):
        while not self._over:
            whole, at, socket, clock = hashlib.sha256(), 0, None, Patience(PATIENCE_SECONDS)
            while at < FILM_BYTES:
                try:
                    socket = socket or await websockets.connect(
                        self.nodes.url(1 + number % self.nodes.count, "/ws/read").replace("http", "ws"), max_size=None)
                    block = await asyncio.wait_for(self._pull(socket, at), 10)
                except (OSError, websockets.WebSocketException, asyncio.TimeoutError, Unreachable) as failure:
                    number, socket = number + 1, None
                    self.tries["WebSockets that changed node"] += 1
                    clock.wait(failure)
                    continue
                whole.update(block)
                at += len(block)
                clock.wind()
                await asyncio.sleep(0.3)
            if whole.hexdigest() != sha256(KEPT[FILM]):
                raise ChismeError("a WebSocket brought other bytes than were stored")
            await socket.close()
            self.done["film pulled"] += 1

    async def _pull(self, socket, at):
        length = min(256 << 10, FILM_BYTES - at)
        await socket.send(json.dumps({"id": 1, "op": "read", "file": FILM, "offset": at, "length": length}))
        block = b""
        while len(block) < length:
            message = await socket.recv()
            if isinstance(message, str):
                raise Unreachable(message)
            identity, offset = struct.unpack(">IQ", message[:12])
            assert (identity, offset) == (1, at + len(block)), (identity, offset)
            block += message[12:]
        return block


def check_all(nodes, load=None):
    """Every node shows and lists exactly what was written, but for uploads that go on."""
    with load.quiet() if load else contextlib.nullcontext():
        names = [name for name in nodes.ledger.names() if not (load and name.startswith(SLOW))]
        for name in names:
            nodes.check_name(name)
        expected = {name: value for name in names if (value := next(iter(nodes.ledger.allowed(name))))}
        for number in nodes.numbers():
            def listed(node=number):
                return {file["name"]: file["sha256"] for file in nodes.listing(node)
                        if not (load and file["name"].startswith(SLOW))}
            eventually(lambda: listed() == expected, 20, f"node {number} lists what was written and no more")
    return len(names)


def is_whole(nodes, asked, alive):
    """What docs/upgrades.md has an operator wait for, as node `asked` tells it."""
    told = get_json(nodes.url(asked, "/cluster"))
    living = sum(member["state"] == "alive" for member in told["members"])
    return living == alive and told["under_replicated"] == 0 and told["lost"] == 0
