"""Checks a recorded history of concurrent puts, gets and deletes of a few names against the contract.

It knows nothing of how the nodes work. Times are seconds of one clock. Every put writes other bytes,
so that what a get was given tells which put it was. A version is text; the order of texts is theirs.
"""
import dataclasses

ABSENT = "absent"  # the condition If-None-Match: *
STALENESS_SECONDS = 8  # the convergence bound of 2 s, and the longest time that a node is stopped


@dataclasses.dataclass(frozen=True)
class Operation:
    kind: str  # put, get, delete
    name: str
    node: int  # which was asked
    called: float
    returned: float
    outcome: str  # acknowledged (of a get: answered), refused, unknown
    value: str | None = None  # of a put: what it wrote; of a get: what it was given, None: no such file
    version: str | None = None  # of an acknowledged write
    run: int = 0  # how often the node had been started when it was asked
    redirected: bool = False  # a get that another node answered
    at_end: bool = False  # a get after all writes and faults, when the nodes had time to agree
    condition: str | None = None  # of a put: ABSENT, or the value that it was to replace
    resumable: bool = False  # a put by tus, which tells no version


def check(history):
    """The violations, a sentence each."""
    found = []
    for name in sorted({operation.name for operation in history}):
        found += [f"{name}: {sentence}" for sentence in _NameHistory(name, history).violations()]
    return found


class _NameHistory:
    def __init__(self, name, history):
        operations = [o for o in history if o.name == name]
        self.writes = [o for o in operations if o.kind != "get"]
        self.gets = sorted((o for o in operations if o.kind == "get" and o.outcome == "acknowledged"),
                           key=lambda o: o.called)
        self.acknowledged = [o for o in self.writes if o.outcome == "acknowledged"]
        self.put_of = {o.value: o for o in self.writes if o.kind == "put"}

    def violations(self):
        yield from self.versions()
        for get in self.gets:
            yield from self.source(get)
            yield from self.own_writes(get)
            yield from self.absence(get)
            yield from self.staleness(get)
        yield from self.conditions()
        yield from self.monotony()
        yield from self.end()

    # C1, C3: versions do not change, no two are the same, and at one node they rise.
    def versions(self):
        seen = {}
        for write in self.acknowledged:
            if write.resumable:
                continue
            if write.version is None:
                yield f"{_what(write)} was acknowledged without a version"
            elif write.version in seen:
                yield f"{_what(write)} and {_what(seen[write.version])} have the same version"
            seen[write.version] = write
        for earlier in self.acknowledged:
            for later in self.acknowledged:
                if (not later.resumable and earlier.node == later.node and earlier.returned < later.called
                        and (later.version or "") < (earlier.version or "")):
                    yield f"{_what(later)} has a lower version than {_what(earlier)} of the same node before it"

    # D2, D3: bytes that somebody wrote, and not those of a refused write.
    def source(self, get):
        if get.value is None:
            return
        put = self.put_of.get(get.value)
        if put is None:
            yield f"{_what(get)}, which nobody wrote"
        elif put.outcome == "refused":
            yield f"{_what(get)}, which was refused"
        elif put.called > get.returned:
            yield f"{_what(get)} before it was written"

    def not_older(self, get, write):
        """Whether `get` may show the state of `write` or a later one."""
        if get.value is None:
            return any(d.kind == "delete" and d.outcome != "refused" and d.called < get.returned
                       and (d.version is None or d.version >= (write.version or "")) for d in self.writes)
        put = self.put_of.get(get.value)
        return put is None or put.version is None or put.version >= (write.version or "")

    # C2: at the node that acknowledged.
    def own_writes(self, get):
        for write in self.acknowledged:
            if write.node == get.node and write.returned < get.called and not self.not_older(get, write):
                yield f"{_what(get)} after {_what(write)} there"

    # C2: at one node a condition is held against what was acknowledged there before. (Elsewhere it is best effort.)
    def conditions(self):
        for write in self.acknowledged:
            if write.condition is None:
                continue
            assumed = None if write.condition == ABSENT else write.condition
            seen = dataclasses.replace(write, kind="get", value=assumed)
            for before in self.acknowledged:
                if before.node == write.node and before.returned < write.called and not self.not_older(seen, before):
                    yield f"{_what(write)} on the condition {write.condition} after {_what(before)} there"

    # C2, A1: absent is said only of what nobody in reach knows of.
    def absence(self, get):
        if get.value is not None:
            return
        for write in self.acknowledged:
            if write.kind == "put" and write.returned < get.called and not self.not_older(get, write):
                yield f"{_what(get)} after {_what(write)}"

    # L1, and C4: nothing old comes back.
    def staleness(self, get):
        for write in self.acknowledged:
            if write.returned + STALENESS_SECONDS < get.called and not self.not_older(get, write):
                yield f"{_what(get)} more than {STALENESS_SECONDS} s after {_what(write)}"

    # C1: what a node has shown it does not take back while it runs. Where it redirects to may know more.
    def monotony(self):
        newest = {}  # (node, run) -> the gets that showed a version
        for get in sorted((get for get in self.gets if not get.redirected), key=lambda o: o.returned):
            put = self.put_of.get(get.value)
            version = put.version if put else None
            shown = [g for g in newest.get((get.node, get.run), ()) if g.returned < get.called]
            for before in shown:
                if not self.not_older(get, self.put_of[before.value]):
                    yield f"{_what(get)} after {_what(before)}"
                    break
            if version:
                newest.setdefault((get.node, get.run), []).append(get)

    # C3: one winner in the end, everywhere: the highest version, or one that was never answered.
    def end(self):
        last = [get for get in self.gets if get.at_end]
        if len({get.value for get in last}) > 1:
            yield "in the end " + "; ".join(_what(get) for get in last)
        for write in self.acknowledged:
            for get in last:
                if not self.not_older(get, write):
                    yield f"in the end {_what(get)} in spite of {_what(write)}"


def _what(operation):
    if operation.kind == "get":
        return f"node {operation.node} showed {operation.value or 'no file'} at {operation.called:.3f}"
    value = f" of {operation.value}" if operation.value else ""
    return f"{operation.kind}{value} at node {operation.node} at {operation.called:.3f} ({operation.outcome})"
