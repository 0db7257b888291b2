"""The test's end of faulty_disk.c, built by preload.py: gives it to a node, and tells it which call fails."""
import mmap
import os
import pathlib
import struct

CALLS = ("none", "open", "write", "fsync", "fdatasync", "rename", "fallocate", "ftruncate", "unlink")
_NUMBERS = struct.Struct("7i")


class FaultyDisk:
    """The disk of one node, whose files are below `root`."""

    def __init__(self, library, root, control):
        control = pathlib.Path(control)
        control.write_bytes(bytes(_NUMBERS.size))
        with open(control, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBERS.size)
        self.environment = {"LD_PRELOAD": str(library), "FAULTY_DISK_ROOT": str(root),
                            "FAULTY_DISK_CONTROL": str(control)}

    def fail(self, call, error, nth=1, times=1):
        """From now on the nth pass of `call`, and those after it, fail: `times` of them."""
        self._memory[:] = _NUMBERS.pack(CALLS.index("none"), error, nth, times, 0, 0, 0)
        self._memory[:4] = struct.pack("i", CALLS.index(call))

    def swallow_syncs(self):
        self._memory[:] = _NUMBERS.pack(0, 0, 0, 0, 0, 0, 1)

    def heal(self):
        """No call fails any more; how many did."""
        failed = self.failed()
        self._memory[:4] = struct.pack("i", CALLS.index("none"))
        return failed

    def failed(self):
        return _NUMBERS.unpack(self._memory[:])[5]
