"""Resumable uploads whose nodes are killed: each goes on at another node from the last byte that was
called safe, and ends as the same bytes everywhere."""
import threading
import time

import tus
from harness import sha256
from nodes import Nodes, Violation

UPLOADS, SHORT_UPLOADS = 100, 5
SIZES = (1 << 20, 6 << 20, 40 << 20)
KILLS = 2


def send_slowly(nodes, number, path, at, body, until):
    """Sends to `number` from `at` on, until the node is gone; a chunk at a time, so that a kill comes in
    between."""
    try:
        connection = tus.begin_patch(nodes.base_port + number - 1, path, at, len(body) - at)
        with connection:
            while at < len(body) and not until.is_set():
                connection.sendall(body[at:at + 65536])
                at += 65536
                time.sleep(0.001)
            connection.settimeout(5)
            connection.recv(1024)
    except OSError:
        pass


def one(nodes, name, size):
    """One upload; how often it went on at another node with bytes that it needed not send again."""
    body = nodes.some_bytes(size)
    number = nodes.random.choice(nodes.numbers())
    path = nodes.create_upload(name, size, number)
    at, kept = 0, 0
    for _ in range(KILLS):
        over = threading.Event()
        sender = threading.Thread(target=send_slowly, args=(nodes, number, path, at, body, over))
        sender.start()
        time.sleep(nodes.random.uniform(0.02, 0.02 + 1.2 * (size - at) / 65536 / 800))
        nodes.kill(number)
        over.set()
        sender.join()
        other = nodes.random.choice(nodes.others(number))
        at = nodes.safe_offset(other, path, at)
        kept += at > 0
        nodes.restart(number)
        number = other
    status = nodes.finish_upload(number, path, body, at)
    if status != 204:
        raise Violation(f"the last request of {name} was answered {status}")
    for reader in nodes.numbers():
        if nodes.read(reader, name) != sha256(body):
            raise Violation(f"node {reader} has other bytes of {name}")
    return kept


def run_all(_minutes, short, seed, only, directory):
    uploads = SHORT_UPLOADS if short else UPLOADS
    failures, done, kept = [], 0, 0
    with Nodes(5, data=directory) as nodes:
        nodes.random.seed(seed)
        for turn in range(uploads):
            name = f"u{turn}"
            if only not in name:
                continue
            try:
                kept += one(nodes, name, SIZES[turn % len(SIZES)])
                done += 1
            except (AssertionError, OSError) as error:
                failures.append(f"{name}: {error}")
    print(f"resume: {done} of {uploads} uploads whose node was killed {KILLS} times ended byte-identical; "
          f"{kept} times something was safe already")
    return failures
