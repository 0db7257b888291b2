"""The programs that chisme is measured beside, each on a free port of loopback and on core 0, and what they cost."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import harness  # noqa: E402
from harness import Node, eventually, free_base_port, get_json, run  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
ON_SERVER_CORE = ("taskset", "-c", SERVER_CORE)
ON_CLIENT_CORE = ("taskset", "-c", CLIENT_CORE)

NGINX = """
{user} daemon off; worker_rlimit_nofile 20000; worker_processes 1; error_log {root}/errors; pid {root}/pid;
events {{ worker_connections 12000; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=1000;
  client_max_body_size 0; client_body_temp_path {root}/body; proxy_temp_path {root}/t1; fastcgi_temp_path {root}/t2;
  uwsgi_temp_path {root}/t3; scgi_temp_path {root}/t4;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {root}/www;
    location /files/ {{ dav_methods PUT; create_full_put_path on; }}
    location /elsewhere/ {{ return 307 http://127.0.0.1:1$request_uri; }} }} {tls} }}
"""
# The suite that a node prefers, too; all else as it comes with nginx.
NGINX_TLS = """
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; root {root}/www; ssl_certificate {prefix}.pem;
    ssl_certificate_key {prefix}.key; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; }}
"""
HAPROXY = """
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend web
  bind 127.0.0.1:{port}
  http-request redirect code 307 location http://127.0.0.1:1%[capture.req.uri]
"""


def cpu_seconds(*pids):
    """Of these processes so far."""
    def of(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return sum(of(pid) for pid in pids)


class Server:
    """Something that answers HTTP at `port`; `pids` do the work."""

    def __init__(self, name, port, pids, scheme="http"):
        self.name, self.port, self.pids, self.scheme = name, port, pids, scheme

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def cpu(self):
        return cpu_seconds(*self.pids)


@contextlib.contextmanager
def process_on(command, port, errors):
    with errors.open("w") as out:
        process = subprocess.Popen([*ON_SERVER_CORE, *command], stdout=out, stderr=out)
    try:
        eventually(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, 10, f"{command[0]} answers")
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def certificate(directory):
    """Of an authority of its own: the prefix of its files."""
    prefix = directory / "node"
    for command in (("new", directory), ("issue", directory, "--host", "127.0.0.1", "--out", prefix)):
        made = run(harness.CHISME, "ca", *map(str, command))
        assert made.returncode == 0, made.stderr
    return prefix


def secret(path):
    """A new file with a cluster's secret."""
    made = run(harness.CHISME, "secret", "new", str(path))
    assert made.returncode == 0, made.stderr
    return str(path)


@contextlib.contextmanager
def nginx(root, prefix=None):
    """Serves and takes what is in `root`/www; with a certificate, by TLS at `.tls` too."""
    (root / "www/files").mkdir(parents=True, exist_ok=True)
    port = free_base_port(1)
    user = "user root;" if os.geteuid() == 0 else ""
    tls_port = free_base_port(1)
    tls = NGINX_TLS.format(root=root, port=tls_port, prefix=prefix) if prefix else ""
    (root / "conf").write_text(NGINX.format(root=root, port=port, user=user, tls=tls))
    command = ["nginx", "-c", str(root / "conf"), "-e", str(root / "errors")]
    with process_on(command, port, root / "output") as pid:
        server = Server("nginx", port, children_of(pid))
        server.tls = Server("nginx", tls_port, server.pids, "https")
        yield server


@contextlib.contextmanager
def haproxy(root):
    """Answers everything with 307."""
    root.mkdir(parents=True, exist_ok=True)
    port = free_base_port(1)
    (root / "conf").write_text(HAPROXY.format(port=port))
    with process_on(["haproxy", "-db", "-f", str(root / "conf")], port, root / "output") as pid:
        yield Server("haproxy", port, [pid])


@contextlib.contextmanager
def chisme(root, *options, web_loops=1, copies=1, durable=1, prefix=ON_SERVER_CORE, patience=60):
    """One node with one web loop; alone unless it joins others."""
    root.mkdir(parents=True, exist_ok=True)
    fixed = ("--web-loops", str(web_loops), "--log-level", "warning", "--copies", str(copies), "--durable", str(durable))
    with (root / "log").open("w") as log, \
            Node(root / "data", [*fixed, *options], prefix=prefix, log=log) as node:
        node.wait_ready(patience)
        server = Server("chisme", node.port, [node.process.pid])
        server.node = node
        yield server


@contextlib.contextmanager
def five_nodes(root, *options):
    """R = 3, W = 2; what it costs is what all five cost."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(chisme(root / "1", *options, copies=3, durable=2))
        join = ("--join", f"127.0.0.1:{first.port + 1000}", *options)
        nodes = [first] + [stack.enter_context(chisme(root / str(number), *join, copies=3, durable=2))
                           for number in range(2, 6)]
        eventually(lambda: len(get_json(first.url("/cluster"))["members"]) == 5, 20, "all nodes meet")
        cluster = Server("five nodes", first.port, [node.node.process.pid for node in nodes])
        cluster.nodes = nodes
        yield cluster
