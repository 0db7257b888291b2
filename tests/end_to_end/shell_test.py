"""Completion in the real shells, and the manual page as man and groff take it."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import CHISME, run

BASH = r"""
. "$1"
COMP_WORDS=(chisme "${@:2}")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
compopt() { echo "compopt $*"; }
_chisme
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="chisme-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def script(self, shell, name):
        made = run(CHISME, "completion", shell)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        path = self.directory / name
        path.write_text(made.stdout)
        return str(path)

    def bash(self, *words):
        done = run("bash", "-u", "-c", BASH, "bash", self.script("bash", "chisme.bash"), *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes_commands_options_and_files(self):
        self.assertEqual(self.bash("st"), ["status"])
        self.assertIn("put", self.bash(""))
        self.assertNotIn("man", self.bash(""))
        self.assertEqual(self.bash("config", "ch"), ["check"])
        self.assertEqual(self.bash("put", "--na"), ["--name"])
        self.assertEqual(set(self.bash("node", "--keep")), {"--keep-removed", "--keep-uploads", "--keep-surplus"})
        self.assertEqual(self.bash("node", "--weight", ""), [])
        self.assertEqual(self.bash("node", "--config", ""), ["compopt", "-o", "default"])
        self.assertEqual(self.bash("put", "film"), ["compopt", "-o", "default"])
        self.assertEqual(self.bash("status", "x"), [])
        self.assertEqual(self.bash("drain", "--no"), ["--node", "--no-wait"])

    def test_bash_itself_takes_it(self):
        script = self.script("bash", "chisme.bash")
        done = run("bash", "--norc", "-c", f". {script}; complete -p chisme")
        self.assertEqual(done.stdout.strip(), "complete -F _chisme chisme")

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes_the_same(self):
        script = self.script("fish", "chisme.fish")

        def offered(line):
            done = run("fish", "--no-config", "-c", f"source {script}; complete -C {line!r}",
                       env={**os.environ, "HOME": str(self.directory)})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr, "")
            return [line.split("\t")[0] for line in done.stdout.splitlines()]
        self.assertEqual(offered("chisme st"), ["status"])
        self.assertEqual(offered("chisme config ch"), ["check"])
        self.assertEqual(offered("chisme put --na"), ["--name"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_takes_it_and_offers_the_same(self):
        script = self.script("zsh", "_chisme")
        # compadd and _files tell what they were given; words and CURRENT are what zsh sets.
        program = """
autoload -U compinit; compinit -u -D
compadd() { print -l -- ${@:2} | grep -- "^$PREFIX_" ; }
_files() { print files }
. %s
words=("$@"); CURRENT=$#words
PREFIX_=$words[CURRENT]
_chisme
""" % script

        def offered(*words):
            done = run("zsh", "-f", "-c", program, "zsh", "chisme", *words)
            self.assertEqual(done.stderr, "")
            return done.stdout.split()
        self.assertEqual(offered("st"), ["status"])
        self.assertEqual(offered("config", "ch"), ["check"])
        self.assertEqual(offered("put", "--na"), ["--name"])
        self.assertEqual(offered("node", "--config", ""), ["files"])

    def test_other_shells_are_refused(self):
        wrong = run(CHISME, "completion", "tcsh")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("bash, zsh, fish", wrong.stderr)


class Manual(unittest.TestCase):
    def test_groff_has_nothing_to_complain_of_and_all_is_there(self):
        page = run(CHISME, "man").stdout
        shown = subprocess.run(["groff", "-man", "-Tutf8", "-k", "-ww", "-rCHECKSTYLE=1"], input=page, text=True,
                               capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8", "GROFF_NO_SGR": "1"})
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(page)
            file.flush()
            manned = subprocess.run(["man", "-l", "--warnings=w", file.name], text=True, capture_output=True,
                                    env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "200", "MAN_KEEP_FORMATTING": ""})
        self.assertEqual((manned.returncode, manned.stderr), (0, ""))
        text = manned.stdout
        for words in ("chisme export", "chisme config check", "--keep-removed", "EXIT STATUS", "--prove", "SIGHUP"):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
