"""What a node gives up before it starts, on real processes: files outside its directory, root's rights, being looked
into. What each call does: tests/node/security."""
import ctypes
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import CHISME, Cluster, Node, eventually, free_base_port, put, request, run, some_bytes, status_of

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups")
LANDLOCK_CREATE_RULESET = 444


def nobody_finds_it():
    """Whether another user can reach the program where it was built."""
    return os.geteuid() == 0 and run(*AS_NOBODY, "test", "-x", CHISME).returncode == 0


def has_landlock():
    return ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1) >= 2


def status_fields(pid, field):
    """What /proc says of each thread of the process."""
    texts = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
    return {re.search(rf"^{field}:\s+(.*)$", text, re.M)[1].strip() for text in texts}


class Directory(unittest.TestCase):
    def setUp(self):
        own = tempfile.TemporaryDirectory(prefix="chisme-confined-")
        self.addCleanup(own.cleanup)
        self.directory = pathlib.Path(own.name)
        self.directory.chmod(0o711)
        self.data = self.directory / "data"
        self.log = self.directory / "log"

    def node(self, *options, prefix=(), environment=None, port=None):
        with self.log.open("w") as log:
            node = Node(self.data, options, port, environment, prefix, log)
        self.addCleanup(node.close)
        return node

    def refusal(self, *options, prefix=()):
        with Node(self.data, options, prefix=prefix) as node:
            return node.ends()


@unittest.skipUnless(has_landlock(), "this kernel has no Landlock")
class Files(Directory):
    def store(self):
        """A node that has stored two files, stopped."""
        node = self.node().wait_ready()
        for name in "ab":
            put(node.url(f"/files/{name}"), some_bytes(2_000_000, ord(name)))
        node.close()

    def test_no_thread_can_gain_rights_by_executing_a_program(self):
        node = self.node().wait_ready()
        self.assertEqual(status_fields(node.process.pid, "NoNewPrivs"), {"1"})

    def test_objects_behind_a_link_that_leads_out_of_the_directory_are_not_served(self):
        self.store()
        elsewhere = self.directory / "elsewhere"
        elsewhere.mkdir()
        for options, expected in (((), {500, 503}), (("--unconfined",), {200})):
            node = self.node(*options).wait_ready()
            for shelf in [path for path in (self.data / "objects").iterdir() if path.is_dir()]:
                shelf.rename(elsewhere / shelf.name)
                shelf.symlink_to(elsewhere / shelf.name)
            name = "a" if expected != {200} else "b"
            self.assertIn(status_of(node.url(f"/files/{name}")), expected, options)
            node.close()
            for shelf in [path for path in (self.data / "objects").iterdir() if path.is_symlink()]:
                shelf.unlink()
                (elsewhere / shelf.name).rename(shelf)

    def test_a_directory_that_leads_elsewhere_is_told_of_at_the_start(self):
        self.store()
        (self.data / "objects").rename(self.directory / "elsewhere")
        (self.data / "objects").symlink_to(self.directory / "elsewhere")
        code, errors = self.refusal()
        self.assertEqual(code, 1)
        self.assertIn("objects", errors)
        node = self.node("--unconfined").wait_ready()
        self.assertEqual(status_of(node.url("/files/a")), 200)

    def test_a_secret_that_is_replaced_is_read_again_behind_a_link_too(self):
        # Signals and restarts with a secret: secret_test.py, old_disk_test.py. Here: all that lies elsewhere is found.
        config = self.directory / "etc" / "node.toml"
        config.parent.mkdir()
        config.write_text("log_level = \"info\"\n")
        vault = self.directory / "vault"
        vault.mkdir()
        made = run(CHISME, "secret", "new", str(vault / "secret-1"))
        self.assertEqual(made.returncode, 0, made.stderr)
        (config.parent / "secret").symlink_to("../vault/secret-1")
        node = self.node("--config", str(config), "--secret-file", str(config.parent / "secret")).wait_ready()
        (vault / "secret-1").rename(vault / "secret-2")
        (config.parent / "secret").unlink()
        (config.parent / "secret").symlink_to("../vault/secret-2")
        node.process.send_signal(signal.SIGHUP)
        eventually(lambda: "were read again" in self.log.read_text(), 5, "the log says so")

    @unittest.skipUnless(shutil.which("strace"), "strace makes the kernel look older")
    def test_without_the_kernels_help_a_node_runs_and_says_so(self):
        node = self.node(prefix=("strace", "-D", "-f", "-o", str(self.directory / "calls"),
                                 "-e", "trace=landlock_create_ruleset", "-e", "inject=landlock_create_ruleset:error=EOPNOTSUPP"))
        node.wait_ready()
        self.assertEqual(len(re.findall("Landlock", self.log.read_text())), 1)


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class User(Directory):
    USER = f"{NOBODY.pw_name}:{NOBODY.pw_gid}"

    def test_root_becomes_the_user_and_keeps_no_right(self):
        node = self.node("--user", self.USER).wait_ready()
        put(node.url("/files/a"), b"text")
        pid = node.process.pid
        self.assertEqual(status_fields(pid, "Uid"), {"\t".join([str(NOBODY.pw_uid)] * 4)})
        self.assertEqual(status_fields(pid, "Gid"), {"\t".join([str(NOBODY.pw_gid)] * 4)})
        self.assertEqual(status_fields(pid, "Groups"), {str(NOBODY.pw_gid)})
        for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            self.assertEqual(status_fields(pid, field), {"0" * 16}, field)
        owners = {path.stat().st_uid for path in [self.data, *self.data.rglob("*")]}
        self.assertEqual(owners, {NOBODY.pw_uid})
        self.assertNotIn("runs as root", self.log.read_text())
        node.close()
        self.assertEqual(request(self.node("--user", self.USER).wait_ready().url("/files/a"))[2], b"text")

    def test_the_right_to_take_a_low_port_is_kept_when_it_has_one(self):
        node = self.node("--user", self.USER, "--peer", "127.0.0.1:0", port=81).wait_ready()
        self.assertEqual(status_fields(node.process.pid, "CapEff"), {f"{1 << 10:016x}"})

    def test_a_node_that_joins_with_a_token_finds_its_secret(self):
        secret = self.directory / "secret"
        self.assertEqual(run(CHISME, "secret", "new", str(secret)).returncode, 0)
        token = run(CHISME, "secret", "token", str(secret), "127.0.0.1:1").stdout.strip()
        port = free_base_port(1)
        with self.log.open("w") as log, subprocess.Popen(
                [CHISME, "join", token, "--user", self.USER, "--data", str(self.data), "--listen", f"127.0.0.1:{port}"],
                stdout=subprocess.DEVNULL, stderr=log) as node:
            try:
                eventually(lambda: status_of(f"http://127.0.0.1:{port}/healthz") == 200, 10, "it runs")
                self.assertEqual(status_fields(node.pid, "Uid"), {"\t".join([str(NOBODY.pw_uid)] * 4)})
                self.assertEqual((self.data / "cluster.secret").stat().st_uid, NOBODY.pw_uid)
            finally:
                node.terminate()

    def test_a_directory_of_another_user_is_refused_and_left_alone(self):
        self.data.mkdir()
        code, errors = self.refusal("--user", self.USER)
        self.assertEqual(code, 1)
        self.assertIn("chown -R", errors)
        self.assertEqual(list(self.data.iterdir()), [])
        self.assertEqual(self.data.stat().st_uid, 0)

    @unittest.skipUnless(nobody_finds_it(), "the program lies where others cannot reach it")
    def test_who_is_not_root_cannot_become_another(self):
        self.data.mkdir()
        os.chown(self.data, 12345, 12345)
        code, errors = self.refusal("--user", "12345:12345", prefix=AS_NOBODY)
        self.assertEqual(code, 1)
        self.assertIn("only root can become another user", errors)

    def test_a_user_that_is_not_there_is_named(self):
        code, errors = self.refusal("--user", "no-such-user")
        self.assertEqual(code, 1)
        self.assertIn("useradd --system no-such-user", errors)

    def test_root_without_a_user_is_warned_except_by_a_local_cluster(self):
        node = self.node().wait_ready()
        self.assertEqual(self.log.read_text().count("runs as root"), 1)
        node.close()
        with Cluster(1) as cluster:
            self.assertNotIn("runs as root", (cluster.data / "node-1/log").read_text())

    @unittest.skipUnless(nobody_finds_it(), "the program lies where others cannot reach it")
    def test_others_of_its_user_cannot_look_into_a_node_with_a_secret(self):
        self.data.mkdir()
        secret = self.directory / "secret"
        self.assertEqual(run(CHISME, "secret", "new", str(secret)).returncode, 0)
        for path in (self.data, secret):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        for options, owner in (((), NOBODY.pw_uid), (("--secret-file", str(secret)), 0)):
            node = self.node(*options, prefix=AS_NOBODY).wait_ready()
            # The system gives what is inside a process that may not be looked into to root.
            self.assertEqual(pathlib.Path(f"/proc/{node.process.pid}/environ").stat().st_uid, owner, options)
            node.close()


if __name__ == "__main__":
    unittest.main()
