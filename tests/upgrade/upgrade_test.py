"""Clusters of two versions of the program: to the new one, back to the old one, and both for a while.

    tests/upgrade/upgrade_test.py OLD NEW [--only rolling|mixed]     (tests/upgrade/run.sh finds and builds OLD)
"""
import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "chaos"), str(HERE.parent / "end_to_end")]
import nodes as chaos  # noqa: E402
import webdav_test as dav  # noqa: E402
from clients import Load, check_all, is_whole  # noqa: E402
from harness import eventually, fetch, get_json, request, run  # noqa: E402

COUNT = 5
COPIES_SECONDS = 60


class Report:
    def __init__(self):
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)


def replace(nodes, number, program, asked):
    """As docs/upgrades.md says; how long it took until the next may be replaced."""
    began = time.monotonic()
    nodes.signal(number, signal.SIGTERM)
    code = nodes.nodes[number].process.wait(30)
    assert code == 0, f"node {number} ended with {code}: {nodes.log(number)[-2000:]}"
    nodes.nodes[number].close()
    nodes.programs[number] = program
    nodes.start(number)
    nodes.wait_ready(number, 60)
    eventually(lambda: is_whole(nodes, asked, COUNT), COPIES_SECONDS, f"node {number} is alive and no copies are missing")
    return time.monotonic() - began


def replace_all(nodes, order, what, programs, load, report):
    for number in order:
        took = replace(nodes, number, programs[what], order[0] if number != order[0] else order[1])
        names = check_all(nodes, load)
        report.say(f"node {number} runs the {what} program after {took:.1f} s; {COUNT} nodes agree on {names} names")
        assert not load.failed, load.failed


def tell(load, report):
    report.say("clients: " + ", ".join(f"{count} {what}" for what, count in sorted(load.done.items())))
    report.say("         " + ", ".join(f"{count} {what}" for what, count in sorted(load.tries.items())))
    report.say(f"         {len(load.failed)} failed requests")
    assert not load.failed, load.failed


def check_mixture(nodes, new, number, speaks, report):
    """What an operator sees of it, from a new node."""
    spoken = sorted({member["protocol"] for member in get_json(nodes.url(number, "/cluster"))["members"]})
    shown = run(new, "status", "--node", nodes.url(number)).stdout.splitlines()[-1]
    report.say(f"status: {shown}")
    assert spoken == speaks and ("an upgrade is under way" in shown) == (len(speaks) > 1), (spoken, shown)


# ---- What only the new program has ------------------------------------------------------------------

class NewThings:
    """Written and made at new nodes; what is there later, at nodes of either kind."""

    def __init__(self, nodes):
        self.nodes = nodes
        self._ok(request(nodes.url(1, "/s3/photos"), "PUT"))
        answered = self._ok(request(nodes.url(1, "/s3/photos/cat.txt"), "PUT", b"a cat", {
            "Content-Type": "text/plain", "x-amz-meta-colour": "black"}))
        self.etag = answered["ETag"]
        nodes.ledger.note("photos/cat.txt", b"a cat", "acknowledged")
        self._ok(request(nodes.url(2, "/dav/made/"), "MKCOL"))
        self._ok(request(nodes.url(2, "/dav/empty/"), "MKCOL"))
        self._ok(request(nodes.url(2, "/dav/made/note.txt"), "PUT", b"a note"))
        nodes.ledger.note("made/note.txt", b"a note", "acknowledged")
        assert dav.set_property(nodes.url(2, "/dav/made/note.txt"), "dead") == 207
        self._ok(request(nodes.url(2, "/dav/made/note.txt"), "COPY", headers={
            "Destination": nodes.url(2, "/dav/made/copy.txt")}))
        nodes.ledger.note("made/copy.txt", b"a note", "acknowledged")
        self.links = [self._share(), self._share()]  # the second is taken back
        self._ok(request(nodes.url(1, f"/shares/{self.links[1]['id']}"), "DELETE"))
        self.check(nodes.numbers())

    def _ok(self, answer):
        status, headers, body = answer
        assert status in (200, 201, 204), (status, body[:300])
        return headers

    def _share(self):
        status, _, body = request(self.nodes.url(1, "/shares"), "POST",
                                  json.dumps({"name": "made/note.txt", "seconds": 3600}))
        assert status == 201, body
        link = json.loads(body)
        return {"id": link["id"], "share": urllib.parse.urlsplit(link["url"]).query.partition("share=")[2]}

    def check(self, numbers):
        """New nodes have all of it."""
        wanted = (self.etag, "black", "text/plain; charset=utf-8", {"/dav/made/", "/dav/made/note.txt", "/dav/made/copy.txt"}, True,
                  "dead", 200, 410)
        for number in numbers:
            eventually(lambda node=number: self._seen(node) == wanted, 20,
                       lambda node=number: f"node {node} has {wanted}, but {self._seen(node)}")

    def _seen(self, number):
        object_ = request(self.nodes.url(number, "/s3/photos/cat.txt"), "HEAD")[1]
        return (object_["ETag"], object_["x-amz-meta-colour"], object_["Content-Type"],
                set(dav.listed(self.nodes.url(number, "/dav/made/"))),
                "/dav/empty/" in dav.listed(self.nodes.url(number, "/dav/")),
                dav.property_of(self.nodes.url(number, "/dav/made/note.txt")), self._by_link(number, 0),
                self._by_link(number, 1))

    def _by_link(self, number, which):
        return request(self.nodes.url(number, f"/files/made/note.txt?via=proxy&share={self.links[which]['share']}"))[0]

    def seen_by_old(self, number):
        """The bytes are the same; what is told of them may differ."""
        for name, body in (("photos/cat.txt", b"a cat"), ("made/note.txt", b"a note"), ("made/copy.txt", b"a note")):
            assert fetch(self.nodes.file_url(number, name)) == body, name
        told = request(self.nodes.file_url(number, "photos/cat.txt", "?via=proxy"))[1]["Content-Type"]
        return f"an S3 object has the media type {told!r}; a link that was taken back gives {self._by_link(number, 1)}"


# ---- The scenarios ----------------------------------------------------------------------------------

def rolling(old, new, report):
    with tempfile.TemporaryDirectory(prefix="chisme-upgrade-") as home:
        secret = pathlib.Path(home) / "secret"
        assert run(old, "secret", "new", str(secret)).returncode == 0
        programs = {"old": old, "new": new}
        with chaos.Nodes(COUNT, ("--secret-file", str(secret)),
                         programs={number: old for number in range(1, COUNT + 1)}) as nodes:
            with Load(nodes) as load:
                report.say(f"five old nodes with a secret, {check_all(nodes, load)} names")
                replace_all(nodes, [1, 2], "new", programs, load, report)
                check_mixture(nodes, new, 1, [2, 3], report)
                replace_all(nodes, [3, 4, 5], "new", programs, load, report)
                check_mixture(nodes, new, 1, [3], report)
                with load.quiet():
                    things = NewThings(nodes)
                report.say("all are new; and back")
                replace_all(nodes, [5, 4, 3], "old", programs, load, report)
                things.check([1, 2])
                report.say("an old node: " + things.seen_by_old(5))
                replace_all(nodes, [2, 1], "old", programs, load, report)
                things.seen_by_old(1)
                replace_all(nodes, [1, 2], "new", programs, load, report)
                things.check([1, 2])
                report.say("two are new again, and have what came by S3, WebDAV and links")
            tell(load, report)
            report.say(f"after all: {check_all(nodes)} names")


def whole_without(nodes, dead):
    """Every file has three whole copies on disks of others than this node, and they say so."""
    wanted = {value for name in nodes.ledger.names() if (value := next(iter(nodes.ledger.allowed(name))))}
    return (all(len(nodes.copies_on_disk(value) - {dead}) >= chaos.COPIES for value in wanted)
            and all(is_whole(nodes, asked, COUNT - 1) for asked in nodes.others(dead)))


def mixed(old, new, report):
    kinds = {1: "an old", 2: "a new", 3: "an old", 4: "a new", 5: "an old"}
    programs = {number: old if kind == "an old" else new for number, kind in kinds.items()}
    with chaos.Nodes(COUNT, programs=programs) as nodes:
        with Load(nodes) as load:
            for number in (1, 2, 3, 4, 5, 2):
                loses_disk = number in (4, 5)
                began = time.monotonic()
                nodes.kill(number)
                with load.quiet():
                    eventually(lambda n=number: whole_without(nodes, n), COPIES_SECONDS,
                               f"three copies of all without node {number}")
                repaired = time.monotonic() - began
                if loses_disk:
                    shutil.rmtree(nodes.directory(number))
                nodes.start(number)
                nodes.wait_ready(number, 60)
                for asked in nodes.numbers():
                    eventually(lambda n=asked: is_whole(nodes, n, COUNT), COPIES_SECONDS, f"all is well, says node {asked}")
                names = check_all(nodes, load)
                report.say(f"{kinds[number]} node was killed{' and its disk lost' if loses_disk else ''}: three copies of "
                           f"all after {repaired:.1f} s; back, {COUNT} nodes agree on {names} names")
                assert not load.failed, load.failed
        tell(load, report)
        names = check_all(nodes)
        nodes.check_copies(nodes.ledger.names())
        report.say(f"after all: {names} names, three whole copies of each on disk")


SCENARIOS = {"rolling": rolling, "mixed": mixed}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("old")
    options.add_argument("new")
    options.add_argument("--only", choices=SCENARIOS)
    options = options.parse_args()
    report = Report()
    for name, scenario in SCENARIOS.items():
        if options.only in (None, name):
            report.say(name)
            scenario(options.old, options.new, report)
    report.say("nothing was lost")


if __name__ == "__main__":
    main()
