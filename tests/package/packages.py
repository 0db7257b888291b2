"""Debian packages of a build directory, for the tests of what they do."""
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("CHISME_BUILD", "build/release")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)


def build_package(directory, version=None):
    """The .deb, by CPack, from what is built; compressed less than one that is published, in a fraction of the time."""
    said = run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", directory,
               "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", *(("-D", f"CPACK_PACKAGE_VERSION={version}") if version else ()))
    assert said.returncode == 0, said.stdout + said.stderr
    return next(directory.glob("*.deb"))


def make_older(deb, to):
    """The same with a lower version number, at `to`: what an upgrade comes from."""
    with tempfile.TemporaryDirectory(prefix="chisme-older-") as tree:
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = pathlib.Path(tree) / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", "Version: 0.0.9", control.read_text(), flags=re.M))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, to], check=True,
                       stdout=subprocess.DEVNULL)
