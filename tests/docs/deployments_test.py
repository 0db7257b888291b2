"""What the pages, and the examples for Docker, Kubernetes and systemd, say to the program is what it takes; and the YAML
has the fields that it should, which refer to each other. (tests/containers/run.py runs them.)"""
import os
import pathlib
import re
import shlex
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHISME = os.environ.get("CHISME", str(ROOT / "build/release/chisme"))
TEXTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "examples").rglob("*")), *sorted((ROOT / "cmake/package").glob("*"))]
# A command line ends where its sentence, its cell or its comment does.
COMMAND_LINE = re.compile(r"(?:^|[\s`/(\"'])chisme ((?:[a-z]+)(?: [^`|#;&)\n]*)?)")


def help_of(*words):
    said = subprocess.run([CHISME, *words, "--help"], capture_output=True, text=True, timeout=30)
    return said.stdout if said.returncode == 0 else ""


class Program:
    """What the program says that it takes."""

    def __init__(self):
        self.helps = {(): help_of()}
        self.commands = self.subcommands(())

    def subcommands(self, path):
        told = self.help(path).partition("Subcommands:")[2]
        return set(re.findall(r"^  ([a-z0-9-]+)\b", told, re.M))

    def help(self, path):
        if path not in self.helps:
            self.helps[path] = help_of(*path)
        return self.helps[path]

    def complaint(self, words):
        """None when it takes this command's flags. `words`: after chisme."""
        path = (words[0],)
        if len(words) > 1 and words[1] in self.subcommands(path):
            path += (words[1],)
        known = set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", self.help(path)))
        unknown = [word for word in words if re.match(r"^--[a-z]", word) and word.partition("=")[0] not in known]
        return f"chisme {' '.join(path)} has no {' '.join(unknown)}" if unknown else None


PROGRAM = Program()


def command_lines(text):
    """The words after `chisme` of each command line, and nothing that is only a sentence about chisme."""
    for match in COMMAND_LINE.finditer(text.replace("\\\n", " ")):
        words = match[1].split()
        try:
            words = shlex.split(match[1])
        except ValueError:
            pass
        if words[0] in PROGRAM.commands:
            yield [word.strip(".,:\"'*") for word in words]


class CommandLines(unittest.TestCase):
    def test_every_flag_that_is_written_anywhere_exists(self):
        wrong, seen = [], 0
        for path in TEXTS:
            if not path.is_file() or path.suffix in (".py", ".pyc", ".cpp", ".json"):
                continue
            for words in command_lines(path.read_text()):
                seen += 1
                if complaint := PROGRAM.complaint(words):
                    wrong.append(f"{path.relative_to(ROOT)}: {complaint}")
        self.assertEqual(wrong, [])
        self.assertGreater(seen, 60, "the pages have that many command lines")

    def test_the_check_can_fail(self):
        self.assertEqual([PROGRAM.complaint(words) for words in command_lines("`chisme node --lisen 127.0.0.1:1`")],
                         ["chisme node has no --lisen"])
        self.assertEqual([PROGRAM.complaint(words) for words in command_lines("chisme secret new x --role y")],
                         ["chisme secret new has no --role"])

    def test_every_key_and_variable_of_an_example_exists(self):
        known = set(re.findall(r"--([a-z-]+)", PROGRAM.help(("node",))))
        toml = re.findall(r"^#? ?([a-z_]+) = ", (ROOT / "cmake/package/settings.toml").read_text(), re.M)
        variables = re.findall(r"\bCHISME_([A-Z_]+)=", (ROOT / "examples/docker/Dockerfile").read_text())
        self.assertTrue(toml and variables)
        for key in [*toml, *map(str.lower, variables)]:
            self.assertIn(key.replace("_", "-"), known)


class Compose(unittest.TestCase):
    def test_five_nodes_that_join_each_other_with_a_volume_each(self):
        file = yaml.safe_load((ROOT / "examples/docker/compose.yaml").read_text())
        self.assertEqual(len(file["services"]), 5)
        peers = {f"127.0.0.1:{port}" for port in range(8701, 8706)}
        volumes = []
        for name, service in file["services"].items():
            words = service["command"]
            self.assertIsNone(PROGRAM.complaint(words), name)
            joined = {words[at + 1] for at, word in enumerate(words) if word == "--join"}
            self.assertTrue(joined and joined < peers)
            listens = words[words.index("--listen") + 1]
            self.assertIn(f"http://{listens}/readyz", service["healthcheck"]["test"])
            volumes += [volume.split(":")[0] for volume in service["volumes"]]
            self.assertEqual((service["cap_drop"], service["read_only"]), (["ALL"], True))
        self.assertEqual(sorted(volumes), sorted(file["volumes"]))


class Dockerfile(unittest.TestCase):
    def test_two_stages_of_debian_and_nobody_special(self):
        text = (ROOT / "examples/docker/Dockerfile").read_text()
        self.assertEqual(re.findall(r"^FROM (\S+)", text, re.M), ["debian:12-slim"] * 2)
        self.assertLess(text.index("USER chisme"), text.index("ENTRYPOINT"))
        self.assertRegex(text, r"HEALTHCHECK .*\\?\n?.*/readyz")
        for copied in re.findall(r"^COPY ([^-]\S*) ", text, re.M):
            self.assertTrue((ROOT / copied).exists(), copied)


# The fields that the file uses of each kind of thing (Kubernetes API reference 1.25 and later): a misspelt one is ignored or
# refused by a cluster, so it must not get there. "*": any name. A list stands for its items.
POD_SECURITY = {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int, "fsGroupChangePolicy": str,
                "seccompProfile": {"type": str}}
SECURITY = {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "capabilities": {"drop": [str]}}
PROBE = {"httpGet": {"path": str, "port": str}, "periodSeconds": int, "timeoutSeconds": int, "failureThreshold": int}
CONTAINER = {"name": str, "image": str, "command": [str], "args": [str],
             "env": [{"name": str, "valueFrom": {"fieldRef": {"fieldPath": str}}}],
             "ports": [{"name": str, "containerPort": int, "protocol": str}],
             "startupProbe": PROBE, "livenessProbe": PROBE, "readinessProbe": PROBE,
             "lifecycle": {"preStop": {"exec": {"command": [str]}}}, "securityContext": SECURITY,
             "resources": {"requests": {"*": str}, "limits": {"*": str}},
             "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}]}
SELECTOR = {"matchLabels": {"*": str}}
METADATA = {"name": str, "labels": {"*": str}}
POD = {"terminationGracePeriodSeconds": int, "automountServiceAccountToken": bool, "securityContext": POD_SECURITY,
       "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
           {"weight": int, "podAffinityTerm": {"topologyKey": str, "labelSelector": SELECTOR}}]}},
       "initContainers": [CONTAINER], "containers": [CONTAINER],
       "volumes": [{"name": str, "secret": {"secretName": str}, "emptyDir": {"medium": str, "sizeLimit": str}}]}
KINDS = {
    ("v1", "Service"): {"clusterIP": str, "publishNotReadyAddresses": bool, "selector": {"*": str}, "ports": [
        {"name": str, "port": int, "targetPort": str, "protocol": str}]},
    ("policy/v1", "PodDisruptionBudget"): {"maxUnavailable": int, "selector": SELECTOR},
    ("apps/v1", "StatefulSet"): {
        "serviceName": str, "replicas": int, "podManagementPolicy": str, "selector": SELECTOR,
        "template": {"metadata": {"labels": {"*": str}}, "spec": POD},
        "volumeClaimTemplates": [{"metadata": METADATA, "spec": {
            "accessModes": [str], "resources": {"requests": {"*": str}}}}]},
}


def misfits(value, schema, where):
    """Where `value` is not as `schema` says."""
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [one for number, item in enumerate(value) for one in misfits(item, schema[0], f"{where}[{number}]")]
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{where} is no map"]
        known = {key: schema.get(key, schema.get("*")) for key in value}
        return [one for key, item in value.items() for one in (
            misfits(item, known[key], f"{where}.{key}") if known[key] else [f"{where}.{key} is not known"])]
    return [] if type(value) is schema else [f"{where} is no {schema.__name__}"]


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.things = list(yaml.safe_load_all((ROOT / "examples/kubernetes/chisme.yaml").read_text()))
        cls.by_name = {(thing["kind"], thing["metadata"]["name"]): thing for thing in cls.things}
        cls.set = cls.by_name["StatefulSet", "chisme"]["spec"]
        cls.pod = cls.set["template"]["spec"]
        cls.node = cls.pod["containers"][0]

    def test_every_field_is_one_of_its_kind(self):
        for thing in self.things:
            schema = {"apiVersion": str, "kind": str, "metadata": METADATA,
                      "spec": KINDS[thing["apiVersion"], thing["kind"]]}
            self.assertEqual(misfits(thing, schema, thing["kind"]), [])
        self.assertEqual(misfits({"replica": 5}, KINDS["apps/v1", "StatefulSet"], "x"), ["x.replica is not known"])

    def test_the_program_takes_its_arguments(self):
        self.assertIsNone(PROGRAM.complaint(self.node["args"]))
        # And each value: with the pod's address, a secret that is not there is the only thing wrong.
        words = [word.replace("$(POD_IP)", "127.0.0.1").replace("/run/chisme", "/nowhere").replace("/var/lib/chisme", "/tmp/none")
                 for word in self.node["args"]]
        said = subprocess.run([CHISME, *words], capture_output=True, text=True, timeout=30)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertIn("/nowhere/cluster.secret", said.stderr)

    def test_what_refers_to_something_refers_to_what_there_is(self):
        labels = self.set["template"]["metadata"]["labels"]
        self.assertEqual(self.set["selector"]["matchLabels"], labels)
        self.assertEqual(self.by_name["PodDisruptionBudget", "chisme"]["spec"]["selector"]["matchLabels"], labels)
        peers = self.by_name["Service", self.set["serviceName"]]["spec"]
        self.assertEqual((peers["clusterIP"], peers["selector"], peers["publishNotReadyAddresses"]), ("None", labels, True))
        ports = {(port["containerPort"], port["protocol"]) for port in self.node["ports"]}
        self.assertLessEqual({(port["port"], port["protocol"]) for port in peers["ports"]}, ports)
        self.assertIn(f"--join={self.set['serviceName']}:8701", self.node["args"])
        names = {port["name"] for port in self.node["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertIn(self.node[probe]["httpGet"]["port"], names)
        volumes = {volume["name"] for volume in self.pod["volumes"] + [
            claim["metadata"] for claim in self.set["volumeClaimTemplates"]]}
        for container in (*self.pod["initContainers"], self.node):
            self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)

    def test_it_stops_in_time_and_starts_together(self):
        waits = int(self.node["lifecycle"]["preStop"]["exec"]["command"][1])
        self.assertGreater(self.pod["terminationGracePeriodSeconds"], waits + 30)
        self.assertEqual(self.set["podManagementPolicy"], "Parallel")


if __name__ == "__main__":
    unittest.main(verbosity=2)
