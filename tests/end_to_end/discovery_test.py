"""Nodes that are told no address find one another by multicast (--discover): on three machines of a network, which
here are network namespaces on a bridge; and a stranger, and who plays again what it heard, change nothing."""
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import namespaces  # noqa: E402
import wires  # noqa: E402
from harness import CHISME, Node, eventually, get_json, put, request, run, sha256, some_bytes, status_of  # noqa: E402

GROUP, PORT = "239.255.67.72", 7700
IP_RECVTTL = 12  # of bits/in.h
HERE = 10  # the end of this process's address


def address(number):
    return f"10.79.0.{HERE + number}"


def lay_network(machines):
    """A bridge that is this process's, and machines on it."""
    os.makedirs("/run/netns", exist_ok=True)
    namespaces.command("mount", "-t", "tmpfs", "none", "/run/netns")
    namespaces.command("ip", "link", "set", "lo", "up")
    namespaces.command("ip", "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
    namespaces.command("ip", "address", "add", f"{address(0)}/24", "dev", "bridge")
    namespaces.command("ip", "link", "set", "bridge", "up")
    for number in range(1, machines + 1):
        inside = wires.inside(number)
        namespaces.command("ip", "netns", "add", f"n{number}")
        namespaces.command("ip", "link", "add", f"wire{number}", "type", "veth", "peer", "name", "end", "netns", f"n{number}")
        namespaces.command("ip", "link", "set", f"wire{number}", "master", "bridge", "up")
        namespaces.command(*inside, "ip", "link", "set", "lo", "up")
        namespaces.command(*inside, "ip", "address", "add", f"{address(number)}/24", "dev", "end")
        namespaces.command(*inside, "ip", "link", "set", "end", "up")


def make_secret(path):
    made = run(CHISME, "secret", "new", str(path))
    assert made.returncode == 0, made.stderr
    return path


class Machine:
    """A node of its own machine; several of one machine differ in their port."""

    def __init__(self, directory, number, secret, port=7701):
        self.log_path = directory / f"log-{number}-{port}"
        with self.log_path.open("w") as log:
            self.node = Node(directory / f"data-{number}-{port}",
                             ("--secret-file", str(secret), "--insecure-lan", "--profile", "lan", "--discover"),
                             port=port, prefix=wires.inside(number), log=log, address=address(number))

    def alive(self):
        return sum(member["state"] == "alive" for member in get_json(self.node.url("/cluster"))["members"])

    def states(self):
        return sorted((member["http"], member["state"]) for member in get_json(self.node.url("/cluster"))["members"])

    def log(self):
        return self.log_path.read_text()

    def is_up(self):
        return status_of(self.node.url("/healthz")) == 200


def listener():
    """Hears the network's announcements, and can send what it likes."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ear.bind((GROUP, PORT))
    here = socket.inet_aton(address(0))
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + here)
    ear.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
    ear.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    ear.settimeout(8)
    return ear


def hear(ear):
    """One announcement, and the time to live that it came with."""
    data, about, _, _ = ear.recvmsg(2000, 100)
    return data, struct.unpack("i", about[0][2])[0]


def hear_all(ear, senders):
    """Announcements of so many senders, as their headers (sealing.hpp) name them."""
    heard = []
    while len({data[8:24] for data, _ in heard}) < senders and len(heard) < 100:
        heard.append(hear(ear))
    return heard


def find_one_another(directory):
    lay_network(4)
    secret, another = (make_secret(directory / name) for name in ("secret", "another"))
    seen, machines = {}, []
    ear = listener()
    try:
        began = time.monotonic()
        machines += [Machine(directory, number, secret) for number in (1, 2, 3)]
        stranger = Machine(directory, 4, another)
        twin = Machine(directory, 4, secret, port=7801)  # on the stranger's machine, at its multicast port
        machines += [twin, stranger]
        members = [machine for machine in machines if machine is not stranger]
        recorded = hear_all(ear, len(machines))
        seen["hops"] = {hops for _, hops in recorded}
        seen["lengths"] = {len(data) for data, _ in recorded}
        for machine in machines:
            eventually(machine.is_up, 20, "it runs")
        eventually(lambda: all(machine.alive() == 4 for machine in members), 20, "all nodes meet")
        seen["seconds"] = time.monotonic() - began
        time.sleep(6)  # in which the stranger announces itself once more
        seen["stranger"] = stranger.states()
        seen["members"] = members[0].states()
        data = some_bytes(2_000_000)
        eventually(lambda: request(members[0].node.url("/files/film.bin"), "PUT", data)[0] in (200, 201), 10, "it is stored")
        seen["same"] = sha256(request(members[2].node.url("/files/film.bin?via=proxy"))[2]) == sha256(data)
        seen["replay"] = replay(ear, machines, members, [data for data, _ in recorded])
        seen["restart"] = replay_to_a_new_run(directory, ear, secret, machines, members, [data for data, _ in recorded])
        return seen
    finally:
        ear.close()
        for machine in machines:
            machine.node.close()


def replay(ear, machines, members, recorded):
    """Everything recorded, changed ones and noise, many times: what changed."""
    before = [(machine.states(), machine.log().count("joining it")) for machine in machines]
    for turn in range(200):
        for number, data in enumerate(recorded):
            ear.sendto(data, (GROUP, PORT))
            broken = bytearray(data)
            broken[(turn * 7 + number) % len(data)] ^= 1 << turn % 8
            ear.sendto(bytes(broken), (GROUP, PORT))
        ear.sendto(some_bytes(turn, turn), (GROUP, PORT))
    time.sleep(2)
    after = [(machine.states(), machine.log().count("joining it")) for machine in machines]
    return [(old, new) for old, new in zip(before, after) if old != new]


def replay_to_a_new_run(directory, ear, secret, machines, members, recorded):
    """A node that starts again has heard nothing: what was recorded of one who is gone is played to it."""
    gone = members[3]
    gone.node.kill()
    death = (f"http://{address(4)}:7801", "dead")
    eventually(lambda: death in members[0].states(), 30, "its death is known")
    members[2].node.close()
    machines.append(Machine(directory, 3, secret))
    new = machines[-1]
    eventually(new.is_up, 20, "it runs again")
    eventually(lambda: new.alive() == 3 and members[0].alive() == 3 and death in new.states(), 30, "it is back")
    for _ in range(350):  # longer than a node is left alone after a call
        for data in recorded:
            ear.sendto(data, (GROUP, PORT))
        time.sleep(0.02)
    time.sleep(3)
    return new.alive(), members[0].alive(), status_of(new.node.url("/readyz")), new.log().count(address(4) + ":8801: joining it")


class Discovery(unittest.TestCase):
    def setUp(self):
        own = tempfile.TemporaryDirectory(prefix="chisme-discovery-")
        self.addCleanup(own.cleanup)
        self.directory = pathlib.Path(own.name)

    def test_nodes_of_one_secret_find_one_another_and_nobody_else_changes_that(self):
        try:
            seen = namespaces.run(namespaces.NETWORK, find_one_another, self.directory)
        except namespaces.NotAllowed as error:
            self.skipTest(str(error))
        print(f"four nodes met {seen['seconds']:.1f} s after the first was started")
        self.assertEqual(seen["hops"], {1}, "no router passes them on")
        self.assertEqual(len(seen["lengths"]), 1, "their length tells nothing")
        self.assertEqual(seen["stranger"], [(f"http://{address(4)}:7701", "alive")])
        self.assertEqual(seen["members"], sorted([(f"http://{address(n)}:7701", "alive") for n in (1, 2, 3)]
                                                 + [(f"http://{address(4)}:7801", "alive")]))
        self.assertTrue(seen["same"])
        self.assertEqual(seen["replay"], [])
        alive_there, alive_here, ready, calls = seen["restart"]
        self.assertEqual((alive_there, alive_here, ready), (3, 3, 200))
        self.assertEqual(calls, 1, "what was recorded is heard once, and nobody answers the call")

    def test_it_needs_a_secret_and_an_address_of_the_network(self):
        for options, word in (((), "--secret-file"),
                              (("--secret-file", "x", "--listen", "[::1]:7701"), "IPv4"),
                              (("--secret-file", "x", "--discover-port", "0"), "from 1 to 65535")):
            refused = run(CHISME, "node", "--discover", "--data", str(self.directory / "data"), *options)
            self.assertEqual(refused.returncode, 2, options)
            self.assertIn(word, refused.stderr)
        secret = make_secret(self.directory / "secret")
        with Node(self.directory / "data", ("--discover", "--secret-file", str(secret), "--insecure-lan", "--advertise",
                                            "203.0.113.7:7701")) as node:
            code, errors = node.ends()
        self.assertEqual(code, 1)
        self.assertIn("--join", errors)


if __name__ == "__main__":
    unittest.main()
