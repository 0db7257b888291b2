"""Holds the ceilings: a function at most 70 lines, a file at most 500."""
import re
import sys

from sources import sources

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def blank_out(text):
    """The text with comments, strings and character literals replaced by spaces, lines kept."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.DOTALL)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(text):
    """Yields (first line, number of lines) of every function body at namespace or class level."""
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  blank_out(text), flags=re.MULTILINE)
    stack = []  # (is a scope, line of its header)
    start = 0
    for match in re.finditer(r"[{};]", text):
        char, at = match.group(), match.start()
        if char == "{":
            header = text[start:at]
            in_scope = all(scope for scope, _ in stack)
            is_scope = in_scope and bool(SCOPE.search(header)) and not re.search(r"\)\s*(const\s*)?$", header)
            line = text.count("\n", 0, start + len(header) - len(header.lstrip())) + 1
            stack.append((is_scope, line))
            is_function = in_scope and not is_scope and "(" in header
            stack[-1] = (is_scope, line if is_function else None)
        elif char == "}" and stack:
            scope, line = stack.pop()
            if not scope and line is not None and all(s for s, _ in stack):
                yield line, text.count("\n", 0, at) + 1 - line + 1
        start = match.end()


def complaints(path, text):
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{path}: {lines} lines; at most {FILE_LINES_MAX}"
    for line, length in functions(text):
        if length > FUNCTION_LINES_MAX:
            yield f"{path}:{line}: a function of {length} lines; at most {FUNCTION_LINES_MAX}"


def main():
    found = [c for path, text in sources(sys.argv[1]) for c in complaints(path, text)]
    print("\n".join(found) or "lengths: every function and file is short enough")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
