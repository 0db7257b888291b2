#!/usr/bin/env python3
"""The client of the exercise that chisme grew from, unchanged by all that came later.

    examples/exercise_client.py FILE [--upload ws://127.0.0.1:7701] [--read http://127.0.0.1:7702]

Sends FILE as one binary WebSocket message to one node and closes; then asks another node, which
redirects to the least loaded holder, for the bytes and compares them.
Needs python3-websockets (Debian's, for /usr/bin/python3) and a running cluster.
"""
import argparse
import asyncio
import hashlib
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request

try:
    import websockets
except ImportError:
    raise SystemExit("exercise_client.py needs python3-websockets: apt install it, and run this by /usr/bin/python3") from None


async def upload(origin, name, data):
    url = f"{origin}/ws/upload?name={urllib.parse.quote(name)}"
    async with websockets.connect(url, max_size=None) as socket:
        await socket.send(data)
    # Leaving the block closes the socket: the end of the file. (An empty message ends it too, and
    # is answered with what was stored: b"" and then socket.recv().)


def read(origin, name, patience=5):
    """Follows the redirect. The name may take a moment to reach the other nodes."""
    url = f"{origin}/redirect?file={urllib.parse.quote(name)}"
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url) as response:
                return response.url, response.read()
        except urllib.error.HTTPError as error:
            if error.code != 404 or time.monotonic() > end:
                raise
            time.sleep(0.1)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("file", type=pathlib.Path)
    options.add_argument("--upload", default="ws://127.0.0.1:7701")
    options.add_argument("--read", default="http://127.0.0.1:7702")
    options = options.parse_args()
    data = options.file.read_bytes()
    asyncio.run(upload(options.upload, options.file.name, data))
    url, received = read(options.read, options.file.name)
    if received != data:
        raise SystemExit(f"{url} gave other bytes")
    print(f"{url}: {len(received)} bytes, sha256 {hashlib.sha256(received).hexdigest()}")


if __name__ == "__main__":
    main()
