"""The power of all nodes fails at once, while a client writes: what was acknowledged is there after it.

Each node's data is on a file system of its own (ext4) in a file. A copy of that file, made while it is
mounted and the node is stopped, has what the disk was given, and not what the kernel still kept: as
after a power cut. The nodes then start on the copies. The control: with syncs that do nothing, the same
check must find losses.

Needs the right to mount; is skipped, loudly, without.
"""
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import faulty_disk
import preload
from nodes import Nodes

COUNT = 3
IMAGE_BYTES = 192 << 20
WRITING_SECONDS = 1.5


def may_mount(directory):
    """Whether an image can be mounted here."""
    try:
        disk = Disk(directory / "try.image", directory / "try")
        disk.unmount()
        return True
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"SKIPPED: power cuts need the right to mount ({error})", flush=True)
        return False


class Disk:
    """A file system in a file."""

    def __init__(self, image, mounted_at):
        self.image, self.mounted_at = pathlib.Path(image), pathlib.Path(mounted_at)
        self.mounted_at.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        # Nothing is left to be initialised later, beside the test.
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image],
                       check=True, capture_output=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mounted_at], check=True, capture_output=True)

    def unmount(self):
        subprocess.run(["umount", self.mounted_at], check=True, capture_output=True)

    def copy(self):
        """What the disk has now."""
        subprocess.run(["cp", "--sparse=always", self.image, self.image.with_suffix(".copy")], check=True)

    def become_the_copy(self):
        self.unmount()
        self.image.with_suffix(".copy").rename(self.image)
        self.mount()


class PoweredNodes(Nodes):
    def __init__(self, data, swallow_syncs=False):
        data.mkdir(parents=True)
        self.disks = {}
        self.faulty = {}
        try:
            for number in range(1, COUNT + 1):
                self.disks[number] = Disk(data / f"{number}.image", data / f"node-{number}")
                if swallow_syncs:
                    library = preload.build("faulty_disk", data)
                    self.faulty[number] = faulty_disk.FaultyDisk(library, data / f"node-{number}",
                                                                 data / f"{number}.control")
                    self.faulty[number].swallow_syncs()
            super().__init__(COUNT, data=data)
        except BaseException:
            self.unmount()
            raise

    def start(self, number, environment=None, prefix=()):
        faulty = self.faulty.get(number)
        super().start(number, faulty.environment if faulty else environment, prefix)

    def cut_power(self):
        for number in self.numbers():
            self.signal(number, signal.SIGSTOP)
        for number in self.numbers():
            self.disks[number].copy()
        for number in self.numbers():
            self.kill(number)
            self.disks[number].become_the_copy()

    def start_all(self):
        for number in self.numbers():
            self.start(number)
        for number in self.numbers():
            self.wait_ready(number)

    def close(self):
        super().close()
        self.unmount()

    def unmount(self):
        for disk in self.disks.values():
            disk.unmount()
        self.disks = {}


def write_until(nodes, stop, cut):
    """New names, old ones again, and removals, at all nodes in turn."""
    number = 0
    while not stop.is_set():
        number += 1
        name = f"c{cut}-{number if number % 3 else nodes.random.randint(1, number)}"
        body = None if number % 7 == 0 else nodes.some_bytes(nodes.random.choice((50, 5_000, 300_000, 1_300_000)))
        nodes.write(number % COUNT + 1, name, body, timeout=5)


def cut(nodes, number):
    """One power cut under load. Raises what was lost."""
    stop = threading.Event()
    client = threading.Thread(target=write_until, args=(nodes, stop, number))
    client.start()
    time.sleep(WRITING_SECONDS)
    try:
        nodes.cut_power()
    finally:
        stop.set()
        client.join()
    nodes.start_all()
    for name in nodes.ledger.names():
        if name.startswith(f"c{number}-"):
            nodes.check_name(name, 10)
    nodes.check_listings()


def control(directory):
    """Whether the check finds what syncs that do nothing lose: its complaint, or None."""
    nodes = PoweredNodes(directory, swallow_syncs=True)
    try:
        cut(nodes, 0)
    except AssertionError as found:
        return str(found)
    finally:
        nodes.close()
    return None


def run_all(minutes, short, seed, only, directory):
    if not may_mount(directory):
        return []
    failures, cuts, began = [], 0, time.monotonic()
    complaint = control(directory / "control")
    print(f"power cut, control without syncs: {complaint[:150] if complaint else 'NOTHING WAS FOUND'}")
    if not complaint:
        failures.append("the control found nothing although no sync was made")
    nodes = PoweredNodes(directory / "nodes")
    try:
        while cuts < (1 if short else 10) or (not short and time.monotonic() - began < 60 * minutes):
            cuts += 1
            cut(nodes, cuts)
        nodes.check_copies(nodes.ledger.names())
    except AssertionError as violation:
        failures.append(f"power cut {cuts}: {violation}")
    finally:
        nodes.close()
        shutil.rmtree(directory / "nodes", ignore_errors=True)
    print(f"power cuts: {cuts}, {dict(nodes.ledger.counts)}, {len(failures)} failures")
    return failures
