"""What `chisme doctor` finds on a sound cluster and on one that is not, and the proof that nothing is lost."""
import json
import unittest

from harness import CHISME, Cluster, eventually, get_json, put, run, status_of


class Doctor(unittest.TestCase):
    def doctor(self, url, *options):
        done = run(CHISME, "doctor", "--json", "--node", url, *options)
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    def states(self, report, check):
        return [one["state"] for one in report["findings"] if one["check"] == check]

    def test_a_sound_cluster_and_one_with_a_dead_node(self):
        cluster = Cluster(4)
        self.addCleanup(cluster.close)
        put(cluster.url(1, "/files/a"), b"abc")
        eventually(lambda: cluster.copies(1, "a") == 3, 20, "three copies")
        eventually(lambda: [m["state"] for m in cluster.cluster(1)["members"]] == ["alive"] * 4, 10, "all are seen alive")
        code, report, errors = self.doctor(cluster.url(1))
        self.assertEqual(code, 0, errors)
        for check in ("clients", "peers"):
            self.assertEqual(self.states(report, check), ["fine"] * 4)
        for check in ("clock", "versions", "copies", "token"):
            self.assertEqual(self.states(report, check), ["fine"], check)
        self.assertEqual(len(self.states(report, "disk")), 4)
        self.assertNotIn("wrong", [one["state"] for one in report["findings"]])
        table = run(CHISME, "doctor", "--node", cluster.url(2)).stdout
        self.assertIn("STATE", table)
        self.assertIn("can be reached, in packets of", table)

        cluster.kill(4)
        eventually(lambda: [m["state"] for m in cluster.cluster(1)["members"]].count("dead") == 1, 10, "it is dead")
        code, report, errors = self.doctor(cluster.url(1))
        self.assertEqual(self.states(report, "members"), ["warning"])
        self.assertEqual(len(self.states(report, "clients")), 3)
        self.assertEqual(self.doctor("http://127.0.0.1:1")[0], 1)

    def test_failover_is_proved_by_a_kill_and_all_is_as_before(self):
        cluster = Cluster(4)
        self.addCleanup(cluster.close)
        put(cluster.url(1, "/files/a"), b"abc")
        before = dict(cluster.pids)
        code, report, errors = self.doctor(cluster.url(1), "--prove")
        self.assertEqual(code, 0, errors)
        proof = report["proof"]
        self.assertEqual((proof["how"], proof["bytes_lost"], proof["bytes"]), ("killed", 0, 8 << 20))
        self.assertLess(proof["gap_seconds"], 5)
        self.assertIsNotNone(proof["repair_seconds"], proof)
        victim = cluster.node_of(proof["victim"])
        self.assertEqual(status_of(cluster.url(victim, "/readyz")), 200, "it serves again")
        eventually(lambda: cluster.pids[victim] != before[victim], 20, "it was started again")
        eventually(lambda: [m["state"] for m in cluster.cluster(1 if victim != 1 else 2)["members"]] == ["alive"] * 4, 20,
                   "all are alive")
        survivor = 1 if victim != 1 else 2
        self.assertEqual([f["name"] for f in get_json(cluster.url(survivor, "/files"))["files"]], ["a"],
                         "the probe is gone")

    def test_too_few_nodes_prove_nothing_and_lose_nothing(self):
        cluster = Cluster(2)
        self.addCleanup(cluster.close)
        code, report, errors = self.doctor(cluster.url(1), "--prove")
        self.assertEqual(code, 1)
        self.assertIn("three or more", errors)
        self.assertEqual(get_json(cluster.url(1, "/files"))["files"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
