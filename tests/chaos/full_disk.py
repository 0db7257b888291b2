"""Disks that run full: small file systems that clients fill, and one where only the catalogue finds no room.

Uploads are then refused with 507, soon, removals go on, and once there is room all goes on. After a kill of
all nodes everything that was acknowledged is there.
"""
import concurrent.futures
import errno
import http.client
import random
import time

import faulty_disk
import namespaces
import preload
from harness import request
from nodes import Nodes, Violation, wait_until

COUNT = 4
DISK_BYTES = 64 << 20
FILE_BYTES = 3 << 20
SOON_SECONDS = 3  # an answer without waiting for anything but a busy machine
DOUBT_SECONDS = 15  # a write whose other holders find no room is given up after 10 s
FREED_SECONDS = 20
FULL = 507
WRITERS = 8
OPTIONS = ("--repair-delay", "1s", "--last-copy-repair-delay", "1s", "--keep-removed", "1s", "--keep-surplus", "3s")


def answer(nodes, number, name, body, limit):
    """The status of a write, noted in the ledger; 0 when the connection ended without one. It may take so long."""
    began, status, outcome = time.monotonic(), 0, "unknown"
    try:
        status = request(nodes.file_url(number, name), "DELETE" if body is None else "PUT", body, timeout=limit)[0]
        outcome = "acknowledged" if status in (200, 201, 204) else "refused"
    except (OSError, http.client.HTTPException) as error:
        took = time.monotonic() - began
        if isinstance(error, TimeoutError):
            raise Violation(f"node {number} did not answer a write of {name} within {took:.0f} s") from None
    nodes.ledger.note(name, body, outcome)
    return status


def restart_all(nodes):
    for number in nodes.numbers():
        nodes.kill(number)
    for number in nodes.numbers():
        nodes.start(number)
    for number in nodes.numbers():
        nodes.wait_ready(number)


def fill(nodes, source, sizes):
    """Uploads until every node says that there is no room: how many were taken."""
    taken, full = 0, set()
    while len(full) < COUNT:
        number = source.choice([n for n in nodes.numbers() if n not in full])
        status = answer(nodes, number, f"f{len(nodes.ledger.attempts)}", source.randbytes(source.choice(sizes)), DOUBT_SECONDS)
        if status == FULL:
            full.add(number)
        elif status in (200, 201):
            taken += 1
        elif status != 503:  # the others are full
            raise Violation(f"node {number} answered {status} to an upload on a nearly full disk")
        else:
            full.add(number)
    return taken


def small_disks(directory, source):
    for number in range(1, COUNT + 1):
        (directory / f"node-{number}").mkdir(parents=True)
        namespaces.command("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", directory / f"node-{number}")
    with Nodes(COUNT, OPTIONS, data=directory) as nodes:
        taken = fill(nodes, source, (FILE_BYTES,)) + fill(nodes, source, (20_000, 300_000))
        refused = [answer(nodes, number, "too much", source.randbytes(FILE_BYTES), SOON_SECONDS)
                   for number in nodes.numbers()]
        if not set(refused) <= {FULL, 503} or FULL not in refused:
            raise Violation(f"uploads to full disks were answered {refused}")
        there = [name for name in nodes.ledger.names() if nodes.ledger.allowed(name) != {None}]
        for number, name in zip([*nodes.numbers()] * 3, there):
            status = answer(nodes, number, name, None, DOUBT_SECONDS)
            if status != 204:
                raise Violation(f"node {number} answered {status} to a removal on full disks")
        began = time.monotonic()
        for number in nodes.numbers():
            goes_on = wait_until(lambda n=number: answer(nodes, n, f"after{n}", b"x" * FILE_BYTES, DOUBT_SECONDS) in (200, 201),
                                 FREED_SECONDS, 0.5)
            if not goes_on:
                raise Violation(f"node {number} takes no uploads {FREED_SECONDS} s after there was room again")
        freed = time.monotonic() - began
        restart_all(nodes)
        for name in nodes.ledger.names():
            nodes.check_name(name)
        print(f"  {COUNT} disks of {DISK_BYTES >> 20} MiB: {taken} files taken until full, then {refused}; uploads again "
              f"{freed:.1f} s after removals; {dict(nodes.ledger.counts)}")


class OneFull(Nodes):
    """The catalogue of node 1 finds no room when told so."""

    def __init__(self, data):
        self.disk = faulty_disk.FaultyDisk(preload.build("faulty_disk", data), data / "node-1" / "catalogue", data / "control")
        super().__init__(COUNT, OPTIONS, data=data)

    def start(self, number, environment=None, prefix=()):
        super().start(number, self.disk.environment if number == 1 else environment, prefix)


def fail_beside_writers(nodes, source):
    """What clients of node 1 are answered first when its catalogue finds no room while all of them write. A write
    that is caught under way may appear: it gets no answer, but its end."""
    def write(client):
        for turn in range(10_000):
            status = answer(nodes, 1, f"client{client}-{turn}", bodies[client], SOON_SECONDS)
            if status not in (200, 201):
                return status
        return status
    bodies = [source.randbytes(5_000) for _ in range(WRITERS)]
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as clients:
        answers = [clients.submit(write, client) for client in range(WRITERS)]
        time.sleep(0.3)
        nodes.disk.fail("write", errno.ENOSPC, 1, 1 << 30)
        return [each.result() for each in answers]


def full_catalogue(directory, source):
    with OneFull(directory) as nodes:
        def upload(number, limit):
            name = f"c{len(nodes.ledger.attempts)}"
            return name, answer(nodes, number, name, source.randbytes(5_000), limit)
        names = [upload(number, SOON_SECONDS)[0] for number in nodes.numbers() for _ in range(4)]
        caught = fail_beside_writers(nodes, source)
        statuses = [upload(1, SOON_SECONDS)[1] for _ in range(5)] + [answer(nodes, 1, names[0], None, SOON_SECONDS)]
        if not set(caught) <= {0, FULL} or set(statuses) != {FULL}:
            raise Violation(f"with no room for the catalogue writes were answered {caught}, then {statuses}")
        others = [upload(number, SOON_SECONDS)[1] for number in nodes.others(1) for _ in range(4)]
        removals = [answer(nodes, number, name, None, SOON_SECONDS)
                    for number, name in zip(nodes.others(1) * 3, names[4:13])]
        if set(others) != {201} or set(removals) != {204}:
            raise Violation(f"the other nodes answered uploads {others} and removals {removals}")
        if not nodes.disk.heal():
            raise Violation("the disk never failed")
        if not wait_until(lambda: upload(1, SOON_SECONDS)[1] == 201, SOON_SECONDS, 0.2):
            raise Violation("with room for the catalogue again node 1 takes no uploads")
        restart_all(nodes)
        for name in nodes.ledger.names():
            nodes.check_name(name)
        print(f"  no room for one catalogue: {caught}, then {statuses}; at the others {others}, {removals}; "
              f"{dict(nodes.ledger.counts)}")


def run_all(minutes, short, seed, only, directory):
    source, failures = random.Random(seed), []
    for title, case in (("small disks", small_disks), ("full catalogue", full_catalogue)):
        if only not in title:
            continue
        try:
            namespaces.run(0, case, directory / title.replace(" ", "-"), source)
        except namespaces.NotAllowed as error:
            print(f"full disks: SKIPPED: {error}")
        except AssertionError as violation:
            failures.append(f"{title}: {violation}")
    return failures
