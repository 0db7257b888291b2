"""Has the built program write its manual page, gzipped without a time, and its completions:
manual.py PROGRAM DIRECTORY."""
import gzip
import pathlib
import subprocess
import sys

COMPLETIONS = {"bash": "chisme.bash", "zsh": "_chisme", "fish": "chisme.fish"}


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def main(program, directory):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "chisme.1.gz").write_bytes(gzip.compress(said(program, "man").encode(), mtime=0))
    for shell, name in COMPLETIONS.items():
        (directory / name).write_text(said(program, "completion", shell))


if __name__ == "__main__":
    main(*sys.argv[1:])
