"""The nodes of `chisme up`, killed, started, stopped and continued over HTTP, as the page does it."""
import json
import os
import pathlib
import socket
import tempfile
import unittest
import urllib.parse

from harness import Cluster, Node, eventually, get_json, is_running, put, request, status_of


def order(cluster, asked, what, target, headers=None):
    """One order for `target`, a node's number or a URL: the status, and the sentence if there is one."""
    url = cluster.url(target) if isinstance(target, int) else target
    path = f"/cluster/local/{what}?http={urllib.parse.quote(url, safe='')}"
    status, _, body = request(cluster.url(asked, path), "POST", headers=headers)
    return status, json.loads(body)["detail"] if body else ""


def state_of(cluster, asked, target):
    members = {member["http"]: member["state"] for member in cluster.cluster(asked)["members"]}
    return members.get(cluster.url(target))


class LocalClusterTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3)
        cls.addClassCleanup(cls.cluster.close)

    def restart(self, asked, target):
        before = self.cluster.pids[target]
        self.assertEqual(order(self.cluster, asked, "start", target), (204, ""))
        eventually(lambda: self.cluster.pids[target] != before, 20, "its line is printed")
        eventually(lambda: status_of(self.cluster.url(target, "/readyz")) == 200, 20, "it is ready")
        eventually(lambda: state_of(self.cluster, asked, target) == "alive", 20, "the others see it")

    def test_a_node_is_killed_and_started_again(self):
        self.assertIs(self.cluster.cluster(1)["local"], True)
        pid = self.cluster.pids[2]
        self.assertEqual(order(self.cluster, 1, "kill", 2), (204, ""))
        eventually(lambda: not is_running(pid), 5, "it is gone")
        eventually(lambda: state_of(self.cluster, 1, 2) == "dead", 20, "the others see it")
        status, sentence = order(self.cluster, 1, "kill", 2)
        self.assertEqual(status, 409)
        self.assertIn("does not run", sentence)
        self.restart(3, 2)
        self.assertEqual(order(self.cluster, 3, "start", 2)[0], 409)
        # The new process has a way to ask, too.
        self.assertIs(self.cluster.cluster(2)["local"], True)
        self.assertEqual(order(self.cluster, 2, "cont", 3)[0], 204)

    def test_kill_and_start_may_come_in_one_breath(self):
        self.assertEqual(order(self.cluster, 1, "kill", 3)[0], 204)
        self.restart(1, 3)

    def test_a_node_is_stopped_and_continued(self):
        self.assertEqual(order(self.cluster, 1, "stop", 2), (204, ""))
        stat = pathlib.Path(f"/proc/{self.cluster.pids[2]}/stat")
        eventually(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", 5, "it is stopped")
        self.assertEqual(order(self.cluster, 3, "cont", 2), (204, ""))
        eventually(lambda: status_of(self.cluster.url(2, "/healthz")) == 200, 10, "it goes on")

    def test_a_node_may_end_itself(self):
        for what, gone in (("kill", lambda pid: not is_running(pid)),):
            pid = self.cluster.pids[3]
            self.assertEqual(order(self.cluster, 3, what, 3), (204, ""))
            eventually(lambda: gone(pid), 5, "it is gone")
            self.restart(1, 3)

    def test_other_sites_cannot_kill_a_node(self):
        pid = self.cluster.pids[2]
        for origin in ("http://evil.example", "null", "https://127.0.0.1", f"http://127.0.0.1:{self.cluster.port(1) - 500}"):
            for what in ("kill", "start", "stop", "cont"):
                status, _ = order(self.cluster, 1, what, 2, {"Origin": origin})
                self.assertEqual(status, 403, (origin, what))
        status, _ = order(self.cluster, 1, "kill", 2, {"Host": "evil.example"})
        self.assertEqual(status, 421)
        target = urllib.parse.quote(self.cluster.url(2), safe="")
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(request(self.cluster.url(1, f"/cluster/local/kill?http={target}"), method)[0], 405)
        self.assertTrue(is_running(pid))
        # Pages of the cluster may.
        self.assertEqual(order(self.cluster, 1, "cont", 2, {"Origin": self.cluster.url(3)})[0], 204)

    def test_what_is_no_node_or_no_order_is_told(self):
        for url in ("http://127.0.0.1:1", "http://evil.example", "x" * 600, "1 kill " + self.cluster.url(2)):
            self.assertEqual(order(self.cluster, 1, "kill", url)[0], 404, url)
        self.assertEqual(order(self.cluster, 1, "quit", 2)[0], 404)
        self.assertEqual(request(self.cluster.url(1, "/cluster/local/kill"), "POST")[0], 400)
        self.assertTrue(all(is_running(pid) for pid in self.cluster.pids.values()))

    def test_a_node_of_no_local_cluster_says_so(self):
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with left, right, tempfile.TemporaryDirectory() as data:
            for options in ((), ("--parent-socket", str(right.fileno())), ("--parent-socket", "0")):
                with Node(data, options).wait_ready() as node:
                    self.assertIs(get_json(node.url("/cluster"))["local"], False)
                    target = urllib.parse.quote(node.url(), safe="")
                    status, _, body = request(node.url(f"/cluster/local/kill?http={target}"), "POST")
                    self.assertEqual(status, 404)
                    self.assertIn("chisme up", json.loads(body)["detail"])

    def test_the_limits_of_uploads_are_told(self):
        with tempfile.TemporaryDirectory() as data:
            options = ("--max-file-size", "5000", "--quota", "100000")
            with Node(data, options).wait_ready() as node:
                before = get_json(node.url("/cluster"))
                self.assertEqual(before["max_file_size"], 5000)
                self.assertEqual(before["room"], 100000)
                put(node.url("/files/a"), b"x" * 4000)
                self.assertEqual(get_json(node.url("/cluster"))["room"], 96000)
        told = self.cluster.cluster(1)
        free = os.statvfs(self.cluster.data)
        self.assertLess(told["room"], free.f_bavail * free.f_frsize)
        self.assertGreater(told["room"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
