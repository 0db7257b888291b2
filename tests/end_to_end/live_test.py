"""Files that are read while they are uploaded: at any node, at most a second behind, and never taken for
what is complete."""
import http.client
import statistics
import subprocess
import threading
import time
import unittest

from harness import Cluster, eventually, fetch, get_json, put, request, sha256, some_bytes
from tus import begin_patch, create, metadata, offset, patch

MIB = 1 << 20
PIECE = 16 << 10
LAG_MAX = 1.0


class LivePut(threading.Thread):
    """PUT ?live=1 at so many bytes per second; `times` says when it had sent so many."""

    def __init__(self, port, name, data, rate, length=False):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.name, self.data, self.rate, self.length = name, data, rate, length
        self.times, self.status, self.stop = [], None, False
        self.start()

    def run(self):
        self.connection.putrequest("PUT", f"/files/{self.name}?live=1")
        self.connection.putheader(*(("Content-Length", len(self.data)) if self.length else
                                    ("Transfer-Encoding", "chunked")))
        self.connection.endheaders()
        begun = time.monotonic()
        for at in range(0, len(self.data), PIECE):
            if self.stop:
                return self.connection.close()
            piece = self.data[at:at + PIECE]
            self.times.append((at + len(piece), time.monotonic()))
            try:
                self.connection.send(piece if self.length else b"%x\r\n%b\r\n" % (len(piece), piece))
            except OSError:  # its node was killed
                return self.connection.close()
            time.sleep(max(0.0, begun + (at + len(piece)) / self.rate - time.monotonic()))
        if not self.length:
            self.connection.send(b"0\r\n\r\n")
        self.status = self.connection.getresponse().status
        self.connection.close()


class Reader(threading.Thread):
    """Reads a file to its end; `times` says when it had so many bytes."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.times, self.parts, self.error = url, [], [], None
        self.headers = None
        self.start()

    def run(self):
        connection = http.client.HTTPConnection(self.url.split("/")[2], timeout=60)
        connection.request("GET", "/" + self.url.split("/", 3)[3])
        response = connection.getresponse()
        self.headers, self.status, got = response.headers, response.status, 0
        try:
            total = response.length  # None: chunks, whose end the library checks
            while got != total and (part := response.read1(PIECE)):
                got += len(part)
                self.parts.append(part)
                self.times.append((got, time.monotonic()))
            if total is not None and got < total:
                raise http.client.IncompleteRead(b"", total - got)
        except (http.client.IncompleteRead, OSError) as error:
            self.error = error
        connection.close()

    @property
    def data(self):
        return b"".join(self.parts)


def lag(sent, read):
    """The longest that a byte took from being sent to being read."""
    worst, arrivals = 0.0, iter(read)
    upto, arrived = next(arrivals)
    for end, at in sent:
        while upto < end:
            upto, arrived = next(arrivals)
        worst = max(worst, arrived - at)
    return worst


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(5)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def url(self, node, name):
        return self.cluster.url(node, "/files/" + name)

    def listed(self, node, name):
        files = get_json(self.cluster.url(node, "/files"))["files"]
        return next((file for file in files if file["name"] == name), None)

    def await_incomplete(self, node, name):
        return eventually(lambda: (file := self.listed(node, name)) and file.get("incomplete") and file, 5,
                          "the list shows the upload")

    def test_a_reader_at_another_node_is_at_most_a_second_behind(self):
        for kind, length in (("chunks", False), ("length", True)):
            # A disk or machine that others keep busy may hold one up: of three times the middle one counts.
            behind = [self.seconds_behind(f"{kind}-{turn}.bin", length) for turn in range(3)]
            print(f"{kind}: at most", ", ".join(f"{seconds:.2f}" for seconds in behind), "s behind")
            self.assertLessEqual(statistics.median(behind), LAG_MAX)

    def seconds_behind(self, name, length):
        """The most that readers at three nodes were behind; and each was given the file."""
        data = some_bytes(3 * MIB, seed=1)
        upload = LivePut(self.cluster.port(1), name, data, MIB, length)
        for node in (1, 3, 4):
            self.await_incomplete(node, name)
        readers = [Reader(self.url(node, name)) for node in (1, 3, 4)]
        for reader in readers:
            reader.join(30)
            self.assertEqual((reader.status, reader.error), (200, None))
            self.assertEqual(len(reader.data), len(data))
            self.assertEqual(sha256(reader.data), sha256(data))
            self.assertEqual(reader.headers["Upload-Incomplete"], "?1")
            self.assertIsNone(reader.headers["ETag"])
            self.assertEqual(reader.headers["Content-Length"], str(len(data)) if length else None)
        upload.join(30)
        self.assertEqual(upload.status, 201)
        # From when the reader had caught up: before, it reads what was there already.
        since = max(reader.times[0][1] for reader in readers) + 1
        sent = [(end, at) for end, at in upload.times if at > since]
        worst = [lag(sent, reader.times) for reader in readers]
        status, headers, body = request(self.url(1, name))
        self.assertEqual((status, sha256(body)), (200, sha256(data)))
        self.assertIsNone(headers["Upload-Incomplete"])
        self.assertIsNotNone(headers["ETag"])
        self.assertNotIn("incomplete", self.listed(1, name))
        return max(worst)

    def test_an_upload_that_ends_early_is_an_error_to_its_readers(self):
        for name, length in (("gone-chunks.bin", False), ("gone-length.bin", True)):
            data = some_bytes(20 * MIB, seed=2)
            upload = LivePut(self.cluster.port(2), name, data, MIB, length)
            self.await_incomplete(5, name)
            reader = Reader(self.url(5, name))
            eventually(lambda: len(reader.data) > 500_000, 10, "it reads")
            upload.stop = True
            reader.join(10)
            self.assertIsInstance(reader.error, (http.client.IncompleteRead, OSError))
            self.assertTrue(data.startswith(reader.data))
            eventually(lambda: request(self.url(5, name))[0] == 404, 5, "it is forgotten")
            eventually(lambda: self.listed(3, name) is None, 5, "and listed no more")

    def test_what_is_complete_stays_until_the_next_is(self):
        old, new = some_bytes(1000, seed=3), some_bytes(3 * MIB, seed=4)
        put(self.url(1, "twice.bin"), old)
        upload = LivePut(self.cluster.port(1), "twice.bin", new, MIB)
        while upload.is_alive():
            status, headers, body = request(self.url(1, "twice.bin") + "?via=proxy")
            self.assertEqual(status, 200)
            self.assertIn(sha256(body), (sha256(old), sha256(new)))
            self.assertIsNone(headers["Upload-Incomplete"])
            self.assertNotIn("incomplete", self.listed(1, "twice.bin"))
            time.sleep(0.1)
        self.assertEqual(upload.status, 200)
        self.assertEqual(sha256(fetch(self.url(1, "twice.bin"))), sha256(new))

    def test_it_plays_while_it_is_recorded(self):
        film = subprocess.Popen(
            ["ffmpeg", "-loglevel", "error", "-re", "-t", "6", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
             "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-f", "mpegts", "-"],
            stdout=subprocess.PIPE)
        upload = subprocess.Popen(["curl", "-sS", "-T", "-", self.url(1, "film.ts") + "?live=1"],
                                  stdin=film.stdout, stdout=subprocess.DEVNULL)
        self.await_incomplete(3, "film.ts")
        player = subprocess.Popen(["ffmpeg", "-loglevel", "error", "-nostats", "-progress", "-", "-probesize", "100k",
                                   "-i", self.url(3, "film.ts"), "-f", "null", "-"], stdout=subprocess.PIPE, text=True)
        first, frames = None, 0
        for line in player.stdout:
            if line.startswith("frame="):
                frames = int(line[6:])
                first = first or (frames > 0 and film.poll() is None)
        self.assertEqual((player.wait(20), film.wait(20), upload.wait(20)), (0, 0, 0))
        self.assertTrue(first, "nothing was shown before the recording ended")
        self.assertGreaterEqual(frames, 145)
        for stream in (film.stdout, player.stdout):
            stream.close()


class Deaths(unittest.TestCase):
    def test_a_reader_goes_on_when_the_uploading_node_is_killed(self):
        data = some_bytes(6 * MIB, seed=6)
        with Cluster(5) as cluster:
            path = create(cluster.url(1), len(data), Upload_Metadata=metadata(filename="on.bin", live="1"))
            connection = begin_patch(cluster.port(1), path, 0, len(data))
            connection.sendall(data[:2 * MIB])
            eventually(lambda: offset(cluster.url(4), path) >= 2 * MIB, 5, "others have the beginning")
            reader = Reader(cluster.url(4, "/files/on.bin"))
            eventually(lambda: len(reader.data) >= 2 * MIB, 5, "it reads the beginning")
            cluster.kill(1)
            connection.close()
            at = offset(cluster.url(3), path)
            self.assertEqual(at, 2 * MIB)
            time.sleep(1)
            self.assertEqual(patch(cluster.url(3), path, at, data[at:]), (204, len(data)))
            reader.join(20)
            self.assertIsNone(reader.error)
            self.assertEqual(sha256(reader.data), sha256(data))
            eventually(lambda: cluster.copies(5, "on.bin") >= 2, 5, "the file is complete")

    def test_a_put_whose_node_is_killed_ends_early_for_its_readers(self):
        data = some_bytes(30 * MIB, seed=8)
        with Cluster(4) as cluster:
            LivePut(cluster.port(1), "dead.bin", data, MIB)
            eventually(lambda: request(cluster.url(3, "/files/dead.bin"), "HEAD")[0] == 200, 5, "it is known")
            reader = Reader(cluster.url(3, "/files/dead.bin"))
            eventually(lambda: len(reader.data) > 500_000, 10, "it reads")
            cluster.kill(1)
            reader.join(25)
            self.assertIsInstance(reader.error, (http.client.IncompleteRead, OSError))
            self.assertTrue(data.startswith(reader.data))


if __name__ == "__main__":
    unittest.main()
