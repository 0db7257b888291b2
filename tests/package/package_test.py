"""The Debian package of a build directory, installed, upgraded and removed with the real dpkg.

    [CHISME_BUILD=build/release] tests/package/package_test.py

It is installed where nothing of it stays: in namespaces of its own, whose / is this system's with a layer in memory
above it (overlayfs). There is no systemd inside, as in a container: so the service is not started, and the node is
started by its unit's own command (service_test.py has a systemd). Needs root (or a user namespace), lintian, dpkg-dev.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from packages import BUILD, build_package, make_older, run

# Runs with a shell inside; the packages and a place for results are in /packages.
IN_A_LAYER = """
set -e
layer=$1 script=$2
mount -t tmpfs none "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --bind /dev "$layer/root/dev"
mount -t tmpfs none "$layer/root/run"
mkdir "$layer/root/packages"
mount --bind "$3" "$layer/root/packages"
mkdir -p "$layer/root/var/lib/chisme"
mount -t tmpfs none "$layer/root/var/lib/chisme"
ip link set lo up
exec chroot "$layer/root" /bin/sh -ec "$script"
"""


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists() and (BUILD / "chisme").exists(),
                     "build/release is not built: cmake --build build/release")
@unittest.skipUnless(shutil.which("lintian") and shutil.which("dpkg-shlibdeps"), "lintian and dpkg-dev are not installed")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="chisme-package-")
        cls.addClassCleanup(own.cleanup)
        cls.directory = pathlib.Path(own.name)
        cls.packages = cls.directory / "packages"
        cls.packages.mkdir()
        (cls.directory / "made").mkdir()
        begun = time.monotonic()
        made = build_package(cls.directory / "made")
        print(f"made in {time.monotonic() - begun:.1f} s: {made.name}, {made.stat().st_size} bytes")
        cls.deb = pathlib.Path(shutil.copy(made, cls.packages / "new.deb"))
        make_older(cls.deb, cls.packages / "old.deb")

    def field(self, name):
        return run("dpkg-deb", "-f", self.deb, name).stdout.strip()

    def contents(self):
        """{path: (mode, owner)}"""
        lines = run("dpkg-deb", "-c", self.deb).stdout.splitlines()
        return {words[5].lstrip("."): (words[0], words[1]) for words in (line.split(None, 5) for line in lines)}

    def inside(self, script):
        """Runs a shell script as root where dpkg may do what it wants; its output."""
        layer = self.directory / "layer"
        layer.mkdir(exist_ok=True)
        said = run("unshare", "--mount", "--net", "--pid", "--fork", "--uts", "--propagation", "private",
                   *(() if os.geteuid() == 0 else ("--user", "--map-root-user")),
                   "sh", "-c", IN_A_LAYER, "sh", layer, script, self.packages)
        self.assertEqual(said.returncode, 0, f"{said.stdout}\n{said.stderr}")
        return said.stdout

    def test_lintian_finds_nothing(self):
        said = run("lintian", "--allow-root", "--fail-on", "error,warning", self.deb)
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)

    def test_its_fields_and_files(self):
        version = json.loads(run(BUILD / "chisme", "version", "--json").stdout)["version"]
        self.assertEqual(self.field("Version"), version)
        self.assertEqual(self.field("Architecture"), run("dpkg", "--print-architecture").stdout.strip())
        depends = self.field("Depends")
        for wanted in (r"libssl3", r"libsqlite3-0", r"libc6 \(>= 2\.", r"libspdlog1", r"systemd-standalone-sysusers"):
            self.assertRegex(depends, wanted)
        files = self.contents()
        for path in ("/usr/bin/chisme", "/etc/chisme/chisme.toml", "/usr/lib/systemd/system/chisme.service",
                     "/usr/lib/sysusers.d/chisme.conf", "/usr/lib/tmpfiles.d/chisme.conf",
                     "/usr/share/doc/chisme/copyright", "/usr/share/doc/chisme/changelog.gz",
                     "/usr/share/man/man1/chisme.1.gz", "/usr/share/doc/chisme/docs/first_cluster.md", "/usr/share/doc/chisme/chisme.spdx.json"):
            self.assertIn(path, files)
        self.assertEqual({owner for _, owner in files.values()}, {"root/root"})
        self.assertFalse([path for path in files if "__pycache__" in path or path.endswith("/LICENSE")])

    def test_it_is_installed_serves_is_upgraded_and_removed_and_the_files_stay(self):
        # A node as the unit starts it: the same words, the same user.
        script = r"""
          exec 2>&1
          node() {
            command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/chisme.service)
            setpriv --reuid=chisme --regid=chisme --clear-groups $command > /tmp/node.log 2>&1 & pid=$!
            for try in $(seq 300); do
              if curl -sf http://127.0.0.1:7701/readyz > /tmp/ready; then return; fi
              kill -0 $pid || { cat /tmp/node.log; exit 1; }
              sleep 0.1
            done
            cat /tmp/node.log; exit 1
          }
          end() { kill $pid; wait $pid || exit 1; }
          dpkg -i --force-depends /packages/old.deb
          test "$(stat -c %U:%G:%a /etc/chisme)" = root:chisme:750
          mkdir -p /var/lib/chisme; chown chisme:chisme /var/lib/chisme   # StateDirectory= of the unit
          /usr/bin/chisme version
          node
          echo 'kept through everything' | curl -sSf -T - http://127.0.0.1:7701/files/kept.txt; echo
          end
          echo 'log_level = "warning"' >> /etc/chisme/chisme.toml
          dpkg -i --force-depends --force-confold /packages/new.deb
          dpkg-query -W -f 'STATUS ${Status} ${Version}\n' chisme
          grep -q warning /etc/chisme/chisme.toml
          node
          echo "UPGRADED $(curl -sSf http://127.0.0.1:7701/files/kept.txt)"
          end
          dpkg -r chisme
          test ! -e /usr/bin/chisme
          grep -q warning /etc/chisme/chisme.toml && echo SETTINGS STAY
          test -e /var/lib/chisme/catalogue.sqlite && echo DATA STAYS
          dpkg -i --force-depends /packages/new.deb
          node
          echo "AGAIN $(curl -sSf http://127.0.0.1:7701/files/kept.txt)"
          end
          dpkg -P chisme
          test ! -e /etc/chisme && echo SETTINGS GONE
          test -e /var/lib/chisme/catalogue.sqlite && echo DATA STAYS AFTER A PURGE
          if dpkg-query -W chisme; then exit 1; fi
        """
        said = self.inside(script)
        version = self.field("Version")
        for line in (f"chisme {version}", f"STATUS install ok installed {version}", "UPGRADED kept through everything",
                     "SETTINGS STAY", "DATA STAYS", "AGAIN kept through everything", "SETTINGS GONE",
                     "DATA STAYS AFTER A PURGE", "the stored files are left in /var/lib/chisme"):
            self.assertIn(line, said)
        self.assertFalse(pathlib.Path("/etc/chisme").exists() or pathlib.Path("/usr/bin/chisme").exists(),
                         "the real system was touched")

    def test_packing_again_makes_the_same_bytes(self):
        (self.directory / "again").mkdir()
        time.sleep(max(0, 2.1 - (time.time() - self.deb.stat().st_mtime)))  # so that a time would show
        again = build_package(self.directory / "again")
        self.assertTrue(again.read_bytes() == self.deb.read_bytes(), f"{again.stat().st_size} bytes differ")

    def test_it_can_be_installed_below_any_directory_without_a_package(self):
        prefix = self.directory / "prefix"
        said = run("cmake", "--install", BUILD, "--prefix", prefix)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(run(prefix / "bin/chisme", "version").stdout, r"^chisme \d")
        unit = (prefix / "lib/systemd/system/chisme.service").read_text()
        self.assertIn(f"ExecStart={prefix}/bin/chisme node ", unit)
        for path in ("share/doc/chisme/README.md", "share/doc/chisme/LICENSE", "share/doc/chisme/docs/security.md"):
            self.assertTrue((prefix / path).exists(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
