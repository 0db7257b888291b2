"""The log of real nodes: JSON a line whatever happens, levels, requests by their ids, no credentials."""
import contextlib
import json
import pathlib
import re
import tempfile
import unittest
import urllib.parse

from harness import CHISME, Cluster, Node, eventually, put, request, run


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


class Logs(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.log = self.directory / "log"

    @contextlib.contextmanager
    def node(self, *options):
        with self.log.open("w") as log, Node(self.directory / "data", options, log=log) as node:
            yield node.wait_ready()

    def test_each_line_is_json_and_tells_of_hostile_names_and_requests(self):
        names = ['quote".bin', "back\\slash", "caf\u00e9 \u202e.mp4", "a=b&c", "'; drop", "{}"]
        with self.node("--log-format", "json", "--log-level", "debug,access=info") as node:
            for number, name in enumerate(names):
                put(node.url("/files/" + urllib.parse.quote(name)), b"x", {"X-Request-Id": f"job-{number}"})
            request(node.url("/files/%00%0a%1b"))
            request(node.url("/files/none"), headers={"X-Request-Id": 'a"b\\'})
        records = [json.loads(line) for line in lines_of(self.log)]
        for record in records:
            self.assertLessEqual({"time", "level", "component", "message"}, record.keys())
            self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        requests = {record["request_id"]: record for record in records if record["component"] == "access"}
        for number, name in enumerate(names):
            told = requests[f"job-{number}"]
            self.assertEqual((told["method"], told["status"], told["client"]), ("PUT", 201, "127.0.0.1"))
            self.assertEqual(urllib.parse.unquote(told["path"]), "/files/" + name)
            self.assertGreaterEqual(told["seconds"], told["first_byte_seconds"])
            self.assertIn(f"stored {name}", [record["message"] for record in records])
        self.assertTrue(all(re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", id) for id in requests))

    def test_requests_are_told_only_if_they_are_asked_for(self):
        with self.node("--log-level", "debug") as node:
            put(node.url("/files/a"), b"x", {"X-Request-Id": "job-1"})
        text = self.log.read_text()
        self.assertIn("debug cluster: stored a", text)
        self.assertNotIn("job-1", text)

    def test_a_component_has_a_level_of_its_own(self):
        with self.node("--log-level", "error,cluster=debug") as node:
            put(node.url("/files/a"), b"x")
        self.assertIn("debug cluster: stored a", self.log.read_text())
        with self.node("--log-level", "debug,cluster=error") as node:
            put(node.url("/files/b"), b"x")
        self.assertNotIn("stored b", self.log.read_text())
        refused = run(CHISME, "node", "--data", str(self.directory / "other"), "--log-level", "http=loud")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("is not a level", refused.stderr)

    def test_a_failure_is_told_with_its_id_a_few_times_and_then_counted(self):
        with Cluster(2, ("--log-format", "json")) as cluster:
            cluster.kill(2)
            def refused():
                return request(cluster.url(1, "/files/a"), "PUT", b"x", {"X-Request-Id": "first"})[0] == 503
            eventually(refused, 20, "a write is refused")
            for number in range(40):
                status, headers, body = request(cluster.url(1, "/files/a"), "PUT", b"x", {"X-Request-Id": f"job-{number}"})
                self.assertEqual((status, headers["X-Request-Id"]), (503, f"job-{number}"))
                self.assertEqual(json.loads(body)["request_id"], f"job-{number}")
            log = cluster.data / "node-1/log"
            def failures(path):
                # What the node says on standard output when it is ready is in the same file.
                records = [json.loads(line) for line in lines_of(path) if not line.startswith("ready ")]
                return [record for record in records if record["component"] == "http"]
            eventually(lambda: any("left out" in record["message"] for record in failures(log)), 25, "they were counted")
            told = failures(log)
            self.assertIn("first", {record.get("request_id") for record in told})
            self.assertLess(len(told), 20)

    def test_a_request_has_one_id_in_the_logs_of_all_nodes_that_it_was_sent_to(self):
        with Cluster(4, ("--log-level", "access=info,info")) as cluster:
            put(cluster.url(1, "/files/a"), b"x")
            eventually(lambda: all(cluster.copies(node, "a") == 3 for node in range(1, 5)), 20, "all know of three copies")
            holders = {cluster.node_of(replica["http"]) for replica in cluster.route(1, "a")["replicas"]}
            other = ({1, 2, 3, 4} - holders).pop()
            def tellers(request_id):
                return {node for node in range(1, 5)
                        if f"request_id={request_id}" in (cluster.data / f"node-{node}/log").read_text()}
            def is_told(request_id):
                return len(tellers(request_id)) >= 2 and other in tellers(request_id)
            fetched = run("curl", "-sSL", "-H", "X-Request-Id: job-9", cluster.url(other, "/files/a"))
            self.assertEqual(fetched.stdout, "x")
            eventually(lambda: is_told("job-9"), 10, "both nodes tell of it")
            # Who goes where it is sent without saying the id again says it all the same.
            status, headers, _ = request(cluster.url(other, "/files/a"), headers={"X-Request-Id": "job-10"})
            self.assertEqual(status, 307)
            self.assertEqual(request(headers["Location"])[2], b"x")
            eventually(lambda: is_told("job-10"), 10, "both nodes tell of that, too")

    def test_with_everything_asked_for_no_credential_is_told(self):
        secret = self.directory / "secret"
        self.assertEqual(run(CHISME, "secret", "new", str(secret)).returncode, 0)
        token = run(CHISME, "token", "new", "--secret-file", str(secret), "--role", "write").stdout.strip()
        self.assertTrue(token)
        bearer = {"Authorization": f"Bearer {token}"}
        with self.node("--secret-file", str(secret), "--access", "token", "--log-level", "debug,access=debug") as node:
            put(node.url("/files/a"), b"x", bearer)
            wish = json.dumps({"name": "a", "seconds": 600}).encode()
            shared = json.loads(request(node.url("/shares"), "POST", wish, bearer)[2])
            self.assertEqual(request(node.url(shared["url"]))[0], 200)
            request(node.url(shared["url"] + "x"))
            request(node.url("/files/a?share=" + token))
            begin = {**bearer, "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename Yg=="}
            status, headers, _ = request(node.url("/uploads"), "POST", headers=begin)
            self.assertEqual(status, 201)
            upload = headers["Location"].rsplit("/", 1)[1]
            request(node.url(f"/uploads/{upload}"), "HEAD", headers={**bearer, "Tus-Resumable": "1.0.0"})
        text = self.log.read_text()
        self.assertIn("path=/files/a", text)
        self.assertIn("path=/uploads/...", text)
        for word in (token, shared["url"].split("share=")[1], secret.read_text().strip()):
            self.assertNotIn(word, text)
        self.assertNotIn(upload, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
