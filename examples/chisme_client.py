#!/usr/bin/env python3
"""A client of chisme in one file: Python's standard library, nothing else. Copy it into your program.

    cluster = Cluster(["http://127.0.0.1:7701", "http://127.0.0.1:7702"])
    cluster.upload("movie.mp4", "films/movie.mp4")      # goes on at another node when one dies
    for file in cluster.files(prefix="films/"):
        print(file["name"], file["size"], file["copies"])
    with cluster.open("films/movie.mp4") as film:       # a stream that changes holder in the middle
        for block in film:
            ...

or from a shell:

    examples/chisme_client.py --node http://127.0.0.1:7701 put movie.mp4
    examples/chisme_client.py ls
    examples/chisme_client.py get movie.mp4 copy.mp4

Give several nodes: any of them does for anything, and the next is asked when one does not answer. A
token (docs/security.md) goes in as `token`, or as CHISME_TOKEN in a shell; nodes with certificates
need `tls=ssl.create_default_context(cafile="ca.pem")`.

One object per thread. Every failure that waiting and other nodes did not mend is a `ChismeError`.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse

CHUNK_BYTES = 8 << 20  # of an upload, each acknowledged when two nodes have it on disk
BLOCK_BYTES = 256 << 10
PAUSE_SECONDS = 0.3
REDIRECTS_MAX = 5


class ChismeError(Exception):
    """A sentence for a person; `status` is the answer's, 0 when nobody answered."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class Cluster:
    """A cluster, by the addresses of some of its nodes.

    `timeout`: seconds without a byte after which a node counts as gone. `patience`: seconds without
    any progress, all nodes asked, after which an operation fails.
    """

    def __init__(self, nodes, token=None, tls=None, timeout=10.0, patience=60.0):
        if not nodes:
            raise ValueError("a cluster needs the address of at least one node")
        self.nodes = [node.rstrip("/") for node in nodes]
        self.token = token
        self.tls = tls
        self.timeout = timeout
        self.patience = patience

    # ---- What a program calls -------------------------------------------------------------------

    def upload(self, path, name=None, progress=None):
        """Stores the file at `path` as `name` (its own name, if none is given) and returns when it
        is safe. By tus 1.0 (https://tus.io): what two nodes have acknowledged is not sent again,
        whichever node dies. `progress(bytes_that_are_safe, size)` is called after each chunk."""
        path = pathlib.Path(path)
        size = path.stat().st_size
        with path.open("rb") as source:
            return self.upload_from(source, size, name or path.name, progress)

    def upload_from(self, source, size, name, progress=None):
        """The same from a seekable binary file object of `size` bytes."""
        upload, offset, safe = None, None, 0
        clock = Patience(self.patience)
        while True:
            try:
                if upload is None:
                    upload, offset, safe = self._create_upload(name, size), 0, 0
                elif offset is None:  # somebody died: what did the cluster keep?
                    offset = self._offset(upload, safe)
                    if offset is None:  # it knows this upload no more
                        upload = None
                        continue
                if size and offset < size:
                    source.seek(offset)
                    chunk = source.read(min(CHUNK_BYTES, size - offset))
                    if not chunk:
                        raise ChismeError(f"{name} became shorter while it was sent")
                    offset = self._send_chunk(upload, offset, chunk)
                if offset > safe or not size:
                    safe = offset
                    clock.wind()
                if progress:
                    progress(offset, size)
                if offset >= size:
                    return
            except Unreachable as failure:
                offset = None
                clock.wait(failure)

    def files(self, prefix=""):
        """Yields the files whose names begin with `prefix`, in order of name: dictionaries with
        name, size, type, sha256, version, modified, copies, wanted. Uploads that others may read
        while they come are none yet."""
        after = ""
        while True:
            asked = {"limit": 1000, "prefix": prefix, **({"after": after} if after else {})}
            answer = self._ask("GET", "/files?" + urllib.parse.urlencode(asked))
            page = json.loads(answer.read())
            yield from (file for file in page["files"] if not file.get("incomplete"))
            after = page.get("next")
            if not after:
                return

    def open(self, name, start=0):
        """A stream of the file's bytes from `start`, one version from beginning to end."""
        return Stream(self, name, start)

    def download(self, name, path):
        """The whole file to `path`, which appears only when its SHA-256 was right."""
        path = pathlib.Path(path)
        part = path.with_name(path.name + ".part")
        with self.open(name) as stream, part.open("wb") as out:
            for block in stream:
                out.write(block)
        part.replace(path)

    def remove(self, name):
        """Nothing is wrong if there is no such file: then somebody was faster."""
        try:
            self._ask("DELETE", path_of(name)).read()
        except ChismeError as failure:
            if failure.status != 404:
                raise

    # ---- Uploads --------------------------------------------------------------------------------

    def _create_upload(self, name, size):
        told = base64.b64encode(name.encode()).decode()
        answer = self._once("POST", "/uploads", {"Tus-Resumable": "1.0.0", "Upload-Length": str(size),
                                                 "Upload-Metadata": f"filename {told}"})
        answer.read()
        return urllib.parse.urlsplit(answer.headers["Location"]).path  # without a node: any will do

    def _offset(self, upload, safe):
        try:
            answer = self._once("HEAD", upload, {"Tus-Resumable": "1.0.0", "Upload-Offset": str(safe)})
        except ChismeError as failure:
            if failure.status in (404, 410):
                return None
            raise
        return int(answer.headers["Upload-Offset"])

    def _send_chunk(self, upload, offset, chunk):
        try:
            answer = self._once("PATCH", upload, {
                "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream"}, chunk)
        except ChismeError as failure:
            if failure.status in (404, 409, 410):  # others know better how far it is: ask
                raise Unreachable(str(failure), failure.status) from failure
            raise
        answer.read()
        return int(answer.headers["Upload-Offset"])

    # ---- Requests -------------------------------------------------------------------------------

    def _ask(self, method, target):
        """The answer of any node that gives one, within `patience`."""
        clock = Patience(self.patience)
        while True:
            try:
                return self._once(method, target)
            except Unreachable as failure:
                clock.wait(failure)

    def _once(self, method, target, headers=None, body=None):
        """One request to the node whose turn it is. When it fails it is the next one's turn."""
        node = self.nodes[0]
        try:
            return self._request(node + target, method, headers, body)
        except Unreachable:
            self.nodes.append(self.nodes.pop(0))
            raise

    def _request(self, url, method, headers=None, body=None):
        """Follows redirects of GET and HEAD. Unreachable: another node, or later, may do better."""
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._send(url, method, headers, body)
            if answer.status in (301, 302, 307, 308) and method in ("GET", "HEAD"):
                answer.read()
                url = urllib.parse.urljoin(url, answer.headers["Location"])
                continue
            if answer.status < 400:
                return answer
            kind = Unreachable if answer.status >= 500 or answer.status == 429 else ChismeError
            raise kind(f"{url}: {sentence_of(answer)}", answer.status)
        raise Unreachable(f"{url}: redirected too often")

    def _send(self, url, method, headers, body):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.netloc, timeout=self.timeout, context=self.tls)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
        told = {"Connection": "close", **(headers or {})}
        # Redirects to other nodes bear a ticket of their own (docs/security.md).
        if self.token and f"{parts.scheme}://{parts.netloc}" in self.nodes:
            told["Authorization"] = f"Bearer {self.token}"
        target = parts.path + ("?" + parts.query if parts.query else "")
        try:
            connection.request(method, target or "/", body=body, headers=told)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as failure:
            connection.close()
            raise Unreachable(f"{url}: {failure or type(failure).__name__}") from failure
        answer.url = url
        return answer


class Stream:
    """The bytes of one version of a file, read from one holder after another as they die.

    Iterate over it, or `read(count)`; `serving` is the URL that the bytes come from, `size` the
    file's length, `failovers` how often the holder changed. A whole file's SHA-256 is compared at its
    end. A file that is replaced meanwhile is still read to its end where holders have the old
    version; else reading fails, and never goes on with other bytes.
    """

    def __init__(self, cluster, name, start):
        self.cluster, self.name = cluster, name
        self.offset, self.size, self.serving, self.failovers = start, None, None, 0
        self._etag, self._sha256, self._answer = None, None, None
        self._hash = hashlib.sha256() if start == 0 else None
        self._holders = []  # URLs of other copies, the best first
        self._connect()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def __iter__(self):
        while block := self.read(BLOCK_BYTES):
            yield block

    def read(self, count=BLOCK_BYTES):
        """At most `count` bytes; none only at the end."""
        clock = Patience(self.cluster.patience)
        while self.offset < self.size:
            try:
                if self._answer is None:
                    self._connect()
                block = self._answer.read(min(count, self.size - self.offset))
                if not block:
                    raise Unreachable(f"{self.serving}: the connection ended early")
            except (OSError, http.client.HTTPException, Unreachable) as failure:
                self.close()
                self.failovers += 1
                clock.wait(failure)
                continue
            self._take(block)
            return block
        self.close()
        return b""

    def close(self):
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _take(self, block):
        self.offset += len(block)
        if self._hash is None:
            return
        self._hash.update(block)
        if self.offset == self.size and self._sha256 and self._hash.digest() != self._sha256:
            raise ChismeError(f"{self.name}: the bytes are not those that were stored")

    def _connect(self):
        """From the holders that the last answer named, then from any node."""
        headers = {"Range": f"bytes={self.offset}-"}
        if self._etag:
            headers["If-Range"] = self._etag
        clock = Patience(self.cluster.patience)
        while True:
            try:
                if self._holders:
                    answer = self.cluster._request(self._holders.pop(0), "GET", headers)
                else:
                    answer = self.cluster._once("GET", path_of(self.name), headers)
                return self._begin(answer)
            except ChismeError as failure:
                if failure.status == 416 and self._nothing_is_left(failure):
                    return
                if not isinstance(failure, Unreachable):
                    raise
                if not self._holders:
                    clock.wait(failure)

    def _nothing_is_left(self, failure):
        """An empty file, or a start at the end, has no range to ask for."""
        if self._etag is not None:
            raise ChismeError(f"{self.name} was replaced while it was read", failure.status)
        self.size = self.offset
        return True

    def _begin(self, answer):
        if self._etag and answer.headers["ETag"] != self._etag:
            answer.close()
            raise ChismeError(f"{self.name} was replaced while it was read", answer.status)
        if answer.status == 206:
            self.size = int(answer.headers["Content-Range"].rpartition("/")[2])
        elif self.offset == 0:  # 200: an empty file, or one that is still coming and has no length
            length = answer.headers["Content-Length"]
            if length is None:
                answer.close()
                raise ChismeError(f"{self.name} is not complete yet")
            self.size = int(length)
        else:
            answer.close()
            raise ChismeError(f"{answer.url} sends no part of {self.name}", answer.status)
        self._etag, self.serving, self._answer = answer.headers["ETag"], answer.url, answer
        self._sha256 = sha256_of(answer.headers)
        here = urllib.parse.urlsplit(answer.url).netloc
        links = duplicates_of(answer.headers)
        self._holders = [url for url in links if urllib.parse.urlsplit(url).netloc != here]


class Unreachable(ChismeError):
    """Nobody answered, or who did is not able to now: others, or a moment later, may do better."""


class Patience:
    """How long to go on trying. `wait` sleeps a moment, and raises the failure when it is over."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.wind()

    def wind(self):
        self.end = time.monotonic() + self.seconds

    def wait(self, failure):
        if time.monotonic() > self.end:
            raise ChismeError(str(failure), getattr(failure, "status", 0)) from failure
        time.sleep(PAUSE_SECONDS)


def path_of(name):
    return "/files/" + urllib.parse.quote(name)


def sha256_of(headers):
    """Of the whole file (Repr-Digest, RFC 9530); None when it is not told."""
    for field in (headers["Repr-Digest"] or "").split(","):
        kind, _, value = field.strip().partition("=")
        if kind == "sha-256" and value.startswith(":"):
            return base64.b64decode(value.strip(":"))
    return None


def duplicates_of(headers):
    """Where else the file is, the least loaded first (RFC 6249)."""
    found = []
    for field in headers.get_all("Link") or []:
        for link in field.split(", "):
            url, *parameters = [part.strip() for part in link.split(";")]
            if 'rel=duplicate' in [parameter.replace('"', "") for parameter in parameters]:
                found.append(url.strip("<>"))
    return found


def sentence_of(answer):
    """What a problem document says (RFC 9457), or the status."""
    try:
        problem = json.loads(answer.read(64 << 10))
        return problem.get("detail") or problem.get("title") or str(answer.status)
    except (ValueError, AttributeError, OSError, http.client.HTTPException):
        return f"status {answer.status}"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--node", action="append", help="URL of a node; may be repeated")
    what = options.add_subparsers(dest="what", required=True)
    put = what.add_parser("put", help="upload FILE [as NAME]")
    put.add_argument("file")
    put.add_argument("name", nargs="?")
    get = what.add_parser("get", help="download NAME [to FILE]")
    get.add_argument("name")
    get.add_argument("file", nargs="?")
    listing = what.add_parser("ls", help="list files")
    listing.add_argument("prefix", nargs="?", default="")
    remove = what.add_parser("rm", help="remove NAME")
    remove.add_argument("name")
    options = options.parse_args()
    cluster = Cluster(options.node or ["http://127.0.0.1:7701"], token=os.environ.get("CHISME_TOKEN"))
    try:
        if options.what == "put":
            cluster.upload(options.file, options.name)
        elif options.what == "get":
            cluster.download(options.name, options.file or pathlib.PurePath(options.name).name)
        elif options.what == "rm":
            cluster.remove(options.name)
        else:
            for file in cluster.files(options.prefix):
                print(f"{file['size']:>14} {file['copies']}/{file['wanted']} {file['name']}")
    except (ChismeError, OSError) as failure:
        sys.exit(f"chisme_client: {failure}")


if __name__ == "__main__":
    main()
