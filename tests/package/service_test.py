"""The Debian package where systemd runs: its units started, reloaded, killed, upgraded one after another, removed.

    [CHISME_BUILD=build/release] tests/package/service_test.py

This system's systemd is booted as process 1 of namespaces of its own, whose / is this system's with a layer in memory
above it (overlayfs), so nothing of it stays. Needs root, systemd, dpkg-dev.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from packages import BUILD, build_package, make_older, run

# The layer becomes the / of the namespaces, as systemd wants it; /packages has the packages.
BOOT = """
set -e
layer=$1 packages=$2
mount -t tmpfs none "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
cd "$layer/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs none run
mount -t tmpfs none tmp
mount -t tmpfs none dev
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts dev/mqueue dev/hugepages packages outside
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount --bind "$packages" packages
rm -rf usr/sbin/policy-rc.d var/lib/chisme etc/systemd/system/*.wants var/log/journal
ln -s /dev/null etc/systemd/system/systemd-networkd-wait-online.service  # there is loopback only
mkdir -p var/lib/chisme
mount -t tmpfs none var/lib/chisme
echo uninitialized > etc/machine-id
ip link set lo up
pivot_root . outside
umount -l outside
exec env -i container=chisme-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=basic.target --log-target=journal --show-status=no
"""


class Machine:
    """A systemd, booted."""

    def __init__(self, directory, packages):
        layer = directory / "layer"
        layer.mkdir()
        self.said = directory / "boot.log"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup",
                 "--propagation", "private", "sh", "-c", BOOT, "sh", layer, packages],
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)

    def first_process(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[0] if children else None

    def is_up(self):
        first = self.first_process()
        return (first and pathlib.Path(f"/proc/{first}/comm").read_text().strip() == "systemd" and
                self.sh("systemctl is-system-running || true").strip() in ("running", "degraded"))

    def boots_within(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.is_up():
                return True
            time.sleep(0.2)
        return False

    def sh(self, script, check=False):
        """Runs a shell script inside; its output."""
        said = run("nsenter", "-t", self.first_process(), "-a", "-r", "-w", "sh", "-ec", "exec 2>&1\n" + script)
        if check and said.returncode != 0:
            raise AssertionError(f"{script}\n{said.stdout}{said.stderr}\n{self.sh('journalctl --no-pager -n 40 || true')}")
        return said.stdout

    def off(self):
        # The end of its first process is the end of all that runs inside.
        self.process.kill()
        self.process.wait()


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists() and (BUILD / "chisme").exists(),
                     "build/release is not built: cmake --build build/release")
@unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/lib/systemd/systemd") and shutil.which("dpkg-shlibdeps"),
                     "root, systemd and dpkg-dev are needed")
class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="chisme-service-")
        cls.addClassCleanup(own.cleanup)
        directory = pathlib.Path(own.name)
        packages = directory / "packages"
        packages.mkdir()
        shutil.copy(build_package(directory), packages / "new.deb")
        make_older(packages / "new.deb", packages / "old.deb")
        cls.machine = Machine(directory, packages)
        cls.addClassCleanup(cls.machine.off)
        if not cls.machine.boots_within(60):
            raise unittest.SkipTest("systemd cannot be booted in namespaces here: " + cls.machine.said.read_text())

    def sh(self, script):
        return self.machine.sh(script, check=True)

    def setUp(self):
        self.sh("dpkg -i --force-depends /packages/old.deb")
        self.addCleanup(self.machine.sh, "dpkg -P chisme; rm -rf /var/lib/chisme/*; systemctl reset-failed")

    def main_pid(self, unit="chisme"):
        return self.sh(f"systemctl show -p MainPID --value {unit}").strip()

    def test_a_node_is_started_reloaded_comes_back_and_ends_in_good_order(self):
        # When the start has returned the node is ready.
        self.sh("systemctl is-active chisme; curl -sSf http://127.0.0.1:7701/readyz")
        self.assertIn("enabled", self.sh("systemctl is-enabled chisme"))
        self.sh("echo kept | curl -sSf -T - http://127.0.0.1:7701/files/kept.txt")
        pid = self.main_pid()
        self.assertEqual(self.sh(f"stat -c %U /proc/{pid}").strip(), "chisme")
        self.assertIn("Status: \"ready\"", self.sh("systemctl status chisme --no-pager"))

        self.sh("echo 'log_level = \"debug\"' >> /etc/chisme/chisme.toml; systemctl reload chisme")
        self.wait_for("journalctl -u chisme --no-pager | grep 'changed: log_level'")
        self.assertEqual(self.main_pid(), pid)

        self.sh(f"kill -9 {pid}")
        self.wait_for("curl -sf http://127.0.0.1:7701/files/kept.txt | grep kept")
        self.assertNotEqual(self.main_pid(), pid)

        self.sh("chown chisme:chisme /etc/chisme/chisme.toml; systemctl restart chisme; curl -sSf http://127.0.0.1:7701/readyz")

        self.sh("systemctl stop chisme")
        self.assertIn("Result=success", self.sh("systemctl show -p Result chisme"))
        self.sh("systemctl start chisme; curl -sSf http://127.0.0.1:7701/files/kept.txt | grep kept")

        self.sh("dpkg -r chisme; ! pgrep -x chisme; test -e /var/lib/chisme/catalogue.sqlite")

    def test_an_upgrade_restarts_the_nodes_of_a_machine_one_after_another(self):
        self.sh("systemctl disable --now chisme")
        ports = {"a": 7711, "b": 7712, "c": 7713}
        for name, port in ports.items():
            joins = ", ".join(f'"127.0.0.1:{other + 1000}"' for other in ports.values() if other != port)
            self.sh(f"""printf 'listen = "127.0.0.1:{port}"\\njoin = [{joins}]\\n' > /etc/chisme/{name}.toml
                        systemctl start chisme@{name}""")
        self.wait_for("for port in 7711 7712 7713; do curl -sf 'http://127.0.0.1:'$port'/readyz?quorum=write'; done")
        self.sh("head -c 300000 /dev/urandom > /tmp/film; curl -sSf -T /tmp/film http://127.0.0.1:7711/files/film")
        before = {name: self.main_pid(f"chisme@{name}") for name in ports}
        watch = Watch(self.machine, ports.values())
        self.sh("dpkg -i --force-depends --force-confold /packages/new.deb")
        looks = watch.end()
        after = {name: self.main_pid(f"chisme@{name}") for name in ports}
        self.assertFalse(set(before.values()) & set(after.values()))
        self.assertTrue(any(len(down) == 1 for down in looks), "no look saw a node that restarts")
        self.assertLessEqual(max(len(down) for down in looks), 1, looks)
        for port in ports.values():
            self.sh(f"curl -sSfL http://127.0.0.1:{port}/files/film | cmp - /tmp/film")
        self.assertIn("inactive", self.machine.sh("systemctl is-active chisme"))
        self.sh("dpkg -r chisme; ! pgrep -x chisme")

    def wait_for(self, script, seconds=30):
        self.sh(f"for try in $(seq {seconds * 10}); do if {{ {script}; }} > /tmp/waited 2>&1; then exit 0; fi; sleep 0.1; done; "
                "cat /tmp/waited; exit 1")


class Watch:
    """Looks again and again which of the nodes are not ready."""

    def __init__(self, machine, ports):
        ports = " ".join(str(port) for port in ports)
        self._machine = machine
        machine.sh("rm -f /tmp/watched")
        self._looks = ""
        self._thread = threading.Thread(target=self._look, args=(f"""
            while ! test -e /tmp/watched; do
              # All at once: one after another the first may be back when the last is asked, and seem down beside it.
              down=$(for port in {ports}; do {{ curl -sf -m 1 -o /dev/null http://127.0.0.1:$port/readyz || echo $port; }} & done; wait)
              echo look $down
            done""",))
        self._thread.start()

    def _look(self, script):
        self._looks = self._machine.sh(script)

    def end(self):
        self._machine.sh("touch /tmp/watched")
        self._thread.join()
        return [line.split()[1:] for line in self._looks.splitlines() if line.startswith("look")]


if __name__ == "__main__":
    unittest.main(verbosity=2)
