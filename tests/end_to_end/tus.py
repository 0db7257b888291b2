"""A client of tus 1.0, by its specification, that may ask another node at any time."""
import base64
import socket
import urllib.parse

from harness import request


def metadata(**values):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def send(url, method, headers=None, body=None, timeout=30):
    """(status, headers) of a request that says which version of the protocol it speaks."""
    status, answered, _ = request(url, method, body, {"Tus-Resumable": "1.0.0", **(headers or {})}, timeout)
    return status, answered


def create(origin, length=None, **headers):
    """The new upload's path; `headers` with _ for -."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if length is not None:
        told["Upload-Length"] = str(length)
    status, answered = send(origin + "/uploads", "POST", told)
    assert status == 201, f"POST /uploads answered {status}"
    return urllib.parse.urlsplit(answered["Location"]).path


def offset(origin, path, shown=0):
    """What HEAD says is safe; `shown`: what another node said before."""
    status, answered = send(origin + path, "HEAD", {"Upload-Offset": str(shown)})
    assert status == 200, f"HEAD {path} answered {status}"
    assert answered["Cache-Control"] == "no-store"
    return int(answered["Upload-Offset"])


def patch(origin, path, at, body, **headers):
    """(status, Upload-Offset or None)."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    status, answered = send(origin + path, "PATCH", {"Upload-Offset": str(at), "Content-Type":
                                                     "application/offset+octet-stream", **told}, body, 120)
    return status, int(answered["Upload-Offset"]) if "Upload-Offset" in answered else None


def begin_patch(port, path, at, length):
    """The socket of a PATCH whose body the caller sends, at its own pace."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall((f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTus-Resumable: 1.0.0\r\n"
                        f"Upload-Offset: {at}\r\nContent-Type: application/offset+octet-stream\r\n"
                        f"Content-Length: {length}\r\n\r\n").encode())
    return connection
