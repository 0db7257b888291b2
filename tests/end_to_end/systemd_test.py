"""The units of examples/systemd/: systemd understands them and finds them well closed, and a node needs no system call
that they forbid. (Nothing is started by systemd here.)"""
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import CHISME, ROOT, Node, put, request, run, some_bytes

UNITS = ROOT / "examples/systemd"
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups")
EXPOSURE_MAX = 1.5  # of 10, by systemd's own count


def system_calls(names):
    """What a filter of these names and @groups allows."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        told = run("systemd-analyze", "syscall-filter", name, check=True).stdout
        members = [line.strip() for line in told.splitlines()[1:] if line.startswith(" ")]
        calls |= system_calls([member for member in members if not member.startswith("#")])
    return calls


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
class Units(unittest.TestCase):
    def setUp(self):
        own = tempfile.TemporaryDirectory(prefix="chisme-systemd-")
        self.addCleanup(own.cleanup)
        self.directory = pathlib.Path(own.name)

    def test_systemd_understands_them(self):
        for name in ("chisme.service", "chisme@.service"):
            text = (UNITS / name).read_text()
            self.assertIn("/usr/local/bin/chisme", text)
            (self.directory / name).write_text(text.replace("/usr/local/bin/chisme", CHISME))
            said = run("systemd-analyze", "verify", "--man=no", str(self.directory / name))
            of_ours = [line for line in said.stderr.splitlines() if "chisme" in line]
            self.assertEqual((said.returncode, of_ours), (0, []), name)

    def test_they_are_well_closed(self):
        for name in ("chisme.service", "chisme@.service"):
            said = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / name))
            exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said.stdout)[1])
            print(f"{name}: exposure {exposure}")
            self.assertLessEqual(exposure, EXPOSURE_MAX)

    def test_they_differ_in_the_name_only(self):
        one, many = ((UNITS / name).read_text().split("[Service]")[1] for name in ("chisme.service", "chisme@.service"))
        named = many.replace("/etc/chisme/%i.toml", "/etc/chisme/chisme.toml").replace("/%i", "")
        self.assertEqual(one, named)

    def test_a_node_takes_the_arguments(self):
        words = re.search(r"^ExecStart=\S+ (.*)$", (UNITS / "chisme.service").read_text(), re.M)[1].split()
        (self.directory / "node.toml").write_text("copies = 0\n")
        words = [str(self.directory / pathlib.Path(word).name) if word.startswith("/") else word for word in words]
        refused = run(CHISME, *words)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("copies", refused.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can make users")
    def test_the_user_and_the_directory_are_made(self):
        root = self.directory / "root"
        (root / "etc").mkdir(parents=True)
        for command in (("systemd-sysusers", f"--root={root}", str(UNITS / "sysusers.conf")),
                        ("systemd-tmpfiles", "--create", f"--root={root}", str(UNITS / "tmpfiles.conf"))):
            said = run(*command)
            self.assertEqual(said.returncode, 0, said.stderr)
        user = re.search(r"^chisme:x:(\d+):(\d+):", (root / "etc/passwd").read_text(), re.M)
        about = (root / "etc/chisme").stat()
        self.assertEqual((about.st_uid, str(about.st_gid), about.st_mode & 0o777), (0, user[2], 0o750))

    @unittest.skipUnless(shutil.which("strace") and os.geteuid() == 0 and run(*AS_NOBODY, "test", "-x", CHISME).returncode == 0,
                         "strace shows the system calls of a node that another user can start")
    def test_a_node_makes_no_system_call_that_is_forbidden(self):
        filters = re.findall(r"^SystemCallFilter=(~?)(.*)$", (UNITS / "chisme.service").read_text(), re.M)
        allowed = set()
        for sign, names in filters:
            allowed = allowed - system_calls(names.split()) if sign else allowed | system_calls(names.split())
        used = self.system_calls_of_a_node()
        self.assertIn("landlock_restrict_self", used)
        self.assertIn("sendfile", used)
        self.assertEqual(used - allowed, set())

    def system_calls_of_a_node(self):
        calls = self.directory / "calls"
        data = self.directory / "data"
        data.mkdir()
        for path in (self.directory, data):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        with Node(data, prefix=("strace", "-D", "-f", "-qq", "-o", str(calls), *AS_NOBODY)) as node:
            node.wait_ready(30)
            put(node.url("/files/film.bin"), some_bytes(3_000_000))
            put(node.url("/files/little.txt"), b"text")
            for path in ("/files/film.bin", "/files/little.txt", "/files", "/cluster", "/metrics", "/"):
                self.assertEqual(request(node.url(path))[0], 200, path)
            self.assertEqual(request(node.url("/files/film.bin"), "DELETE")[0], 204)
        subprocess.run(["sync", "-f", str(calls)], check=True)
        lines = calls.read_text(errors="replace")
        # From the last execve on: what came before is setpriv's.
        return set(re.findall(r"^\d+ +(\w+)\(", lines[lines.rindex("execve("):], re.M))


if __name__ == "__main__":
    unittest.main()
