"""A node's memory does not grow with the file: 5 GiB up and down stay under 64 MiB over idle."""
import subprocess
import threading
import tempfile
import time
import unittest

from harness import Cluster, resident_bytes, run

SIZE = 5 << 30
ALLOWED = 64 << 20


class Peak:
    """The most memory that any node had while the block ran."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.idle = {node: resident_bytes(pid) for node, pid in cluster.pids.items()}
        self.growth = 0

    def __enter__(self):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.05):
            for node, pid in self.cluster.pids.items():
                self.growth = max(self.growth, resident_bytes(pid) - self.idle[node])

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join()


class Memory(unittest.TestCase):
    def test_five_gibibytes_up_and_down_in_constant_memory(self):
        with Cluster(2) as cluster, tempfile.NamedTemporaryFile(prefix="chisme-test-") as source:
            source.truncate(SIZE)
            source.seek(SIZE // 2)
            source.write(b"not all zeros")
            source.flush()
            idle = max(map(resident_bytes, cluster.pids.values()))
            print(f"idle: {idle / 2**20:.1f} MiB")
            with Peak(cluster) as upload:
                began = time.monotonic()
                curl = run("curl", "-sS", "--fail", "-T", source.name, cluster.url(1, "/files/large.bin"), timeout=600)
                seconds = time.monotonic() - began
            self.assertEqual(curl.returncode, 0, curl.stderr)
            print(f"upload of 5 GiB to two nodes: {seconds:.1f} s, memory +{upload.growth / 2**20:.1f} MiB")
            wanted = run("sha256sum", source.name, timeout=300).stdout.split()[0]
            with Peak(cluster) as download:
                began = time.monotonic()
                got = subprocess.run(f"curl -sS --fail -L {cluster.url(2, '/files/large.bin')} | sha256sum",
                                     shell=True, capture_output=True, text=True, timeout=600).stdout.split()[0]
                seconds = time.monotonic() - began
            print(f"download of 5 GiB: {seconds:.1f} s, memory +{download.growth / 2**20:.1f} MiB")
            self.assertEqual(got, wanted)
            self.assertLess(upload.growth, ALLOWED)
            self.assertLess(download.growth, ALLOWED)
            beyond = run("curl", "-sS", "--fail", "-r", f"{SIZE // 2}-{SIZE // 2 + 12}", "-L",
                         cluster.url(1, "/files/large.bin"))
            self.assertEqual(beyond.stdout, "not all zeros", "a range beyond 4 GiB offsets' halves")


if __name__ == "__main__":
    unittest.main(verbosity=2)
