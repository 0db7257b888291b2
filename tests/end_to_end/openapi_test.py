"""docs/openapi.json is about this program: it has each route and no other, and real answers are as it says."""
import contextlib
import copy
import json
import pathlib
import re
import tempfile
import unittest

import jsonschema

from harness import CHISME, Node, ROOT, request, run

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text())
ROUTE = re.compile(r'\{"(/[^"]*)",\s*Method::(\w+),')
# Protocols of their own, with methods that OpenAPI has no words for.
ELSEWHERE = ("/dav", "/s3")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def routes_of_the_program():
    """(path, method) as web/routes.cpp has them; a prefix ends with `/`."""
    found = ROUTE.findall((ROOT / "web/routes.cpp").read_text())
    return {(path, method.rstrip("_")) for path, method in found if not path.startswith(ELSEWHERE)}


def documented_routes():
    return {(re.sub(r"\{\w+\}$", "", path), method)
            for path, operations in DOCUMENT["paths"].items() for method in operations if method in METHODS}


def as_json_schema(schema):
    """OpenAPI 3.0 says `nullable` where JSON Schema has one more type."""
    if isinstance(schema, list):
        return [as_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: as_json_schema(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is True:
        made["type"] = [made["type"], "null"]
    return made


SCHEMAS = as_json_schema(copy.deepcopy(DOCUMENT))


def resolved(node):
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def references(node):
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        if "$ref" in node:
            yield node
        for each in node.values():
            yield from references(each)


class Document(unittest.TestCase):
    def test_it_has_each_route_of_the_program_and_no_other(self):
        program, documented = routes_of_the_program(), documented_routes()
        self.assertGreater(len(program), 25)
        # What is asked for with HEAD alone is a GET in the table, which answers 405 to GET.
        documented = {(path, "get") if (path, method) == ("/uploads/", "head") else (path, method)
                      for path, method in documented}
        self.assertEqual(program - documented, set(), "not in docs/openapi.json")
        self.assertEqual(documented - program, set(), "not in the program")

    def test_it_is_complete_in_itself(self):
        for reference in references(DOCUMENT):
            self.assertTrue(resolved(reference))
        seen = set()
        for path, operations in DOCUMENT["paths"].items():
            for method, operation in operations.items():
                with self.subTest(path=path, method=method):
                    self.assertIn(method, METHODS)
                    self.assertTrue(operation["summary"] and operation["responses"])
                    self.assertNotIn(operation["operationId"], seen)
                    seen.add(operation["operationId"])
                    declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
                    self.assertEqual(declared, set(re.findall(r"\{(\w+)\}", path)))
        for name, schema in SCHEMAS["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema.Draft7Validator.check_schema(schema)


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chisme-test-")))
            secret = directory / "secret"
            assert run(CHISME, "secret", "new", str(secret)).returncode == 0
            # Nothing of it is to be read, but it must not fill a pipe.
            log = stack.enter_context((directory / "log").open("w"))
            cls.node = stack.enter_context(
                Node(directory / "data", ("--secret-file", str(secret), "--access", "open", "--trash", "1h"), log=log))
            cls.node.wait_ready()
            cls.asked = set()
            cls.cleanup = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.cleanup.close()

    def ask(self, path, method, status, target=None, body=None, headers=None):
        """One request; its answer has that status, which is documented, and a body as documented."""
        operation = DOCUMENT["paths"][path][method]
        got, got_headers, answer = request(self.node.url(target or path), method.upper(), body, headers)
        self.assertEqual(got, status, answer[:300])
        self.asked.add((path, method))
        responses = operation["responses"]
        self.assertIn(str(status), responses, f"{method} {path}: {status} is not documented")
        response = resolved(responses[str(status)])
        self.assertTrue(got_headers["X-Request-Id"])
        for name, header in response.get("headers", {}).items():
            if header.get("required"):
                self.assertTrue(got_headers[name], name)
        media = (got_headers["Content-Type"] or "").split(";")[0]
        content = response.get("content", {})
        if media.endswith("json") and "*/*" not in content:
            self.assertIn(media, content, f"{method} {path}: {media} is not documented")
            self.validate(json.loads(answer), content[media]["schema"])
            return json.loads(answer)
        if answer and content:
            self.assertTrue(media in content or "*/*" in content, f"{method} {path}: {media} is not documented")
        return answer, got_headers

    def validate(self, value, schema):
        resolver = jsonschema.RefResolver("", SCHEMAS)
        jsonschema.Draft7Validator(as_json_schema(schema), resolver=resolver).validate(value)

    def test_a_files(self):
        new = self.ask("/files/{name}", "put", 201, "/files/a/film.bin", b"hello")
        self.assertEqual(new["size"], 5)
        self.ask("/files/{name}", "put", 200, "/files/a/film.bin", b"hello, world")
        self.ask("/files/{name}", "put", 412, "/files/a/film.bin", b"x", {"If-None-Match": "*"})
        self.ask("/files/{name}", "put", 400, "/files/a//b", b"x")
        self.ask("/files/{name}", "get", 200, "/files/a/film.bin?via=local")
        self.ask("/files/{name}", "get", 206, "/files/a/film.bin?via=local", headers={"Range": "bytes=1-2"})
        self.ask("/files/{name}", "get", 416, "/files/a/film.bin?via=local", headers={"Range": "bytes=99-"})
        self.ask("/files/{name}", "get", 404, "/files/none")
        form = (b"--x\r\nContent-Disposition: form-data; name=f; filename=form.txt\r\n\r\nbody\r\n--x--\r\n")
        self.ask("/files", "post", 201, body=form, headers={"Content-Type": "multipart/form-data; boundary=x"})
        self.ask("/files", "post", 415, body=b"x", headers={"Content-Type": "text/plain"})
        self.assertEqual(len(self.ask("/files", "get", 200)["files"]), 2)
        self.assertEqual(self.ask("/files", "get", 200, "/files?sort=size&order=desc&limit=1")["total"], 2)
        self.ask("/files", "get", 400, "/files?limit=0")
        self.assertTrue(self.ask("/route", "get", 200, "/route?file=a/film.bin")["replicas"])
        self.ask("/route", "get", 404, "/route?file=none")
        self.ask("/redirect", "get", 307, "/redirect?file=a/film.bin")
        self.ask("/redirect", "get", 307)
        self.ask("/client", "get", 404, "/client?file=none")
        self.ask("/files/{name}", "delete", 204, "/files/form.txt")
        self.ask("/files/{name}", "delete", 404, "/files/form.txt")

        self.ask("/files/{name}", "put", 201, "/files/short.txt?ttl=1h", b"x")
        self.ask("/files/{name}", "put", 400, "/files/short.txt?ttl=x", b"x")
        self.assertTrue(self.ask("/files", "get", 200, "/files?prefix=short")["files"][0]["expires"])
        self.ask("/trash", "get", 400, "/trash?limit=0")
        removed = self.ask("/trash", "get", 200, "/trash?limit=5")["files"]
        self.assertEqual([file["name"] for file in removed], ["form.txt"])
        self.ask("/trash/{id}", "post", 201, "/trash/" + removed[0]["id"])
        self.ask("/trash/{id}", "post", 404, "/trash/" + removed[0]["id"])
        self.ask("/files/{name}", "delete", 204, "/files/form.txt")
        removed = self.ask("/trash", "get", 200)["files"]
        self.ask("/trash/{id}", "delete", 204, "/trash/" + removed[0]["id"])
        self.ask("/trash/{id}", "delete", 404, "/trash/none")

    def test_b_uploads(self):
        tus = {"Tus-Resumable": "1.0.0"}
        patch = {**tus, "Content-Type": "application/offset+octet-stream"}
        self.ask("/uploads", "options", 204)
        self.ask("/uploads", "post", 412)
        begin = {**tus, "Upload-Length": "5", "Upload-Metadata": "filename d2hvbGUuYmlu"}
        _, headers = self.ask("/uploads", "post", 201, headers=begin)
        target = "/uploads/" + headers["Location"].rsplit("/", 1)[1]
        self.ask("/uploads/{id}", "options", 204, target)
        self.ask("/uploads/{id}", "head", 200, target, headers=tus)
        self.ask("/uploads/{id}", "patch", 204, target, b"he", {**patch, "Upload-Offset": "0"})
        self.ask("/uploads/{id}", "patch", 409, target, b"he", {**patch, "Upload-Offset": "0"})
        self.ask("/uploads/{id}", "post", 405, target, headers=tus)
        self.ask("/uploads/{id}", "delete", 204, target, headers=tus)

    def test_c_cluster(self):
        cluster = self.ask("/cluster", "get", 200)
        self.assertEqual(cluster["format"], 1)
        self.ask("/cluster/local/{order}", "post", 404, "/cluster/local/kill?http=http://127.0.0.1:1")
        self.ask("/cluster/local/{order}", "post", 400, "/cluster/local/kill")
        self.ask("/cluster/scrub", "post", 202)
        self.ask("/cluster/scrub", "get", 200)
        self.ask("/healthz", "get", 200)
        self.ask("/readyz", "get", 200)
        self.ask("/metrics", "get", 200)

    def test_d_access(self):
        self.ask("/access", "get", 200)
        wish = json.dumps({"name": "a/film.bin", "seconds": 600}).encode()
        made = self.ask("/shares", "post", 201, body=wish)
        self.ask("/shares", "post", 400, body=b"{}")
        self.ask("/shares/{id}", "delete", 204, "/shares/" + made["id"])
        self.ask("/shares/{id}", "delete", 400, "/shares/none")
        self.ask("/tokens/{id}", "delete", 400, "/tokens/none")

    def test_e_sockets_without_a_handshake(self):
        for path in ("/ws/read", "/ws/upload", "/ws/cluster"):
            self.ask(path, "get", 426, path + "?name=a")
        self.ask("/ws/files/{name}", "get", 426, "/ws/files/a")

    def test_y_leaving(self):
        self.ask("/cluster/drain", "post", 202, "/cluster/drain?cancel=1")
        self.ask("/cluster/drain", "post", 202)

    def test_z_everything_was_asked(self):
        wanted = {(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations}
        self.assertEqual(wanted - self.asked, set())


class Validation(unittest.TestCase):
    def test_what_is_not_as_documented_is_refused(self):
        problem = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is none."}
        validator = jsonschema.Draft7Validator(SCHEMAS["components"]["schemas"]["Problem"])
        validator.validate(problem)
        for wrong in ({**problem, "status": "404"}, {**problem, "more": 1}, {"title": "Not Found"}):
            with self.assertRaises(jsonschema.ValidationError):
                validator.validate(wrong)


if __name__ == "__main__":
    unittest.main(verbosity=2)
