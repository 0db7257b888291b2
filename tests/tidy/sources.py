"""The C++ sources that the rules speak of."""
import pathlib

ROOMS = ("cluster", "web", "node", "tests", "examples")


def sources(root):
    """Yields (path relative to root as text, contents) of every C++ file that the project owns."""
    for room in ROOMS:
        for path in sorted((pathlib.Path(root) / room).rglob("*")):
            if path.suffix in (".cpp", ".hpp") and "node_modules" not in path.parts:
                yield str(path.relative_to(root)), path.read_text(encoding="utf-8")
