"""Has the built program write its manual page and its completions: manual.py PROGRAM DIRECTORY.

The page is `chisme man`, gzipped without a time; a program that has no such command is described by its own help.
"""
import gzip
import pathlib
import subprocess
import sys

COMPLETIONS = {"bash": "chisme.bash", "zsh": "_chisme", "fish": "chisme.fish"}


def said(program, *words):
    """What it prints; None when it does not know the command."""
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else None


def page_of(help_text):
    lines = [line.replace("\\", "\\e") for line in help_text.splitlines()]
    body = "\n".join("\\&" + line for line in lines)
    return (".TH CHISME 1\n.SH NAME\nchisme \\- cluster of identical nodes that hold files and play them\n"
            ".SH SYNOPSIS\n.B chisme\n.I command\n.SH DESCRIPTION\n.nf\n" + body + "\n.fi\n"
            ".SH SEE ALSO\nThe documentation in /usr/share/doc/chisme; \\fBchisme\\fR \\fIcommand\\fR \\fB\\-\\-help\\fR.\n")


def main(program, directory):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    page = said(program, "man") or page_of(said(program, "--help"))
    (directory / "chisme.1.gz").write_bytes(gzip.compress(page.encode(), mtime=0))
    for shell, name in COMPLETIONS.items():
        script = said(program, "completion", shell)
        if script:
            (directory / name).write_text(script)


if __name__ == "__main__":
    main(*sys.argv[1:])
