"""S3: the clients of Debian's packages (aws, s3cmd, rclone) and curl at real nodes, one of which is killed."""
import json
import os
import pathlib
import select
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from access import make_secret, make_token
from harness import CHISME, Cluster, eventually, request, run, some_bytes

MIB = 1 << 20


def md5_of(path):
    return run("md5sum", str(path)).stdout.split()[0]


class Aws:
    """Debian's aws, loaded once for all of its commands (aws_commands.py)."""

    patience = 120  # seconds, for a command

    def __init__(self, environment):
        script = pathlib.Path(__file__).parent / "aws_commands.py"
        self.process = subprocess.Popen(["/usr/bin/python3", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)

    def run(self, arguments, environment):
        self.process.stdin.write(json.dumps({"arguments": arguments, "environment": environment}) + "\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], self.patience)
        if not readable:
            self.process.kill()
            raise AssertionError(f"aws has not ended after {self.patience} s: {arguments}")
        answer = json.loads(self.process.stdout.readline())
        return subprocess.CompletedProcess(arguments, answer["code"], answer["stdout"], answer["stderr"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Clients(unittest.TestCase):
    """Three nodes that ask for tokens; the pairs of keys are made of these."""

    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="chisme-s3-")
        cls.addClassCleanup(own.cleanup)
        cls.directory = pathlib.Path(own.name)
        secret = cls.directory / "secret"
        make_secret(secret)
        cls.cluster = Cluster(3, ("--secret-file", str(secret), "--access", "token"))
        cls.addClassCleanup(cls.cluster.close)
        cls.tokens = {role: make_token(secret, role) for role in ("read", "write", "admin")}
        cls.pairs = {role: cls.pair_of(token) for role, (token, _) in cls.tokens.items()}
        cls.big = cls.directory / "big.mp4"
        cls.big.write_bytes(some_bytes(16 * MIB, 3))
        cls.small = cls.directory / "small file ñ.txt"
        cls.small.write_bytes(b"hello, world\n")

    @classmethod
    def pair_of(cls, token):
        told = run(CHISME, "token", "s3", "--json", env={**os.environ, "CHISME_TOKEN": token})
        assert told.returncode == 0, told.stderr
        pair = json.loads(told.stdout)
        return pair["access_key"], pair["secret_key"]

    @classmethod
    def loaded_aws(cls):
        if "loaded" not in cls.__dict__:
            config = cls.directory / "aws-config"
            config.write_text("[default]\ns3 =\n  multipart_threshold = 8MB\n  multipart_chunksize = 5MB\n")
            cls.loaded = Aws({**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": str(config),
                              "AWS_MAX_ATTEMPTS": "3", "AWS_EC2_METADATA_DISABLED": "true",
                              "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
            cls.addClassCleanup(cls.loaded.close)
        return cls.loaded

    def ok(self, done):
        self.assertEqual(done.returncode, 0, f"{done.args}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    # Each client, at one node.

    def aws(self, *arguments, node=1, role="write", path="/s3"):
        access, secret = self.pairs[role] if isinstance(role, str) else role
        return self.loaded_aws().run(["--endpoint-url", self.cluster.url(node, path), *arguments],
                                     {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret})

    def s3cmd(self, *arguments, node=1, role="write"):
        access, secret = self.pairs[role]
        config = self.directory / f"s3cmd-{node}"
        host = f"127.0.0.1:{self.cluster.port(node)}"
        config.write_text(f"[default]\naccess_key = {access}\nsecret_key = {secret}\nhost_base = {host}\n"
                          f"host_bucket = {host}\nuse_https = False\nmultipart_chunk_size_mb = 5\nmax_retries = 3\n")
        return run("/usr/bin/s3cmd", "-c", str(config), *arguments)

    def rclone(self, *arguments, node=1, role="write"):
        access, secret = self.pairs[role]
        config = self.directory / f"rclone-{node}"
        config.write_text(f"[c]\ntype = s3\nprovider = Other\naccess_key_id = {access}\nsecret_access_key = {secret}\n"
                          f"endpoint = {self.cluster.url(node, '/s3')}\nforce_path_style = true\n"
                          "upload_cutoff = 8M\nchunk_size = 5M\n")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return run("/usr/bin/rclone", "--config", str(config), "--retries", "2", *arguments, env=clean)


class S3(Clients):
    def test_aws(self):
        self.ok(self.aws("s3", "mb", "s3://aws"))
        self.ok(self.aws("s3", "cp", str(self.small), "s3://aws/dir/small ñ.txt"))
        self.ok(self.aws("s3", "cp", str(self.big), "s3://aws/big.mp4"))
        self.ok(self.aws("s3api", "copy-object", "--bucket", "aws", "--key", "copy.txt",
                         "--copy-source", "aws/dir/small ñ.txt"))
        listed = json.loads(self.ok(self.aws("s3api", "list-objects-v2", "--bucket", "aws", "--page-size", "2")))
        self.assertEqual([o["Key"] for o in listed["Contents"]], ["big.mp4", "copy.txt", "dir/small ñ.txt"])
        etags = {o["Key"]: o["ETag"].strip('"') for o in listed["Contents"]}
        self.assertEqual(etags["dir/small ñ.txt"], md5_of(self.small))
        self.assertEqual(etags["copy.txt"], md5_of(self.small))
        self.assertTrue(etags["big.mp4"].endswith("-4"))
        self.assertIn("PRE dir/", self.ok(self.aws("s3", "ls", "s3://aws/")))
        # Another node has it all, also by the way without a prefix.
        back = self.directory / "aws.back"
        eventually(lambda: self.aws("s3", "cp", "s3://aws/big.mp4", str(back), node=3, path="").returncode == 0, 40,
                   "node 3 has it")
        self.assertEqual(md5_of(back), md5_of(self.big))
        self.ok(self.aws("s3api", "get-object", "--bucket", "aws", "--key", "big.mp4", "--range", "bytes=5000000-5999999",
                         str(back), node=2))
        self.assertEqual(back.read_bytes(), self.big.read_bytes()[5_000_000:6_000_000])
        failed = self.aws("s3api", "get-object", "--bucket", "aws", "--key", "nothing", str(back))
        self.assertIn("NoSuchKey", failed.stderr)
        self.assertIn("BucketNotEmpty", self.aws("s3", "rb", "s3://aws").stderr)
        # It is a file like all others.
        token = {"Authorization": f"Bearer {self.tokens['read'][0]}"}
        status, headers, body = request(self.cluster.url(1, "/files/aws/dir/small%20%C3%B1.txt?via=proxy"), headers=token)
        self.assertEqual((status, body), (200, self.small.read_bytes()))
        self.assertEqual(headers["Content-Type"], "text/plain; charset=utf-8")
        self.ok(self.aws("s3", "rm", "--recursive", "s3://aws"))
        eventually(lambda: self.aws("s3", "rb", "s3://aws").returncode == 0, 40, "the bucket is empty")

    def test_presigned(self):
        token = {"Authorization": f"Bearer {self.tokens['write'][0]}"}
        status, _, body = request(self.cluster.url(1, "/files/presigned/a%20b.txt"), "PUT", self.small.read_bytes(), token)
        self.assertEqual(status, 201, body)
        for path in ("", "/s3"):
            url = self.ok(self.aws("s3", "presign", "s3://presigned/a b.txt", "--expires-in", "600", role="read",
                                   path=path)).strip()
            self.assertEqual(self.ok(run("curl", "-sS", url)), self.small.read_text())
            status, _, body = request(url.replace("Expires=600", "Expires=601"))
            self.assertEqual(status, 403)
            self.assertIn(b"<Code>SignatureDoesNotMatch</Code>", body)
            self.assertIn(b"SignatureDoesNotMatch", request(url, "DELETE")[2])

    def test_s3cmd(self):
        self.ok(self.s3cmd("mb", "s3://s3cmd"))
        self.ok(self.s3cmd("put", str(self.small), "s3://s3cmd/dir/small.txt"))
        put = self.s3cmd("put", str(self.big), "s3://s3cmd/big.mp4")
        self.ok(put)
        self.assertNotIn("don't match", put.stdout + put.stderr)
        self.assertIn("s3://s3cmd/big.mp4", self.ok(self.s3cmd("ls", "s3://s3cmd")))
        self.assertIn("DIR", self.ok(self.s3cmd("ls", "s3://s3cmd")))
        self.assertIn("s3://s3cmd/dir/small.txt", self.ok(self.s3cmd("ls", "--recursive", "s3://s3cmd")))
        back = self.directory / "s3cmd.back"
        eventually(lambda: self.s3cmd("get", "--force", "s3://s3cmd/big.mp4", str(back), node=2).returncode == 0, 40,
                   "node 2 has it")
        self.assertEqual(md5_of(back), md5_of(self.big))
        self.ok(self.s3cmd("cp", "s3://s3cmd/dir/small.txt", "s3://s3cmd/copy.txt"))
        self.ok(self.s3cmd("get", "--force", "s3://s3cmd/copy.txt", str(back)))
        self.assertEqual(back.read_bytes(), self.small.read_bytes())
        self.ok(self.s3cmd("del", "--recursive", "--force", "s3://s3cmd"))
        self.assertEqual(self.ok(self.s3cmd("ls", "--recursive", "s3://s3cmd")).strip(), "")

    def test_rclone(self):
        tree = self.directory / "tree"
        (tree / "dir").mkdir(parents=True)
        for number in range(20):
            (tree / "dir" / f"n{number}.bin").write_bytes(some_bytes(1000 + number, number))
        (tree / "big.mp4").write_bytes(self.big.read_bytes())
        self.ok(self.rclone("mkdir", "c:rclone"))
        self.ok(self.rclone("sync", str(tree), "c:rclone/films"))
        self.ok(self.rclone("check", str(tree), "c:rclone/films"))
        # Times are kept, so that nothing is sent twice.
        again = self.rclone("sync", "-v", str(tree), "c:rclone/films")
        self.ok(again)
        self.assertIn("There was nothing to transfer", again.stderr)
        back = self.directory / "tree.back"
        eventually(lambda: self.rclone("check", str(tree), "c:rclone/films", node=2).returncode == 0, 40,
                   "node 2 knows all")
        eventually(lambda: self.rclone("check", str(tree), "c:rclone/films", node=3).returncode == 0, 40,
                   "node 3 knows all")
        self.ok(self.rclone("copy", "c:rclone/films", str(back), node=3))
        self.ok(run("diff", "-r", str(tree), str(back)))
        self.ok(self.rclone("purge", "c:rclone/films"))

    def test_wrong_secrets_and_roles(self):
        access, secret = self.pairs["write"]
        wrong = self.aws("s3api", "list-buckets", role=(access, secret[:-1] + ("0" if secret[-1] != "0" else "1")))
        self.assertIn("SignatureDoesNotMatch", wrong.stderr)
        self.assertIn("InvalidAccessKeyId", self.aws("s3api", "list-buckets", role=("0" * 44, secret)).stderr)
        self.assertIn("InvalidAccessKeyId", self.aws("s3api", "list-buckets", role=("chisme", "chisme")).stderr)
        self.assertIn("AccessDenied", self.aws("s3api", "put-object", "--bucket", "guarded", "--key", "a",
                                               role="read").stderr)
        self.assertIn("NotImplemented", self.aws("s3api", "get-bucket-acl", "--bucket", "guarded").stderr)
        status, _, body = request(self.cluster.url(1, "/s3/guarded"))
        self.assertEqual(status, 401)
        self.assertEqual(xml.etree.ElementTree.fromstring(body).find("Code").text, "AccessDenied")
        # A pair ends with its token, at every node.
        token, identity = make_token(self.directory / "secret", "read")
        pair = self.pair_of(token)
        self.ok(self.aws("s3api", "list-buckets", role=pair, node=2))
        revoked = run(CHISME, "token", "revoke", identity, "--node", self.cluster.url(1),
                      env={**os.environ, "CHISME_TOKEN": self.tokens["admin"][0]})
        self.assertEqual(revoked.returncode, 0, revoked.stderr)
        eventually(lambda: "InvalidAccessKeyId" in self.aws("s3api", "list-buckets", role=pair, node=2).stderr, 40,
                   "the pair is refused")


class AfterADeath(Clients):
    """Uploads that begin at one node and end at another, for the first one is killed."""

    def test_parts_and_objects_outlive_their_node(self):
        self.ok(self.aws("s3", "mb", "s3://films"))
        self.ok(self.aws("s3api", "put-object", "--bucket", "films", "--key", "small", "--body", str(self.small)))
        key = ("--bucket", "films", "--key", "big.mp4")
        upload = json.loads(self.ok(self.aws("s3api", "create-multipart-upload", *key)))["UploadId"]
        parts = []

        def put_part(number, node):
            piece = self.directory / "piece"
            piece.write_bytes(self.big.read_bytes()[(number - 1) * 5 * MIB:number * 5 * MIB])
            stored = json.loads(self.ok(self.aws("s3api", "upload-part", *key, "--part-number", str(number), "--upload-id",
                                                 upload, "--body", str(piece), node=node)))
            self.assertEqual(stored["ETag"].strip('"'), md5_of(piece))
            parts.append({"ETag": stored["ETag"], "PartNumber": number})

        put_part(1, 1)
        put_part(2, 1)
        self.cluster.kill(1)
        put_part(3, 2)
        put_part(4, 3)
        def complete(node):
            return json.loads(self.ok(self.aws("s3api", "complete-multipart-upload", *key, "--upload-id", upload,
                                               "--multipart-upload", json.dumps({"Parts": parts}), node=node)))

        self.assertEqual(complete(3)["ETag"], complete(2)["ETag"])
        # All that was acknowledged is there.
        back = self.directory / "back"
        self.ok(self.aws("s3", "cp", "s3://films/big.mp4", str(back), node=2))
        self.assertEqual(md5_of(back), md5_of(self.big))
        token = {"Authorization": f"Bearer {self.tokens['read'][0]}"}
        status, _, body = request(self.cluster.url(3, "/s3/films/small"), headers=token)
        self.assertEqual((status, body), (200, self.small.read_bytes()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
