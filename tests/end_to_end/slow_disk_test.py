"""A disk that takes its time: whoever does not need it does not wait for it."""
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from harness import Node, status_of

SOURCE = pathlib.Path(__file__).with_name("slow_unlink.c")
UNLINK_SECONDS = 6


class SlowDisk(unittest.TestCase):
    def test_the_end_of_a_large_upload_holds_nobody_up(self):
        with tempfile.TemporaryDirectory(prefix="chisme-test-") as root:
            library = pathlib.Path(root) / "slow_unlink.so"
            subprocess.run(["clang-19", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-DSECONDS={UNLINK_SECONDS}", str(SOURCE), "-o",
                            str(library), "-ldl"], check=True)
            with Node(pathlib.Path(root) / "node", ["--web-loops", "1"], environment={"LD_PRELOAD": str(library)}) as node:
                node.wait_ready()
                with socket.create_connection(("127.0.0.1", node.port)) as connection:
                    connection.sendall(f"PUT /files/given-up HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n"
                                       f"Content-Length: {64 << 20}\r\n\r\n".encode() + bytes(1 << 20))
                    time.sleep(0.5)
                longest, end = 0.0, time.monotonic() + 3
                while time.monotonic() < end:
                    began = time.monotonic()
                    self.assertEqual(status_of(node.url("/healthz")), 200)
                    longest = max(longest, time.monotonic() - began)
                    time.sleep(0.02)
                self.assertLess(longest, UNLINK_SECONDS - 2)


if __name__ == "__main__":
    unittest.main()
