"""Who may do what: tokens of each role at each route, share links, what is taken back, on real processes."""
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from access import FILM, Guarded, ROLES, bearing, follow, make_secret, make_token, open_websocket, send_text, take_frame
from harness import CHISME, Node, eventually, request, run, sha256, some_bytes


class Roles(Guarded):
    def test_each_role_at_each_route_of_each_node(self):
        routes = (  # needed role, method, path, body
            (None, "GET", "/access", None), (None, "GET", "/healthz", None), (None, "GET", "/readyz", None),
            (None, "GET", "/", None), (None, "OPTIONS", "/files/x", None),
            ("read", "GET", "/files", None), ("read", "GET", "/files?sort=size", None),
            ("read", "GET", "/files/film.mp4?via=proxy", None), ("read", "HEAD", "/files/film.mp4", None),
            ("read", "GET", "/route?file=film.mp4", None), ("read", "GET", "/redirect?file=film.mp4", None),
            ("read", "GET", "/client?file=film.mp4", None), ("read", "GET", "/cluster", None),
            ("read", "GET", "/metrics", None), ("read", "GET", "/nowhere", None),
            ("read", "GET", "/ws/read", None), ("read", "GET", "/ws/cluster", None),
            ("read", "GET", "/ws/files/film.mp4", None), ("write", "GET", "/ws/upload?name=x", None),
            ("read", "HEAD", "/uploads/" + "0" * 32, None),
            ("write", "PUT", "/files/role.txt", b"x"), ("write", "DELETE", "/files/role.txt", None),
            ("write", "POST", "/files", b"x"), ("write", "POST", "/uploads", None),
            ("write", "PATCH", "/uploads/" + "0" * 32, b""), ("write", "DELETE", "/uploads/" + "0" * 32, None),
            ("write", "POST", "/shares", b"{}"), ("write", "DELETE", "/shares/0000000000000001-1", None),
            ("admin", "DELETE", "/tokens/0000000000000001-1", None),
            ("admin", "POST", "/cluster/local/none?http=x", None),
        )
        rank = {None: 0, "read": 1, "write": 2, "admin": 3}
        for needed, method, path, body in routes:
            for node in (1, 2, 3):
                for role in (None, *ROLES):
                    with self.subTest(path=path, method=method, role=role, node=node):
                        status, headers, answer = self.ask(node, path, method, role, body)
                        if rank[role] >= rank[needed]:
                            self.assertNotIn(status, (401, 403), answer)
                        else:
                            self.assertEqual(status, 403 if role else 401, answer)
                            self.assertIn("Bearer realm", headers["WWW-Authenticate"])
                            if method != "HEAD":
                                self.assertIn(needed, json.loads(answer)["detail"])

    def test_draining_needs_an_admin(self):
        for role in (None, "read", "write"):
            self.assertIn(self.ask(1, "/cluster/drain", "POST", role)[0], (401, 403))

    def test_tokens_that_are_none(self):
        other = self.directory / "other-secret"
        if not other.exists():
            make_secret(other)
        expired = make_token(self.secret_file, "admin", "1s")[0]
        good = self.tokens["admin"]
        time.sleep(2)
        for token in (expired, make_token(other, "admin")[0], good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B"),
                      good + "A", "garbage", "chisme-token-", "x" * 5000):
            status, headers, body = request(self.cluster.url(1, "/files"), headers=bearing(token))
            self.assertEqual(status, 401)
            self.assertIn("invalid_token", headers["WWW-Authenticate"])
            self.assertNotIn(token.encode(), body)

    def test_the_role_of_a_token_is_told(self):
        for role, told in ((None, "none"), ("read", "read"), ("write", "write"), ("admin", "admin")):
            answer = json.loads(self.ask(2, "/access", role=role)[2])
            self.assertEqual((answer["access"], answer["role"], answer["shares"]), ("token", told, True))
            self.assertEqual(answer["expires"] is None, role is None)

    def test_a_form_a_relay_and_parts_of_a_file_go_with_a_token(self):
        without = self.node_without()
        status, _, body = self.ask(without, "/files/film.mp4?via=proxy", role="read")
        self.assertEqual((status, sha256(body)), (200, sha256(FILM)))
        status, _, body = self.ask(without, "/files/film.mp4?via=proxy", role="read", headers={"Range": "bytes=5-9"})
        self.assertEqual((status, body), (206, FILM[5:10]))
        form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="form.txt"\r\n\r\nhello\r\n--b--\r\n'
        status, _, _ = self.ask(1, "/files", "POST", "write", form, {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(status, 201)

    def test_only_pages_of_named_sites_may_read_and_write(self):
        for origin, allowed in (("https://films.example", True), ("https://evil.example", False), ("null", False)):
            status, headers, _ = self.ask(1, "/files/x", "OPTIONS", headers={
                "Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"})
            self.assertEqual(status, 204)
            self.assertEqual(headers["Access-Control-Allow-Origin"], origin if allowed else None)
            if allowed:
                self.assertIn("Authorization", headers["Access-Control-Allow-Headers"])
            status = self.ask(1, "/files/cors.txt", "PUT", "write", b"x", {"Origin": origin})[0]
            self.assertEqual(status in (200, 201), allowed)


class WebSockets(Guarded):
    def test_a_page_reads_blocks_of_every_node_with_a_token(self):
        offered = ["chisme", "chisme.bearer." + self.tokens["read"]]
        for node in (1, 2, 3):
            head, connection = open_websocket(self.cluster.port(node), "/ws/read", offered)
            with connection:
                self.assertIn(" 101 ", head)
                self.assertRegex(head, r"(?i)sec-websocket-protocol: chisme\r\n")
                self.assertNotIn(self.tokens["read"], head)
                send_text(connection, json.dumps({"id": 1, "op": "read", "file": "film.mp4", "offset": 3, "length": 4}))
                opcode, payload = take_frame(connection)
                if node in self.holders():
                    self.assertEqual((opcode, payload[12:]), (2, FILM[3:7]))
                else:
                    self.assertEqual(json.loads(payload)["status"], 421)

    def test_without_one_none_opens(self):
        for protocols in ([], ["chisme"], ["chisme", "chisme.bearer.garbage"]):
            for target in ("/ws/read", "/ws/cluster", "/ws/files/film.mp4", "/ws/upload?name=x"):
                head, connection = open_websocket(self.cluster.port(1), target, protocols)
                connection.close()
                self.assertIn(" 401 ", head)

    def test_it_ends_with_its_token(self):
        token, identity = make_token(self.secret_file, "read")
        head, connection = open_websocket(self.cluster.port(2), "/ws/read", ["chisme", "chisme.bearer." + token])
        with connection:
            self.assertIn(" 101 ", head)
            time.sleep(1.5)
            self.assertEqual(self.ask(1, f"/tokens/{identity}", "DELETE", "admin")[0], 204)
            connection.settimeout(4)
            opcode, payload = take_frame(connection)
            self.assertEqual((opcode, int.from_bytes(payload[:2], "big")), (8, 1008))


class Redirects(Guarded):
    def test_curl_follows_a_redirect_to_another_node(self):
        header = self.directory / "header"
        header.write_text(f"Authorization: Bearer {self.tokens['read']}\n")
        node = self.node_without()
        for path in ("/files/film.mp4", "/redirect?file=film.mp4", "/client?file=film.mp4"):
            fetched = subprocess.run(["curl", "-sfL", "-H", f"@{header}", "-w", "%{stderr}%{num_redirects}",
                                      self.cluster.url(node, path)], capture_output=True, timeout=30)
            self.assertEqual(fetched.returncode, 0, path)
            self.assertEqual(sha256(fetched.stdout), sha256(FILM))
            self.assertIn(fetched.stderr, (b"1", b"2"))

    def test_a_ticket_opens_its_file_and_nothing_else(self):
        node = self.node_without()
        location = self.ask(node, "/files/film.mp4", role="read")[1]["Location"]
        status, body, _ = follow(location)
        self.assertEqual((status, sha256(body)), (200, sha256(FILM)))
        ticket = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["share"][0]
        for other in (1, 2, 3):
            for path in (f"/files/other.mp4?share={ticket}", f"/files?share={ticket}", f"/route?file=film.mp4&share={ticket}"):
                self.assertIn(self.ask(other, path)[0], (401, 403), path)
            self.assertEqual(self.ask(other, f"/files/film.mp4?share={ticket}", "DELETE")[0], 401)

    def test_a_ticket_goes_with_its_token(self):
        token, identity = make_token(self.secret_file, "read")
        location = request(self.cluster.url(self.node_without(), "/files/film.mp4"), headers=bearing(token))[1]["Location"]
        self.assertEqual(follow(location)[0], 200)
        self.assertEqual(self.ask(1, f"/tokens/{identity}", "DELETE", "admin")[0], 204)
        eventually(lambda: follow(location)[0] == 410, 2, "the ticket is not valid any more")

    def test_mirrors_are_told_with_tickets(self):
        links = self.ask(self.holders()[0], "/files/film.mp4", "HEAD", "read")[1].get_all("Link")
        self.assertEqual(len(links), 2)
        for link in links:
            self.assertEqual(request(re.search("<(.*)>", link)[1])[0], 200)


class Links(Guarded):
    def test_one_is_good_at_every_node_for_its_file_alone(self):
        link = self.share()
        for node in (1, 2, 3):
            status, body, _ = follow(self.cluster.url(node, link["url"]))
            self.assertEqual((status, sha256(body)), (200, sha256(FILM)))
            self.assertIn(self.ask(node, link["url"], "HEAD")[0], (200, 307))
            share = link["url"].partition("?")[2]
            status, body, _ = follow(self.cluster.url(node, f"/client?file=film.mp4&{share}"))
            self.assertEqual((status, sha256(body)), (200, sha256(FILM)))
            for path in (f"/files/other.mp4?{share}", f"/files?{share}", f"/files/film.mp4/?{share}", f"/cluster?{share}",
                         f"/files/film.mp?{share}"):
                self.assertIn(self.ask(node, path)[0], (400, 401, 403), path)
            for method in ("PUT", "DELETE", "PATCH", "POST"):
                self.assertEqual(self.ask(node, link["url"], method)[0], 401)

    def test_what_is_no_link_is_refused(self):
        good = self.share()["url"]
        for bad in (good[:-1], good + "A", good.partition("=")[0] + "=", "/files/film.mp4?share=%00",
                    good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB"), "/files/film.mp4?share=" + "A" * 3000):
            self.assertEqual(self.ask(1, bad)[0], 403, bad)

    def test_wishes_that_cannot_be(self):
        for wish in ({"name": "film.mp4"}, {"name": "film.mp4", "seconds": 5}, {"seconds": 60}, [], "x",
                     {"name": "film.mp4", "seconds": 60, "downloads": 0}, {"name": "../x", "seconds": 60}):
            self.assertEqual(self.ask(1, "/shares", "POST", "write", json.dumps(wish))[0], 400, wish)
        self.assertIn(self.ask(1, "/shares", "POST", "write", b"x" * 100_000)[0], (400, 413))

    def test_the_command_prints_one(self):
        environment = {**os.environ, "CHISME_TOKEN": self.tokens["write"]}
        made = run(CHISME, "share", "film.mp4", "--expires", "10m", "--node", self.cluster.url(2), env=environment)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(follow(made.stdout.strip())[0], 200)
        identity = re.search(r"--revoke (\S+)", made.stderr)[1]
        taken = run(CHISME, "share", "--revoke", identity, "--node", self.cluster.url(3), env=environment)
        self.assertEqual(taken.returncode, 0, taken.stderr)
        eventually(lambda: follow(made.stdout.strip())[0] == 410, 2, "it is taken back")

    def test_so_many_downloads_and_no_more_over_all_nodes(self):
        link = self.share(downloads=5)
        self.assertEqual(link["downloads"], 5)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            turns = [pool.submit(follow, self.cluster.url(1 + turn % 3, link["url"])) for turn in range(30)]
            statuses = [turn.result()[0] for turn in turns]
        self.assertEqual((statuses.count(200), statuses.count(410)), (5, 25))
        # Who makes up the hops of a redirect gets no more, and neither does who knows that it is another's.
        for node in (1, 2, 3):
            for more in ("&hop=0", "&hop=1", "&via=local", "&via=proxy", "&version=0"):
                self.assertNotIn(follow(self.cluster.url(node, link["url"] + more))[0], (200, 206))
        eventually(lambda: self.ask(self.home(link), link["url"], "HEAD")[0] == 410, 2, "asking about it says so")

    def home(self, link):
        return next(node for node in (1, 2, 3) if self.ask(node, link["url"])[0] != 307)

    def test_parts_behind_the_beginning_do_not_count(self):
        link = self.share(downloads=2)
        home = follow(self.cluster.url(1, link["url"]), headers={"Range": "bytes=5-6"})[2][-1]
        for first, status in ((0, 206), (100, 206), (200, 206), (0, 206), (0, 410), (300, 206)):
            self.assertEqual(request(home, headers={"Range": f"bytes={first}-"})[0], status, first)

    def test_it_is_open_to_those_who_look_at_it_in_an_open_cluster_too(self):
        with Node(self.directory / "open", ("--secret-file", str(self.secret_file))) as node:
            node.wait_ready()
            self.assertIn(request(node.url("/files/a"), "PUT", b"a")[0], (200, 201))
            status, _, body = request(node.url("/shares"), "POST", json.dumps({"name": "a", "seconds": 60, "downloads": 1}))
            self.assertEqual(status, 201)
            link = json.loads(body)
            self.assertEqual(request(node.url(link["url"]))[0], 200)
            self.assertEqual(request(node.url(link["url"]))[0], 410)
            self.assertEqual(request(node.url("/files/a"))[0], 200)
        with Node(self.directory / "plain") as node:
            node.wait_ready()
            self.assertFalse(json.loads(request(node.url("/access"))[2])["shares"])
            self.assertEqual(request(node.url("/shares"), "POST", b"{}")[0], 503)


class Revocation(Guarded):
    def statuses(self, path, token=None):
        return [request(self.cluster.url(node, path), headers=bearing(token))[0] for node in (1, 2, 3)]

    def test_a_token_is_revoked_everywhere_within_two_seconds(self):
        for turn in range(5):
            token, identity = make_token(self.secret_file, "write")
            self.assertEqual(self.statuses("/files", token), [200] * 3)
            self.assertEqual(self.ask(1 + turn % 3, f"/tokens/{identity}", "DELETE", "admin")[0], 204)
            eventually(lambda: self.statuses("/files", token) == [401] * 3, 2, "revoked at all nodes")

    def test_the_command_takes_the_token_or_its_id(self):
        for by_id in (True, False):
            token, identity = make_token(self.secret_file, "read")
            done = run(CHISME, "token", "revoke", "-", "--node", self.cluster.url(1), input=identity if by_id else token,
                       env={**os.environ, "CHISME_TOKEN": self.tokens["admin"]})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(token, done.stdout + done.stderr)
            eventually(lambda: self.statuses("/files", token) == [401] * 3, 2, "revoked at all nodes")

    def test_a_link_survives_its_maker_and_its_revocation_every_start(self):
        link, counted = self.share(node=3), self.share(node=3, downloads=3)
        self.assertEqual(follow(self.cluster.url(1, counted["url"]))[0], 200)
        time.sleep(0.5)
        self.cluster.kill(3)
        for node in (1, 2):
            eventually(lambda: follow(self.cluster.url(node, link["url"]))[0] == 200, 10, "good without its maker")
        # What was taken before still counts, whoever counts now.
        eventually(lambda: follow(self.cluster.url(1, counted["url"]))[0] == 200, 10, "somebody else counts")
        eventually(lambda: follow(self.cluster.url(2, counted["url"]))[0] == 200, 10, "the third, by the other node")
        self.assertEqual(follow(self.cluster.url(2, counted["url"]))[0], 410)
        token, identity = make_token(self.secret_file, "read")
        self.assertEqual(self.ask(1, f"/shares/{link['id']}", "DELETE", "write")[0], 204)
        self.assertEqual(self.ask(2, f"/tokens/{identity}", "DELETE", "admin")[0], 204)
        eventually(lambda: all(follow(self.cluster.url(node, link["url"]))[0] == 410 for node in (1, 2)), 2, "taken back")
        self.cluster.start(3)
        eventually(lambda: self.statuses("/files", token) == [401] * 3, 5, "the one that was away knows it too")
        eventually(lambda: self.statuses(link["url"]) == [410] * 3, 2, "of the link too")
        for node in (1, 2, 3):
            self.cluster.kill(node)
        for node in (1, 2, 3):
            self.cluster.start(node)
            # Alone it knows, from its own disk.
            self.assertEqual(request(self.cluster.url(node, "/files"), headers=bearing(token))[0], 401)
            self.assertEqual(self.ask(node, link["url"])[0], 410)
        eventually(lambda: follow(self.cluster.url(1, counted["url"]))[0] == 410, 10, "and what was counted")

    def test_nothing_that_lets_in_stands_in_a_log_or_an_answer(self):
        link = self.share(downloads=1)
        share = link["url"].partition("share=")[2]
        follow(self.cluster.url(1, link["url"]))
        follow(self.cluster.url(1, link["url"]))
        location = self.ask(self.node_without(), "/files/film.mp4", role="read")[1]["Location"]
        texts = [token for token in self.tokens.values() if token] + [share, location.partition("share=")[2]]
        for text in [t.removeprefix("chisme-token-") for t in texts]:
            for log in self.cluster.data.glob("*/log"):
                self.assertNotIn(text, log.read_text())
            for path in ("/cluster", "/metrics", "/files", "/access", "/nowhere"):
                self.assertNotIn(text, self.ask(1, path, role="admin")[2].decode(errors="replace"))
            for pid in self.cluster.pids.values():
                self.assertNotIn(text, pathlib.Path(f"/proc/{pid}/cmdline").read_text())


class Commands(Guarded):
    def command(self, *arguments, role="write", node=1, **options):
        environment = {**os.environ}
        if role:
            environment["CHISME_TOKEN"] = self.tokens[role]
        return run(CHISME, *arguments, "--node", self.cluster.url(node), env=environment, **options)

    def test_all_commands_go_with_a_token(self):
        small, large = self.directory / "small.bin", self.directory / "large.bin"
        small.write_bytes(some_bytes(1000, 1))
        large.write_bytes(some_bytes(40_000_000, 2))  # sent in chunks
        for path in (small, large):
            put = self.command("put", str(path))
            self.assertEqual(put.returncode, 0, put.stderr)
            for node in (1, 2, 3):
                fetched = self.directory / f"fetched-{node}"
                got = self.command("get", path.name, "-o", str(fetched), role="read", node=node)
                self.assertEqual(got.returncode, 0, got.stderr)
                self.assertEqual(sha256(fetched.read_bytes()), sha256(path.read_bytes()))
        self.assertIn("large.bin", self.command("ls", role="read").stdout)
        self.assertIn("alive", self.command("status", role="read").stdout)
        self.assertEqual(self.command("rm", "small.bin").returncode, 0)
        watch = subprocess.Popen([CHISME, "watch", "--node", self.cluster.url(1)], stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "CHISME_TOKEN": self.tokens["read"]})
        try:
            self.assertIn("cluster:", watch.stdout.readline())
        finally:
            watch.kill()
            watch.communicate()

    def test_without_one_the_sentence_says_what_to_do(self):
        for arguments in (("ls",), ("get", "film.mp4", "-o", "/dev/null"), ("rm", "film.mp4"), ("status",), ("drain",)):
            refused = self.command(*arguments, role=None)
            self.assertEqual(refused.returncode, 1, arguments)
            self.assertIn("chisme token new", refused.stderr)
        refused = self.command("rm", "film.mp4", role="read")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("role write", refused.stderr)

    def test_a_token_file_is_for_its_user_alone(self):
        path = self.directory / "token"
        path.write_text(self.tokens["read"] + "\n")
        path.chmod(0o600)
        self.assertEqual(self.command("ls", "--token-file", str(path), role=None).returncode, 0)
        path.chmod(0o644)
        refused = self.command("ls", "--token-file", str(path), role=None)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("chmod 600", refused.stderr)
        path.chmod(0o600)
        path.write_text("nothing of use\n")
        refused = self.command("ls", "--token-file", str(path), role=None)
        self.assertEqual(refused.returncode, 2)
        self.assertNotIn("of use", refused.stderr)

    def test_what_is_no_role_no_time_and_no_secret_is_refused(self):
        for arguments, word in ((("--role", "root"), "no role"), (("--role", "read", "--expires", "2000d"), "366"),
                                (("--role", "read", "--expires", "soon"), "is not a time")):
            refused = run(CHISME, "token", "new", "--secret-file", str(self.secret_file), *arguments)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(word, refused.stderr)
        self.assertEqual(run(CHISME, "token", "new", "--secret-file", "/nowhere", "--role", "read").returncode, 1)
        for access in ("read", "token"):
            refused = run(CHISME, "node", "--data", str(self.directory / "none"), "--access", access)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("--secret-file", refused.stderr)
        refused = run(CHISME, "node", "--data", str(self.directory / "none"), "--cors-origin", "*")
        self.assertEqual(refused.returncode, 2)


class Rotation(unittest.TestCase):
    def test_tokens_and_links_live_as_long_as_their_secret_is_listed(self):
        with tempfile.TemporaryDirectory(prefix="chisme-access-") as own:
            directory = pathlib.Path(own)
            old, new = (make_secret(directory / name) for name in ("old", "new"))
            secret = directory / "secret"

            def write(*secrets):
                fresh = secret.with_suffix(".new")
                with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                    file.write("".join(line + "\n" for line in secrets))
                fresh.rename(secret)

            write(old)
            with Node(directory / "data", ("--secret-file", str(secret), "--access", "token"),
                      log=(directory / "log").open("w")) as node:
                node.wait_ready()
                token, _ = make_token(directory / "old", "write")
                later, _ = make_token(directory / "new", "write")
                status = lambda one: request(node.url("/files"), headers=bearing(one))[0]  # noqa: E731
                self.assertIn(request(node.url("/files/a"), "PUT", b"a", bearing(token))[0], (200, 201))
                body = request(node.url("/shares"), "POST", '{"name":"a","seconds":60}', bearing(token))[2]
                link = json.loads(body)["url"]
                self.assertEqual((status(token), status(later)), (200, 401))
                for step in ((old, new), (new, old)):
                    write(*step)
                    node.process.send_signal(signal.SIGHUP)
                    eventually(lambda: (status(token), status(later)) == (200, 200), 5, "both are good")
                    self.assertEqual(request(node.url(link))[0], 200)
                write(new)
                node.process.send_signal(signal.SIGHUP)
                eventually(lambda: (status(token), status(later)) == (401, 200), 5, "the old one is good no more")
                self.assertEqual(request(node.url(link))[0], 403)


class Reading(unittest.TestCase):
    def test_everybody_reads_and_some_write(self):
        with tempfile.TemporaryDirectory(prefix="chisme-access-") as own:
            secret = pathlib.Path(own) / "secret"
            make_secret(secret)
            with Node(pathlib.Path(own) / "data", ("--secret-file", str(secret), "--access", "read")) as node:
                node.wait_ready()
                token, _ = make_token(secret, "write")
                self.assertEqual(request(node.url("/files/a"), "PUT", b"a")[0], 401)
                self.assertIn(request(node.url("/files/a"), "PUT", b"a", bearing(token))[0], (200, 201))
                self.assertEqual(request(node.url("/files/a"))[0], 200)
                self.assertEqual(request(node.url("/cluster/drain"), "POST")[0], 401)
                self.assertEqual(json.loads(request(node.url("/access"))[2])["role"], "read")


class DamagedMemory(unittest.TestCase):
    def test_a_node_does_not_start_without_a_word_when_what_was_revoked_is_lost(self):
        with tempfile.TemporaryDirectory(prefix="chisme-access-") as own:
            directory = pathlib.Path(own)
            make_secret(directory / "secret")
            options = ("--secret-file", str(directory / "secret"), "--access", "token")
            with Node(directory / "data", options) as node:
                node.wait_ready()
                admin, _ = make_token(directory / "secret", "admin")
                self.assertEqual(request(node.url("/tokens/0000000000000007-" + format(int(time.time()) + 600, "x")),
                                         "DELETE", headers=bearing(admin))[0], 204)
            memory = directory / "data" / "access"
            data = bytearray(memory.read_bytes())
            data[-3] ^= 1
            memory.write_bytes(data)
            with Node(directory / "data", options) as node:
                code, errors = node.ends()
            self.assertNotEqual(code, 0)
            self.assertIn("damaged", errors)


if __name__ == "__main__":
    unittest.main()
