"""Configuration files: what is wrong with one is told at once and in whole; a running node takes what it can change,
names what needs a restart, and a broken file changes nothing."""
import json
import os
import pathlib
import re
import signal
import tempfile
import unittest

from harness import CHISME, ROOT, Node, eventually, get_json, put, run, status_of


class Config(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.file = self.directory / "chisme.toml"
        self.log = self.directory / "log"

    def write(self, text):
        new = self.directory / "new"
        new.write_text(text)
        new.rename(self.file)

    def check(self, text, *options):
        self.write(text)
        return run(CHISME, "config", "check", str(self.file), *options)

    def start(self, *options):
        log = self.log.open("w")
        self.addCleanup(log.close)
        node = Node(self.directory / "data", ["--config", str(self.file), *options], log=log)
        self.addCleanup(node.close)
        return node.wait_ready()

    def reload(self, node, text, until):
        self.write(text)
        node.process.send_signal(signal.SIGHUP)
        eventually(lambda: until in self.log.read_text(), 10, f"the log says {until!r}")

    # ---- Checking ------------------------------------------------------------------------------

    def test_the_example_is_the_file_in_examples_has_every_flag_and_is_valid(self):
        example = run(CHISME, "config", "example")
        self.assertEqual(example.returncode, 0, example.stderr)
        self.assertEqual(example.stdout, (ROOT / "examples/chisme.toml").read_text(),
                         "make it anew: chisme config example > examples/chisme.toml")
        keys = re.findall(r"^#([a-z0-9_]+) = ", example.stdout, re.M)
        flags = re.findall(r"^\s+--([a-z0-9-]+)", run(CHISME, "node", "--help").stdout, re.M)
        flags = {flag.replace("-", "_") for flag in flags} - {"config", "help", "help_all"}
        self.assertEqual(set(keys), flags)
        self.assertEqual(len(keys), len(set(keys)))
        self.assertEqual(self.check(example.stdout).returncode, 0)
        # Each for itself: some exclude each other.
        together = []
        for line in example.stdout.splitlines():
            if re.match(r"^#[a-z0-9_]+ = ", line):
                checked = self.check(line[1:] + "\n")
                if checked.returncode:
                    together.append(line[1:].split(" ")[0])
                    self.assertIn(f"{self.file}: ", checked.stderr, "the rules between keys are what it breaks")
        self.assertLess(len(together), 10, together)

    def test_all_mistakes_are_told_with_file_line_and_a_sentence(self):
        wrong = self.check('copis = 3\nweight = true\njoin = ["127.0.0.1:1", 1979-05-27]\nlisten = "here"\n'
                           '[limits]\nconnections = 5\n')
        self.assertEqual(wrong.returncode, 1)
        self.assertEqual(wrong.stdout, "")
        lines = wrong.stderr.splitlines()
        for number, words in ((1, ["`copis`", "did you mean `copies`?"]), (2, ["`weight`", "a text or a number"]),
                              (3, ["`join`", "a date"]), (4, ["`listen`", '"here"', "127.0.0.1:7701"]),
                              (5, ["`limits`", "[table]"])):
            about = [line for line in lines if line.startswith(f"{self.file}, line {number}: ")]
            self.assertEqual(len(about), 1, lines)
            for word in words:
                self.assertIn(word, about[0])
        told = json.loads(self.check("copis = 3\n", "--json").stdout)
        self.assertEqual(len(told["errors"]), 1)
        self.assertIn("line 1", told["errors"][0])

    def test_files_that_are_none(self):
        self.assertIn("line 2", self.check("copies = 3\ncopies = = 3\n").stderr)
        self.assertIn("--durable 3", self.check("copies = 2\ndurable = 3\n").stderr)
        huge = self.check("#" * (1 << 20) + "\n")
        self.assertEqual(huge.returncode, 1)
        self.assertIn("larger", huge.stderr)
        self.file.unlink()
        gone = run(CHISME, "config", "check", str(self.file))
        self.assertEqual(gone.returncode, 1)
        self.assertIn(str(self.file), gone.stderr)
        self.assertEqual(run(CHISME, "config", "check").returncode, 2)

    def test_a_node_refuses_a_wrong_file_and_flags_go_before_it(self):
        self.write("zon = \"a\"\n")
        node = Node(self.directory / "data", ["--config", str(self.file)])
        self.addCleanup(node.close)
        code, errors = node.ends()
        self.assertEqual(code, 2)
        self.assertIn("did you mean `zone`?", errors)
        self.write('listen = "127.0.0.1:1"\nmax_file_size = 1000\n')
        running = self.start("--max-file-size", "2000")  # and the harness gives --listen
        self.assertEqual(get_json(running.url("/cluster"))["max_file_size"], 2000)

    def test_an_unknown_command_is_told_of_its_neighbour(self):
        wrong = run(CHISME, "stauts")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("did you mean `status`?", wrong.stderr)

    # ---- Reading it again ----------------------------------------------------------------------

    def test_what_can_change_changes_and_what_cannot_is_named(self):
        self.write('log_level = "info"\nmax_file_size = 1000\n')
        node = self.start()
        put(node.url("/files/a"), b"a")
        self.assertEqual(status_of(node.url("/files/a"), headers={"Host": "films.example"}), 421)
        self.reload(node, 'log_level = "debug"\nhost = "films.example"\nmax_file_size = 2000\nrequests_per_second = 1\n'
                          "limit_loopback = true\n", "was read again; changed: host, ")
        text = self.log.read_text()
        self.assertIn("max_file_size, which needs a restart", text)
        self.assertIn("log_level", text.split("changed: ")[1])
        # A connection that begins now.
        eventually(lambda: status_of(node.url("/files/a"), headers={"Host": "films.example"}) == 200, 10,
                   "the new name is known")
        eventually(lambda: 429 in [status_of(node.url("/files/a")) for _ in range(5)], 10, "the new limit holds")
        self.assertEqual(get_json_when_allowed(node, "/cluster")["max_file_size"], 1000)
        eventually(lambda: status_of(node.url("/files/b"), method="PUT", body=b"b") in (200, 201), 10, "it is allowed")
        eventually(lambda: "stored b" in self.log.read_text(), 10, "the new level holds")

        self.reload(node, 'max_file_size = 1000\n', "changed: host, requests_per_second, limit_loopback, log_level")
        eventually(lambda: {status_of(node.url("/files/a")) for _ in range(10)} == {200}, 10, "the limit is gone")
        put(node.url("/files/c"), b"c")
        self.assertNotIn("stored c", self.log.read_text())

    def test_what_does_not_fit_the_rest_changes_nothing_however_often_it_is_read(self):
        self.write('host = "films.example"\n')
        node = self.start()
        secret = self.file.with_name("secret")
        self.assertEqual(run(CHISME, "secret", "new", str(secret)).returncode, 0)
        self.reload(node, f'host = "films.example"\nsecret_file = "{secret}"\naccess = "token"\n',
                    "does not change before a restart")
        node.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.log.read_text().count("does not change before a restart") == 2, 10, "it is told again")
        self.assertNotIn("changed: access", self.log.read_text())
        self.reload(node, 'host = "other.example"\n', "was read again; changed: host")
        self.assertEqual(status_of(node.url("/files")), 200)

    def test_a_broken_file_changes_nothing_and_says_why(self):
        self.write('host = "films.example"\n')
        node = self.start()
        self.reload(node, 'host = "other.example"\ncopis = 3\n', "was not read again, and all stays as it is")
        self.assertRegex(self.log.read_text(), rf"{re.escape(str(self.file))}, line 2: .*`copis`.*`copies`")
        self.assertIn(status_of(node.url("/readyz"), headers={"Host": "films.example"}), (200, 503))
        self.assertEqual(status_of(node.url("/readyz"), headers={"Host": "other.example"}), 421)
        os.unlink(self.file)
        node.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.log.read_text().count("was not read again") == 2, 10, "a file that is gone, too")
        self.assertEqual(status_of(node.url("/healthz")), 200)


def get_json_when_allowed(node, path):
    eventually(lambda: status_of(node.url(path)) == 200, 20, "requests are allowed")
    return eventually(lambda: allowed_json(node, path), 20, "requests are allowed")


def allowed_json(node, path):
    try:
        return get_json(node.url(path))
    except AssertionError:
        return None


if __name__ == "__main__":
    unittest.main(verbosity=2)
