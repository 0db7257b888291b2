"""Nodes that are told a name to join, which has no address yet, several, or others than it had: as Kubernetes starts
and moves them. Real nodes and the system's resolver, in a network and above an /etc of their own."""
import contextlib
import os
import pathlib
import socket
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import namespaces  # noqa: E402
from harness import CHISME, Node, eventually, fetch, get_json, put, request, run, some_bytes, status_of  # noqa: E402

NAME = "chisme-peers.films.svc.cluster.local"


def address(run_number, node):
    return f"10.80.{run_number}.{node}"


def make_room(directory):
    """A network, and an /etc in which files may be replaced."""
    namespaces.command("ip", "link", "set", "lo", "up")
    for turn in (1, 2):
        for node in (1, 2, 3):
            namespaces.command("ip", "address", "add", f"{address(turn, node)}/32", "dev", "lo")
    namespaces.command("mount", "-t", "tmpfs", "none", str(directory))
    for name in ("upper", "work"):
        (directory / name).mkdir()
    namespaces.command("mount", "-t", "overlay", "overlay", "-o",
                       f"lowerdir=/etc,upperdir={directory}/upper,workdir={directory}/work", "/etc")
    pathlib.Path("/etc/nsswitch.conf").write_text("hosts: files dns\n")
    pathlib.Path("/etc/resolv.conf").unlink(missing_ok=True)
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")


def name_has(*addresses):
    """What the name stands for from now on: a new file in the place of the old one, as some programs write it."""
    new = pathlib.Path("/etc/hosts.new")
    new.write_text("127.0.0.1 localhost\n" + "".join(f"{each} {NAME}\n" for each in addresses))
    new.rename("/etc/hosts")


def alive(node):
    return sorted(member["http"].rpartition("/")[2] for member in get_json(node.url("/cluster"))["members"]
                  if member["state"] == "alive")


def all_see_all(nodes):
    wanted = sorted(f"{node.address}:{node.port}" for node in nodes)
    return all(alive(node) == wanted for node in nodes)


def walk(directory):
    """What each step showed, for the test to look at outside."""
    make_room(directory)
    secret = directory / "secret"
    assert run(CHISME, "secret", "new", str(secret)).returncode == 0
    shown = {}
    with contextlib.ExitStack() as cleanup:
        def start(turn):
            log = cleanup.enter_context((directory / f"log-{turn}").open("w"))
            return [cleanup.enter_context(Node(
                directory / f"data-{node}", ("--join", f"{NAME}:8701", "--secret-file", str(secret), "--insecure-lan"),
                port=7701, address=address(turn, node), log=log)) for node in (1, 2, 3)]

        name_has()
        nodes = start(1)
        for node in nodes:
            eventually(lambda n=node: status_of(n.url("/healthz")) == 200, 20, "it runs")
        shown["while nobody has an address"] = [
            (status_of(node.url("/readyz")), request(node.url("/files/a"), "PUT", b"a")[0]) for node in nodes]

        name_has(*(node.address for node in nodes))
        eventually(lambda: all_see_all(nodes), 20, "they found each other")
        put(nodes[0].url("/files/film.bin"), some_bytes(3_000_000))
        eventually(lambda: [file["copies"] for file in get_json(nodes[2].url("/files"))["files"]] == [3], 20, "three copies")

        name_has()
        shown["after the name has gone"] = [alive(node) == alive(nodes[0]) and status_of(node.url("/readyz")) for node in nodes]

        for node in nodes:
            node.kill()
        nodes = start(2)
        name_has(*(node.address for node in nodes))
        eventually(lambda: all_see_all(nodes), 30, "they found each other at other addresses")
        shown["bytes"] = [fetch(node.url("/files/film.bin")) == some_bytes(3_000_000) for node in nodes]
        put(nodes[1].url("/files/second.bin"), b"written after the move")
    shown["log"] = (directory / "log-1").read_text()
    return shown


def stop_while_nobody_answers(directory):
    """How many seconds a node takes to end that waits for a DNS server which says nothing."""
    make_room(directory)
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")  # two questions of 5 s, as is usual
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 53))
        secret = directory / "secret"
        assert run(CHISME, "secret", "new", str(secret)).returncode == 0
        with Node(directory / "data", ("--join", f"{NAME}:8701", "--secret-file", str(secret))) as node:
            eventually(lambda: status_of(node.url("/healthz")) == 200, 20, "it runs")
            silent.settimeout(20)
            silent.recv(512)
            begun = time.monotonic()
            node.process.terminate()
            return node.process.wait(60), time.monotonic() - begun


@unittest.skipUnless(os.geteuid() == 0, "only root can make networks")
class Names(unittest.TestCase):
    def test_a_name_without_addresses_then_with_several_then_with_others(self):
        with tempfile.TemporaryDirectory(prefix="chisme-names-") as directory:
            try:
                shown = namespaces.run(namespaces.NETWORK, walk, pathlib.Path(directory))
            except namespaces.NotAllowed as error:
                self.skipTest(str(error))
        self.assertEqual(shown["while nobody has an address"], [(503, 503)] * 3, "none is a cluster of its own")
        self.assertEqual(shown["after the name has gone"], [200] * 3)
        self.assertEqual(shown["bytes"], [True] * 3)
        self.assertIn(f"{NAME}, which is to be joined, has no address", shown["log"])
        self.assertLess(shown["log"].count("has no address"), 7, "it is told once, not each second")

    def test_a_stop_does_not_wait_for_a_name_server_that_is_silent(self):
        with tempfile.TemporaryDirectory(prefix="chisme-names-") as directory:
            try:
                status, took = namespaces.run(namespaces.NETWORK, stop_while_nobody_answers, pathlib.Path(directory))
            except namespaces.NotAllowed as error:
                self.skipTest(str(error))
        print(f"ended after {took:.2f} s")
        self.assertEqual(status, 0)
        self.assertLess(took, 4, "the resolver gives up after 10 s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
