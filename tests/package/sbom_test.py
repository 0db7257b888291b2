"""chisme.spdx.json has the fields that SPDX 2.3 asks for, and tells the truth about what the program is made of."""
import json
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("CHISME_BUILD", "build/release")
FILE = BUILD / "package/chisme.spdx.json"


@unittest.skipUnless(FILE.exists(), "it is made by cmake --build build/release --target chisme_package_files")
class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = json.loads(FILE.read_text())
        cls.packages = {package["name"]: package for package in cls.document["packages"]}

    def related(self, kind):
        by_id = {package["SPDXID"]: package["name"] for package in self.document["packages"]}
        return {by_id[relation["relatedSpdxElement"]] for relation in self.document["relationships"]
                if relation["relationshipType"] == kind}

    def test_the_document_has_the_fields_that_are_asked_for(self):  # SPDX 2.3, clause 6
        document = self.document
        self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]),
                         ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertRegex(document["documentNamespace"], r"^https://[^#\s]+$")
        self.assertRegex(document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertTrue(document["creationInfo"]["creators"])
        self.assertTrue(document["name"])

    def test_each_package_has_the_fields_that_are_asked_for(self):  # clause 7
        ids = [package["SPDXID"] for package in self.document["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        for package in self.document["packages"]:
            self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
            for field in ("name", "versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
                self.assertTrue(package[field], (package["name"], field))
            for checksum in package.get("checksums", []):
                self.assertRegex(checksum["checksumValue"], r"^[0-9a-f]{128}$")
            for reference in package.get("externalRefs", []):
                self.assertRegex(reference["referenceLocator"], r"^pkg:(deb/debian|npm)/\S+@\S+$")

    def test_relations_are_between_what_there_is(self):  # clause 11
        known = {package["SPDXID"] for package in self.document["packages"]} | {"SPDXRef-DOCUMENT"}
        for relation in self.document["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, known)
        self.assertEqual(self.related("DESCRIBES"), {"chisme"})

    def test_every_library_that_the_program_names_is_there(self):
        needed = subprocess.run(["readelf", "-d", BUILD / "chisme"], capture_output=True, text=True, check=True).stdout
        linked = self.related("DYNAMIC_LINK")
        for library, package in (("libssl.so.3", "libssl3"), ("libsqlite3.so.0", "libsqlite3-0"), ("libc.so.6", "libc6")):
            self.assertIn(f"[{library}]", needed)
            self.assertIn(package, linked)
        self.assertGreaterEqual(len(linked) + 2, len(re.findall(r"\(NEEDED\)", needed)))

    def test_what_was_compiled_in_is_there(self):
        compiled_in = self.related("STATIC_LINK")
        for package in ("libasio-dev", "libwebsocketpp-dev", "node-llhttp", "libcereal-dev", "nlohmann-json3-dev",
                        "libcli11-dev", "libtomlplusplus-dev", "libexpected-dev"):
            self.assertIn(package, compiled_in)
        self.assertNotIn("libgtest-dev", self.packages)

    def test_the_page_is_there_and_what_only_tests_use_is_not(self):
        lock = json.loads((ROOT / "web/page/package-lock.json").read_text())["packages"]
        for name in ("preact", "tus-js-client", "mp4box"):
            self.assertEqual(self.packages[name]["versionInfo"], lock["node_modules/" + name]["version"])
        self.assertNotIn("playwright-core", self.packages)

    def test_the_licences_are_beside_it(self):
        texts = (BUILD / "package/third-party.txt").read_text()
        for owner in ("node-llhttp (Debian)", "libwebsocketpp-dev (Debian)", "preact (npm)", "mp4box (npm)"):
            self.assertIn(f"{'=' * 20} {owner}\n", texts)


if __name__ == "__main__":
    unittest.main(verbosity=2)
