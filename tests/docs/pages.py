"""What the tests read out of the project's pages: fenced blocks, each with the comment before it.

A block marked ```sh is run as it stands, in order, by commands_test.py. A comment right before a block says otherwise:

    <!-- not run: why -->                 it cannot run in a test
    <!-- background: REGEX -->            it goes on running; the next block waits for a line of its output like this
    <!-- typed: REGEX -->                 its lines are typed into the last such command; the next block waits for a line like this
    <!-- file: NAME -->                   it is the content of a file
    <!-- output -->                       each line is a line of what the last block printed; … stands for anything
    <!-- started: COMMAND -->             (no block) what readers have started already; it says `ready`
"""
import dataclasses
import re

MARK = re.compile(r"^<!-- (not run|background|typed|file|output|started)(?:: (.*))? -->$")
SHELL = "sh"


@dataclasses.dataclass
class Block:
    line: int
    language: str
    text: str
    mark: str = ""  # one of the above, or ""
    argument: str = ""


def blocks(text):
    """The blocks of a page, in order; those that are neither marked nor sh are left out."""
    found, mark, inside = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        if inside is not None:
            if line.strip() == "```":
                if inside.mark or inside.language == SHELL:
                    found.append(inside)
                inside = None
            else:
                inside.text += line + "\n"
        elif line.startswith("```"):
            kind, argument = mark or ("", "")
            inside, mark = Block(number, line[3:].strip(), "", kind, argument), None
        elif match := MARK.match(line.strip()):
            mark = (match[1], match[2] or "")
            if mark[0] == "started":
                found.append(Block(number, SHELL, mark[1] + "\n", "background", "^ready"))
                mark = None
        elif line.strip():
            if mark:
                raise ValueError(f"line {number}: a comment about a block that does not follow")
    if inside is not None or mark:
        raise ValueError("a block does not end, or a comment has no block")
    return found
