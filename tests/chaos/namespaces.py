"""Runs a part of the suite in Linux namespaces of its own: what it mounts and connects goes with it."""
import concurrent.futures
import ctypes
import os
import subprocess


class NotAllowed(Exception):
    """The system, or the right to, is not there."""


MOUNTS, NETWORK = 0x00020000, 0x40000000  # CLONE_NEWNS, CLONE_NEWNET of sched.h


def run(kinds, function, *arguments):
    """What `function` returns, called in a process that has namespaces of these kinds, and mounts, for itself.
    Raises NotAllowed."""
    with concurrent.futures.ProcessPoolExecutor(1) as process:
        return process.submit(_enter_and_call, kinds | MOUNTS, function, arguments).result()


def _enter_and_call(kinds, function, arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(kinds) != 0:
        raise NotAllowed("making a namespace: " + os.strerror(ctypes.get_errno()))
    command("mount", "--make-rprivate", "/")
    return function(*arguments)


def command(*words, **options):
    """Runs it; NotAllowed says why it failed."""
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, **options)
    except FileNotFoundError as error:
        raise NotAllowed(str(error)) from None
    except subprocess.CalledProcessError as error:
        raise NotAllowed(f"{' '.join(map(str, words))}: {error.stderr.strip()}") from None
