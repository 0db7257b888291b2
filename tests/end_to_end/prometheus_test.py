"""A real Prometheus scrapes real nodes: names and types by its own rules, every query of the dashboard and of
the alerts, and an alert that fires because a node was killed."""
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import Cluster, ROOT, eventually, fetch, free_base_port, get_json, put, request, run, some_bytes

EXAMPLES = ROOT / "examples/observe"
METRIC = re.compile(r"\b(?:chisme|process)_[a-z_]+\b")


def families(text):
    """The names that one node's /metrics has types for."""
    return set(re.findall(r"(?m)^# TYPE (\S+) ", text))


def family_of(name, known):
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return name if name in known else stem


def metrics_in(expression):
    """The metrics that an expression names; labels and their values are none."""
    return set(METRIC.findall(re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)))


def dashboard_queries():
    dashboard = json.loads((EXAMPLES / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$job", "chisme").replace("$instance", ".*")
            yield panel["title"], query.replace("$__rate_interval", "20s")


class Prometheus:
    """One server with a configuration and a directory of its own."""

    def __init__(self, directory, targets):
        self.port = free_base_port(1)
        config = (EXAMPLES / "prometheus.yml").read_text()
        config = re.sub(r"(_interval:) 15s", r"\1 1s", config)
        config = re.sub(r"targets:\n(\s+- \S+\n?)+", f"targets: {json.dumps(targets)}\n", config)
        (directory / "prometheus.yml").write_text(config)
        # Whoever waits for half an hour in earnest waits two seconds here.
        rules = re.sub(r"for: \S+", "for: 2s", (EXAMPLES / "alerts.yml").read_text())
        (directory / "alerts.yml").write_text(rules)
        self.log = (directory / "log").open("w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={directory / 'prometheus.yml'}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_ready(self):
        eventually(lambda: request(self.url("/-/ready"))[0] == 200, 30, "Prometheus is ready")

    def query(self, expression):
        return self.ask("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["result"]

    def ask(self, path):
        status, _, body = request(self.url(path))
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", f"{path} was answered {body[:300]!r}"
        return answer["data"]

    def alerts(self):
        """name -> states."""
        found = {}
        for alert in self.ask("/api/v1/alerts")["alerts"]:
            found.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
        return found

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.log.close()


class Observed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chisme-test-")))
            cls.cluster = stack.enter_context(Cluster(3))
            cls.use()
            targets = [f"127.0.0.1:{cls.cluster.port(node)}" for node in (1, 2, 3)]
            cls.prometheus = Prometheus(cls.directory, targets)
            stack.callback(cls.prometheus.close)
            cls.prometheus.wait_ready()
            cls.cleanup = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.cleanup.close()

    @classmethod
    def use(cls):
        """Something of everything."""
        url = cls.cluster.url
        for node in (1, 2, 3):
            put(url(node, f"/files/films/{node}%20%22quoted%22.bin"), some_bytes(200_000, node))
            fetch(url(node, "/files/films/1%20%22quoted%22.bin"))
            request(url(node, "/files/none"))
            request(url(node, "/files"))
            request(url(node, "/redirect"))

    def text(self, node=1):
        status, headers, body = request(self.cluster.url(node, "/metrics"))
        self.assertEqual(status, 200)
        self.assertIn("version=0.0.4", headers["Content-Type"])
        return body.decode()

    def test_9_each_method_is_counted_by_its_name(self):
        for method, target in (("PROPFIND", "/dav/"), ("MKCOL", "/dav/folder"), ("LOCK", "/dav/a"), ("ODD", "/files")):
            request(self.cluster.url(1, target), method, b"", {"Depth": "0"})
        counted = set(re.findall(r'chisme_http_requests_total\{[^}]*method="([^"]*)"', self.text()))
        self.assertLessEqual({"PROPFIND", "MKCOL", "LOCK", "other"}, counted)
        self.assertNotIn("", counted)

    def test_1_names_types_and_helps_are_as_promtool_wants_them(self):
        for node in (1, 2, 3):
            checked = run("promtool", "check", "metrics", input=self.text(node))
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_2_configuration_and_rules_are_valid(self):
        for kind, file in (("config", "prometheus.yml"), ("rules", "alerts.yml")):
            checked = run("promtool", "check", kind, str(EXAMPLES / file))
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_3_no_label_has_a_value_from_outside_and_their_number_is_bounded(self):
        text = self.text()
        for word in ("quoted", "films", "127.0.0.1", self.cluster.cluster(1)["self"]):
            self.assertNotIn(word, text)
        before = len(text.splitlines())
        for number in range(200):
            request(self.cluster.url(1, f"/odd-{number}/files/{number}"), f"METHOD{number}")
            request(self.cluster.url(1, f"/files/odd-{number}"))
        self.assertLess(len(self.text().splitlines()) - before, 60)
        self.assertLess(before, 700)

    def test_4_every_metric_is_in_the_documentation(self):
        documented = (ROOT / "docs/observe.md").read_text()
        self.assertEqual([name for name in sorted(families(self.text())) if f"`{name}`" not in documented], [])

    def test_5_every_query_of_the_dashboard_has_data(self):
        queries = list(dashboard_queries())
        self.assertGreater(len(queries), 40)
        known = families(self.text())
        for title, query in queries:
            with self.subTest(panel=title, query=query):
                self.assertEqual({name for name in metrics_in(query) if family_of(name, known) not in known}, set())
                eventually(lambda q=query: self.prometheus.query(q), 20, f"{title} has data")

    def test_6_every_rule_asks_for_metrics_that_there_are(self):
        known = families(self.text())
        rules = [rule for group in self.prometheus.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 20)
        documented = (ROOT / "docs/observe.md").read_text()
        for rule in rules:
            with self.subTest(rule=rule["name"]):
                named = metrics_in(rule["query"])
                self.assertTrue(named or rule["query"].startswith("up{"))
                self.assertEqual({name for name in named if family_of(name, known) not in known}, set())
                self.prometheus.query(rule["query"])
                self.assertIn(f"`{rule['name']}`", documented)
        def judged():
            groups = self.prometheus.ask("/api/v1/rules")["groups"]
            return all(rule["health"] == "ok" for group in groups for rule in group["rules"])
        eventually(judged, 20, "every rule was judged without an error")

    def test_7_figures_are_those_of_what_was_done(self):
        total = get_json(self.cluster.url(1, "/files?sort=name"))["total"]
        self.assertEqual(total, 3)
        for node in (1, 2, 3):
            self.assertRegex(self.text(node), r"(?m)^chisme_files 3$")
            self.assertRegex(self.text(node), r"(?m)^chisme_uploads_acknowledged_total 1$")
            self.assertRegex(self.text(node),
                             r'(?m)^chisme_http_requests_total\{(?=.*route="file")(?=.*method="PUT")(?=.*status="2xx").*\} 1$')
        eventually(lambda: self.prometheus.query('sum(chisme_uploads_acknowledged_total)')[0]["value"][1] == "3", 20,
                   "Prometheus has it")

    def test_8_a_killed_node_is_told_by_the_alerts_that_are_for_it(self):
        eventually(lambda: len(self.prometheus.query("up == 1")) == 3, 20, "all nodes are scraped")
        before = self.prometheus.alerts()
        self.assertFalse({"ChismeNodeDown", "ChismeMemberDead", "ChismeFenced", "ChismeFilesLost"} & before.keys(), before)
        self.cluster.kill(3)
        eventually(lambda: "firing" in self.prometheus.alerts().get("ChismeNodeDown", ()), 30, "the node is known to be down")
        eventually(lambda: "firing" in self.prometheus.alerts().get("ChismeMemberDead", ()), 30,
                   "the others tell of its death")
        self.cluster.start(3)
        eventually(lambda: "ChismeNodeDown" not in self.prometheus.alerts(), 30, "the alert ends")


if __name__ == "__main__":
    unittest.main(verbosity=2)
