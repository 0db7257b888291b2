"""A disk whose fsync fails, on real processes: the node says so, promises nothing more and goes on serving.

The failing fsync is a library that is loaded before the C library's (fail_sync.c). It fails the syncs of
the paths that contain what a file says, and counts them."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from harness import Node, eventually, free_base_port, get_json, put, request, sha256, some_bytes, status_of

SOURCE = pathlib.Path(__file__).with_name("fail_sync.c")


class Disk:
    """A node whose fsyncs can be made to fail."""

    def __init__(self, root, library, number, join=()):
        self.data = root / f"node-{number}"
        self.orders = root / f"orders-{number}"
        self.tried = root / f"tried-{number}"
        # Its library reads orders that lie outside its directory.
        self.environment = {"LD_PRELOAD": str(library), "CHISME_UNCONFINED": "true", "FAIL_SYNC_ORDERS": str(self.orders),
                            "FAIL_SYNC_TRIED": str(self.tried)}
        self.options = [option for peer in join for option in ("--join", f"127.0.0.1:{peer + 1000}")]
        self.port = free_base_port(1)
        self.errors = root / f"errors-{number}"
        self.node = None

    def start(self):
        self.node = Node(self.data, self.options, self.port, self.environment)
        self.node.wait_ready()
        return self

    def restart(self):
        self.orders.unlink(missing_ok=True)
        self.node.process.send_signal(signal.SIGTERM)
        _, errors = self.node.process.communicate(timeout=20)
        self.node.close()
        self.start()
        return errors

    def fail(self, part_of_path):
        self.tried.unlink(missing_ok=True)
        self.orders.write_text(part_of_path)

    def attempts(self):
        return self.tried.read_text().splitlines() if self.tried.exists() else []

    def url(self, path=""):
        return self.node.url(path)


class FailedSync(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory(prefix="chisme-test-")
        cls.library = pathlib.Path(cls.root.name) / "fail_sync.so"
        subprocess.run(["clang-19", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", str(SOURCE), "-o",
                        str(cls.library), "-ldl"], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.root.cleanup()

    def setUp(self):
        self.began = time.monotonic()
        root = tempfile.TemporaryDirectory(dir=self.root.name)
        self.addCleanup(root.cleanup)
        self.disks = []
        for number in range(1, 4):
            disk = Disk(pathlib.Path(root.name), self.library, number, [d.port for d in self.disks]).start()
            self.disks.append(disk)
            self.addCleanup(lambda d=disk: d.node.close())
        eventually(lambda: all(self.alive(d) == 3 for d in self.disks), 20, "three nodes know each other")
        self.bad, self.second, self.third = self.disks

    def tearDown(self):
        print(f"{self.id().split('.')[-1]}: {time.monotonic() - self.began:.1f} s")

    @staticmethod
    def alive(disk):
        return sum(m["state"] == "alive" for m in get_json(disk.url("/cluster"))["members"])

    def check_fenced(self, path):
        """What a node must do from the first failed fsync on; `path` is what failed."""
        bad = self.bad
        attempts = bad.attempts()
        self.assertTrue(attempts, "the library failed nothing")
        status, _, body = request(bad.url("/readyz"))
        self.assertEqual(status, 503)
        reason = json.loads(body)["detail"]
        self.assertIn(path, reason)
        self.assertIn("Input/output error", reason)
        self.assertIn(path, get_json(bad.url("/cluster"))["fenced"])
        self.assertRegex(request(bad.url("/metrics"))[2].decode(), r"(?m)^chisme_fenced 1$")
        self.assertNotIn("fenced", get_json(self.second.url("/cluster")))

        status, headers, body = request(bad.url("/files/refused.bin"), "PUT", b"refused")
        self.assertEqual((status, headers["Retry-After"]), (503, "2"), body)
        self.assertIn(path, json.loads(body)["detail"])
        self.assertEqual(request(bad.url("/files/kept.bin"), "DELETE")[0], 503)

        # Others see it at once, place nothing there, and write without it.
        eventually(lambda: self.draining_for(self.second) and self.draining_for(self.third), 5,
                   "the others know")
        for n in range(8):
            copies = put(self.second.url(f"/files/after-{n}.bin"), some_bytes(20_000, 50 + n))["copies"]
            self.assertNotIn(self.identity, copies)
        # It goes on serving what it has, and hears of what others write.
        self.assertEqual(request(bad.url("/files/kept.bin?via=local"))[2], self.kept)
        eventually(lambda: request(bad.url("/files/after-0.bin?via=proxy"))[2] == some_bytes(20_000, 50), 5,
                   "a file of another node is read through it")
        self.assertEqual(len(bad.attempts()), len(attempts), "a sync was tried again")
        self.assertEqual(list((bad.data / "staging").iterdir()), [])

    def draining_for(self, disk):
        members = get_json(disk.url("/cluster"))["members"]
        return next(m["draining"] for m in members if m["node"] == self.identity)

    def prepare(self):
        self.identity = get_json(self.bad.url("/cluster"))["self"]
        self.kept = some_bytes(100_000, 1)
        put(self.bad.url("/files/kept.bin"), self.kept)

    def check_restart_clears_it(self):
        errors = self.bad.restart()
        self.assertEqual(len(re.findall("the disk failed", errors)), 1, errors)
        self.assertNotIn("fenced", get_json(self.bad.url("/cluster")))
        eventually(lambda: self.alive(self.bad) == 3, 20, "it is back")
        eventually(lambda: status_of(self.bad.url("/files/again.bin"), method="PUT", body=b"again") in (200, 201),
                   10, "it takes writes again")
        self.assertEqual(request(self.bad.url("/files/kept.bin?via=local"))[2], self.kept)

    def test_of_an_objects_file(self):
        self.prepare()
        self.bad.fail("/staging/")
        status = status_of(self.bad.url("/files/lost.bin"), method="PUT", body=some_bytes(5_000, 2))
        self.assertEqual(status, 500)
        self.check_fenced("/staging/")
        for disk in self.disks:
            self.assertEqual(status_of(disk.url("/files/lost.bin")), 404)
        self.check_restart_clears_it()

    def test_of_a_directory_while_another_node_writes(self):
        self.prepare()
        data = some_bytes(5_000, 3)
        directory = f"/objects/{sha256(data)[:2]}"
        self.bad.fail(directory)
        for n in range(30):  # until the bad one is among the holders; none of these may fail
            answer = put(self.second.url(f"/files/around-{n}.bin"), data)
            self.assertGreaterEqual(len(answer["copies"]), 2)
            self.assertNotIn(self.identity, answer["copies"])
            if self.bad.attempts():
                break
        eventually(lambda: status_of(self.bad.url("/readyz")) == 503, 5, "it has noticed")
        self.check_fenced(directory)
        self.check_restart_clears_it()

    def test_of_the_catalogue(self):
        self.prepare()
        self.bad.fail("catalogue.sqlite-wal")
        begin = time.monotonic()
        try:  # the outcome is unknown: no answer, least of all an acknowledgement
            status, _, body = request(self.bad.url("/files/unknown.bin"), "PUT", some_bytes(5_000, 4))
            self.assertGreaterEqual(status, 500, body)
        except OSError:
            pass
        except Exception as error:
            self.assertIn("RemoteDisconnected", type(error).__name__)
        self.assertLess(time.monotonic() - begin, 25)
        self.check_fenced("catalogue.sqlite")
        self.check_restart_clears_it()


if __name__ == "__main__":
    unittest.main(verbosity=1)
