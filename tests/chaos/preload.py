"""Builds the small libraries that change what the program gets from the system (LD_PRELOAD)."""
import pathlib
import subprocess


def build(name, directory):
    """Compiles NAME.c of this directory into `directory`, which is made if need be; the library's path."""
    library = pathlib.Path(directory) / f"{name}.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["clang-19", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-o", str(library),
                    str(pathlib.Path(__file__).with_name(f"{name}.c")), "-ldl"], check=True)
    return library
