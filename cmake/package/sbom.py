"""Lists what a built chisme is made of: chisme.spdx.json (SPDX 2.3) and third-party.txt (the licences of what was
compiled in).

    sbom.py --build build/release --program build/release/chisme --lock web/page/package-lock.json
            --version 0.1.0 --epoch SECONDS --out DIRECTORY

Debian's packages are those that own a file which the compiler read for the program's objects (.ninja_deps says
which), and the shared libraries that the program names; the page's are those of the lock file. The same build on
the same system makes the same bytes.
"""
import argparse
import base64
import datetime
import hashlib
import json
import pathlib
import re
import struct
import subprocess

# The program's own folders in the build directory; its tests are none.
OF_THE_PROGRAM = re.compile(r"^(cluster|web|node|tests/simulation|CMakeFiles/chisme_llhttp\.dir)/(?!planted|figures|.*_tests\.dir/)")
# Their licences ask for nothing in a program that was compiled with them.
TOOLCHAIN = re.compile(r"^(libc6-dev|linux-libc-dev|libstdc\+\+-.*|libgcc-.*|libclang.*|clang.*|libcrypt-dev)$")


def ninja_dependencies(log):
    """{output: [inputs]} of ninja's binary log of dependencies, version 4."""
    data = log.read_bytes()
    signature = b"# ninjadeps\n"
    if not data.startswith(signature) or struct.unpack_from("<i", data, len(signature))[0] != 4:
        raise SystemExit(f"sbom: {log} is no log of ninja's version 4")
    at, paths, found = len(signature) + 4, [], {}
    while at + 4 <= len(data):
        size = struct.unpack_from("<I", data, at)[0]
        at, of_dependencies, size = at + 4, bool(size >> 31), size & 0x7FFFFFFF
        record, at = data[at:at + size], at + size
        if len(record) < size:
            break  # it is being written
        if of_dependencies:
            output, _, _, *inputs = struct.unpack(f"<{size // 4}i", record)
            found[paths[output]] = [paths[number] for number in inputs]
        else:
            paths.append(record[:-4].rstrip(b"\0").decode())
    return found


def files_read(build):
    """The absolute paths that the compiler read for the program."""
    return {path for output, inputs in ninja_dependencies(build / ".ninja_deps").items()
            if OF_THE_PROGRAM.match(output) for path in inputs if path.startswith("/")}


def owners():
    """{path: Debian package} of all installed files."""
    found = {}
    for listing in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        package = listing.stem.partition(":")[0]
        found.update(dict.fromkeys(listing.read_text().splitlines(), package))
    return found


def owner_of(path, by_path):
    for spelling in (path, str(pathlib.Path(path).resolve())):
        for candidate in (spelling, spelling.removeprefix("/usr"), "/usr" + spelling):
            if candidate in by_path:
                return by_path[candidate]
    return None


def shared_libraries(program):
    """The paths of the libraries that the program itself names."""
    named = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", program)))
    found = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", program)))
    return [found[name] for name in sorted(named) if name in found]


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def debian_package(name):
    version, source, architecture = run(
        "dpkg-query", "-W", "-f=${Version}\t${source:Package}\t${Architecture}\n", name).splitlines()[0].split("\t")
    return {"SPDXID": f"SPDXRef-deb-{spdx_name(name)}", "name": name, "versionInfo": version,
            "supplier": "Organization: Debian", "sourceInfo": f"built from the Debian source package {source}",
            "externalRefs": [purl(f"pkg:deb/debian/{name}@{version}?arch={architecture}&distro=debian-12")]}


def npm_packages(lock):
    """(name, SPDX package) of what is installed to build the page; others of the lock file are for tests only."""
    for path, entry in sorted(json.loads(lock.read_text())["packages"].items()):
        if not path or entry.get("dev") or entry.get("optional"):
            continue
        name = path.rpartition("node_modules/")[2]
        package = {"SPDXID": f"SPDXRef-npm-{spdx_name(name)}", "name": name, "versionInfo": entry["version"],
                   "externalRefs": [purl(f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}")]}
        if entry.get("license"):
            package["licenseDeclared"] = entry["license"]
        kind, _, digest = entry.get("integrity", "").partition("-")
        if kind == "sha512":
            package["checksums"] = [{"algorithm": "SHA512", "checksumValue": base64.b64decode(digest).hex()}]
        yield name, package


def purl(locator):
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}


def spdx_name(name):
    return re.sub(r"[^A-Za-z0-9.-]", "-", name)


def document(options, parts):
    """`parts`: (SPDX package, how chisme is related to it)."""
    packages = [{"SPDXID": "SPDXRef-chisme", "name": "chisme", "versionInfo": options.version,
                 "licenseDeclared": "Apache-2.0", "primaryPackagePurpose": "APPLICATION"}]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-chisme")]
    for package, relation in parts:
        packages.append(package)
        if relation == "BUILD_TOOL_OF":
            relations.append((package["SPDXID"], relation, "SPDXRef-chisme"))
        else:
            relations.append(("SPDXRef-chisme", relation, package["SPDXID"]))
    for package in packages:
        for field in ("downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
            package.setdefault(field, "NOASSERTION")
        package["filesAnalyzed"] = False
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc)
    content = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"chisme-{options.version}",
            "documentNamespace": f"https://chisme.example/spdx/{options.version}/{content[:32]}",
            "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: chisme-sbom.py"]},
            "packages": packages,
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                              for a, kind, b in relations]}


def licences(compiled_in, npm, modules):
    """The text of each, with a line before it that says whose it is."""
    for name in compiled_in:
        text = pathlib.Path(f"/usr/share/doc/{name}/copyright")
        if not TOOLCHAIN.match(name) and text.exists():
            yield f"{'=' * 20} {name} (Debian)\n\n{text.read_text(errors='replace').strip()}\n"
    for name in npm:
        for text in sorted((modules / name).glob("LICEN[CS]E*")):
            yield f"{'=' * 20} {name} (npm)\n\n{text.read_text(errors='replace').strip()}\n"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("build", "program", "lock", "out"):
        options.add_argument("--" + name, type=pathlib.Path, required=True)
    options.add_argument("--version", required=True)
    options.add_argument("--epoch", type=int, required=True)
    options = options.parse_args()
    by_path = owners()
    compiled_in = sorted({owner_of(path, by_path) for path in files_read(options.build)} - {None})
    linked = sorted({owner_of(path, by_path) for path in shared_libraries(options.program)} - {None})
    npm = dict(npm_packages(options.lock))
    parts = [(debian_package(name), "STATIC_LINK") for name in compiled_in if name not in linked]
    parts += [(debian_package(name), "DYNAMIC_LINK") for name in linked]
    parts += [(package, "BUILD_TOOL_OF" if name == "esbuild" else "CONTAINS") for name, package in npm.items()]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "chisme.spdx.json").write_text(json.dumps(document(options, parts), indent=1) + "\n")
    texts = licences(compiled_in, npm, options.build / "web/page/node_modules")
    (options.out / "third-party.txt").write_text("\n".join(texts))


if __name__ == "__main__":
    main()
