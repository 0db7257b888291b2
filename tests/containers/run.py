#!/usr/bin/python3
"""The image, the compose file and the pods of the Kubernetes manifest, as real containers.

    examples/setup.sh --containers && tests/containers/run.py [DIRECTORY]     build/containers by default

The image is built by the Dockerfile from the last commit (twelve minutes), on a Debian made by debootstrap; it is used again
when it is of this commit. docker-compose runs the compose file by podman, which speaks Docker's protocol. There is no kubelet:
pods.py does what one would do with a StatefulSet's template. Needs root, and ports 7701 to 7705 and 8701 to 8705.
"""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

from podman import Podman, make_image
from pods import Pods, answers

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIRECTORY = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1][0] != "-" else ROOT / "build/containers").absolute()
PODMAN = Podman(DIRECTORY)
DATA = os.urandom(8_000_000)
HASH = hashlib.sha256(DATA).hexdigest()


def until(seconds, what, check):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def ask(url, method="GET", data=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
        return answer.read()


def copies(origin, name, token=None):
    return len(json.loads(ask(f"{origin}/route?file={name}", token=token))["replicas"])


def setUpModule():
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    stamp = DIRECTORY / "commit"
    if not stamp.exists() or stamp.read_text() != commit or not PODMAN.has("image", "chisme"):
        make_image(PODMAN, ROOT, DIRECTORY / "image.log")
        stamp.write_text(commit)


class Compose(unittest.TestCase):
    """examples/docker/compose.yaml, by docker-compose."""

    def setUp(self):
        self.engine = PODMAN.engine()
        self.addCleanup(self.engine.wait)
        self.addCleanup(self.engine.terminate)
        until(10, "the engine answers", (DIRECTORY / "engine.sock").exists)
        self.addCleanup(self.compose, "down", "--volumes")

    def compose(self, *words):
        said = subprocess.run(["docker-compose", "-p", "chisme", "-f", "examples/docker/compose.yaml", *words], cwd=ROOT,
                              env={**os.environ, "DOCKER_HOST": PODMAN.socket}, capture_output=True, text=True, timeout=120)
        self.assertEqual(said.returncode, 0, said.stderr)

    def origin(self, number):
        return f"http://127.0.0.1:{7700 + number}"

    def wait_ready(self, *numbers):
        until(30, f"{numbers} are ready", lambda: all(answers(self.origin(number) + "/readyz") for number in numbers))

    def kill(self, number):
        """The process, as if it had crashed."""
        os.kill(int(PODMAN.inspect(f"chisme_node{number}_1", ".State.Pid")), signal.SIGKILL)

    def test_five_nodes(self):
        self.compose("up", "--detach")
        self.wait_ready(1, 2, 3, 4, 5)
        with self.subTest("a file is stored, and read while its holder is dead, which is started again"):
            ask(self.origin(1) + "/files/film.bin", "PUT", DATA)
            until(15, "three copies", lambda: copies(self.origin(1), "film.bin") == 3)
            self.kill(1)
            self.assertEqual(hashlib.sha256(ask(self.origin(2) + "/files/film.bin")).hexdigest(), HASH)
            self.wait_ready(1)
        with self.subTest("nobody special, with no rights"):
            said = PODMAN.run("exec", "chisme_node1_1", "sh", "-c", "id -un; grep CapEff /proc/1/status; touch /usr/x", check=False)
            self.assertEqual(said.stdout.split(), ["chisme", "CapEff:", "0000000000000000"])
            self.assertIn("Read-only file system", said.stderr)
        with self.subTest("it says whether it is healthy"):
            self.assertEqual(PODMAN.run("healthcheck", "run", "chisme_node2_1", check=False).returncode, 0)
        with self.subTest("a drained node stays away"):
            PODMAN.run("exec", "chisme_node5_1", "chisme", "drain", "--wait", "--node", self.origin(5))
            until(10, "it has ended", lambda: PODMAN.inspect("chisme_node5_1", ".State.Status") == "exited")
            self.assertEqual(PODMAN.inspect("chisme_node5_1", ".State.ExitCode"), "0")
        with self.subTest("all are stopped and started, and have the file"):
            self.compose("stop")
            codes = [PODMAN.inspect(f"chisme_node{number}_1", ".State.ExitCode") for number in range(1, 6)]
            self.assertEqual(codes, ["0"] * 5)
            self.compose("up", "--detach")
            self.wait_ready(1, 2, 3, 4, 5)
            self.assertEqual(hashlib.sha256(ask(self.origin(5) + "/files/film.bin")).hexdigest(), HASH)


class StatefulSet(unittest.TestCase):
    """examples/kubernetes/chisme.yaml."""

    def setUp(self):
        secret = DIRECTORY / "secret"
        secret.mkdir(exist_ok=True)
        (secret / "cluster.secret").unlink(missing_ok=True)
        PODMAN.run("run", "--rm", "--network", "none", "--user", "0", "--volume", f"{secret}:/made", "chisme", "secret", "new",
                   "/made/cluster.secret")
        os.chown(secret / "cluster.secret", 0, 64123)
        os.chmod(secret / "cluster.secret", 0o640)  # as a mounted secret is with fsGroup
        self.pods = Pods(PODMAN, ROOT / "examples/kubernetes/chisme.yaml", {"chisme-secret": secret})
        self.addCleanup(self.pods.end)

    def origin(self, number):
        return self.pods.url(number).rsplit("/", 1)[0]

    def wait_ready(self):
        until(60, "all are ready", lambda: all(self.pods.is_ready(number) for number in range(5)))

    def members(self, token):
        return {each["http"]: each["state"] for each in json.loads(ask(self.origin(0) + "/cluster", token=token))["members"]}

    def read(self, number, token):
        return hashlib.sha256(ask(self.origin(number) + "/files/film.bin?via=proxy", token=token)).hexdigest()

    def test_five_pods(self):
        for number in range(5):
            self.pods.start(number, 10 + number)
        self.wait_ready()
        token = PODMAN.run("exec", "chisme-0", "chisme", "token", "new", "--secret-file", "/run/chisme/cluster.secret", "--role",
                           "admin", "--expires", "1h").stdout.strip()
        with self.subTest("the secret is its own alone, and the rest is as little as can be"):
            said = PODMAN.run("exec", "chisme-1", "sh", "-c",
                              "id -u; stat -c %a /run/chisme/cluster.secret; grep CapEff /proc/1/status; touch /usr/x", check=False)
            self.assertEqual(said.stdout.split(), ["64123", "600", "CapEff:", "0000000000000000"])
            self.assertIn("Read-only file system", said.stderr)
        with self.subTest("a token is asked for"):
            with self.assertRaisesRegex(urllib.request.HTTPError, "401"):
                ask(self.origin(0) + "/files/film.bin", "PUT", DATA)
            ask(self.origin(0) + "/files/film.bin", "PUT", DATA, token)
            until(15, "three copies", lambda: copies(self.origin(0), "film.bin", token) == 3)
        with self.subTest("a pod that moved is the same node at another address"):
            code, seconds = self.pods.stop(1)
            self.assertEqual(code, 0)
            self.assertLess(seconds, 45)
            self.pods.start(1, 21)
            self.wait_ready()
            until(15, "the others know where", lambda: self.members(token).get(self.origin(1)) == "alive")
            self.assertEqual(len(self.members(token)), 5)
            self.assertEqual(self.read(1, token), HASH)
        with self.subTest("all may move at once"):
            for number in range(5):
                self.pods.stop(number)
            for number in range(5):
                self.pods.start(number, 30 + number)
            self.wait_ready()
            until(30, "five are alive", lambda: list(self.members(token).values()) == ["alive"] * 5)
            self.assertEqual([self.read(number, token) for number in range(5)], [HASH] * 5)
        with self.subTest("the last pod hands over and is gone"):
            PODMAN.run("exec", "--interactive", "chisme-4", "sh", "-c", "CHISME_TOKEN=$(cat) chisme drain --wait", input=token)
            until(10, "it has ended", lambda: PODMAN.inspect("chisme-4", ".State.Status") == "exited")
            self.assertEqual(PODMAN.inspect("chisme-4", ".State.ExitCode"), "0")
            until(15, "three copies", lambda: copies(self.origin(0), "film.bin", token) == 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
