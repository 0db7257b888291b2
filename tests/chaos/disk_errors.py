"""Every nth system call of a kind fails at one node: nothing is acknowledged that is not there.

After each error all nodes are killed (SIGKILL) and started again, which leaves only what the kernel
was given. The node with the error may refuse, go on or end, but not crash. What it says after a failed
sync is its own affair: acknowledged is what the contract makes it.
"""
import contextlib
import errno
import signal
import socket
import time

import faulty_disk
import preload
from nodes import Nodes, Violation, wait_until

ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
FAULTY = 1
PATIENCE_SECONDS = 3  # a node whose catalogue finds no room goes on trying, and answers when there is some
NTH_MAX = 60  # a trial makes no more passes of any call than this
FOR_EVER = 1 << 30
SHORT = (("write", "ENOSPC", 2, FOR_EVER), ("fsync", "EIO", 2, 1), ("fdatasync", "EIO", 1, 1), ("rename", "EIO", 1, 1))


class FaultyNodes(Nodes):
    """The disk of node 1 fails on demand."""

    def __init__(self, data_library_in):
        self.disk = None
        self._library_in = data_library_in
        super().__init__(4, data=data_library_in)

    def start(self, number, environment=None, prefix=()):
        if number == FAULTY:
            if not self.disk:
                library = preload.build("faulty_disk", self._library_in)
                self.disk = faulty_disk.FaultyDisk(library, self.directory(FAULTY), self.data / "control")
            environment = {**self.disk.environment, **(environment or {})}
        super().start(number, environment, prefix)

    def restart_all(self):
        for number in self.numbers():
            self.kill(number)
        for number in self.numbers():
            self.start(number)
        for number in self.numbers():
            self.wait_ready(number)


def give_up_an_upload(nodes, name):
    """Of 2 MB a part is sent to the faulty node, whose staging file then goes. No write: it has no end."""
    at = (nodes.address(FAULTY), nodes.base_port + FAULTY - 1)
    with contextlib.suppress(OSError), socket.create_connection(at, 5) as connection:
        connection.sendall(f"PUT /files/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000\r\n\r\n".encode())
        connection.sendall(bytes(300_000))


def work(nodes, trial):
    """Writes at the faulty node and at others; the names. Their outcomes are in the ledger."""
    names = [f"t{trial}-{number}" for number in range(4)]
    give_up_an_upload(nodes, f"t{trial}-given-up")
    for number, name in enumerate(names):
        at = FAULTY if number % 2 == 0 else nodes.random.choice(nodes.others(FAULTY))
        nodes.write(at, name, nodes.some_bytes(2_000 if number < 2 else 1_300_000), PATIENCE_SECONDS)
    nodes.write(FAULTY, names[0], nodes.some_bytes(5_000), PATIENCE_SECONDS)
    nodes.write(FAULTY, names[1], None, PATIENCE_SECONDS)
    return names


def play(nodes, trial, call, error, nth, times):
    """One error. Raises what it finds; returns how many calls failed and whether the node ended."""
    before = dict(nodes.ledger.counts)
    nodes.disk.fail(call, ERRORS[error], nth, times)
    names = work(nodes, trial)
    failed = nodes.disk.heal()
    ended = wait_until(lambda: not nodes.runs(FAULTY), 0.3 if failed else 0)
    if ended and (nodes.exit_code(FAULTY) < 0 or "CHECK failed" in nodes.log(FAULTY)):
        raise Violation(f"the node crashed with {signal.Signals(-nodes.exit_code(FAULTY)).name}: {nodes.log(FAULTY)[-500:]}")
    if not failed and nodes.ledger.counts["acknowledged"] - before.get("acknowledged", 0) != 6:
        raise Violation("without an error not all writes were acknowledged")
    nodes.restart_all()
    for name in names:
        nodes.check_name(name)
    nodes.check_copies(names)
    return failed, ended


def trials(short):
    """(call, error, nth, times); a generator that is told how many calls the last one made fail."""
    if short:
        for trial in SHORT:
            yield trial
        return
    for call in faulty_disk.CALLS[1:]:
        for error in ERRORS:
            for times in (1, FOR_EVER):
                for nth in range(1, NTH_MAX):
                    failed = yield (call, error, nth, times)
                    if failed == 0:
                        break


def run_all(minutes, short, seed, only, directory):
    """Each call, error and position, once; with more minutes, again."""
    began, number, failures, errors, ended = time.monotonic(), 0, [], 0, 0
    nodes = FaultyNodes(directory / "0")
    counts = nodes.ledger.counts
    kinds = {}
    try:
        while number == 0 or (not short and time.monotonic() - began < 60 * minutes):
            source, failed = trials(short), None
            while True:
                try:
                    call, error, nth, times = source.send(failed)
                except StopIteration:
                    break
                if only not in f"{call}:{error}":
                    failed = 0
                    continue
                number += 1
                try:
                    failed, stopped = play(nodes, number, call, error, nth, times)
                    errors, ended = errors + failed, ended + stopped
                    kinds[(call, error)] = kinds.get((call, error), 0) + (failed > 0)
                except AssertionError as violation:
                    failures.append(f"{call}:{nth} {error} {'once' if times == 1 else 'from then on'}: {violation}")
                    print(failures[-1], flush=True)
                    failed = 1
                    nodes.close()
                    nodes = FaultyNodes(directory / str(number))
                    nodes.ledger.counts = counts
    finally:
        nodes.close()
    for (call, error), positions in sorted(kinds.items()):
        print(f"  {call} {error}: {positions} trials with an error")
    print(f"disk errors: {errors} calls failed in {number} trials, the node ended in {ended}, "
          f"{dict(counts)}, {len(failures)} false acknowledgements or other failures")
    if number and errors == 0:
        failures.append("no call ever failed")
    return failures
