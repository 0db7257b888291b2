"""Pods of a StatefulSet as containers: what a kubelet would do of what the manifest says, and no more."""
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

import yaml


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Pods:
    """The set's pods on a network of their own, on which the headless service's name stands for all of them.

    Done: init containers, commands and arguments with $(VARIABLES), users and groups, rights, volumes (secrets,
    directories of a pod, claims), probes over HTTP, preStop, SIGTERM and the grace period. Not: services, scheduling, limits, the
    PodDisruptionBudget, that a directory is in memory.
    """

    NETWORK = "chisme-pods"
    SUBNET = "10.77.3."

    def __init__(self, podman, manifest, secrets):
        documents = list(yaml.safe_load_all(pathlib.Path(manifest).read_text()))
        self.set = next(each["spec"] for each in documents if each["kind"] == "StatefulSet")
        self.pod = self.set["template"]["spec"]
        self.podman = podman
        self.secrets = secrets  # by name, the directory of its files
        podman.run("network", "create", "--subnet", self.SUBNET + "0/24", self.NETWORK)

    def volume(self, number, name):
        """The name of a podman volume, or a directory."""
        given = next((each for each in self.pod["volumes"] if each["name"] == name), None)
        if given and "secret" in given:
            return self.secrets[given["secret"]["secretName"]]
        volume = f"{name}-chisme-{number}"
        if not self.podman.has("volume", volume):
            self.podman.run("volume", "create", volume)
            self.hand_over(volume)
        return volume

    def hand_over(self, volume):
        """To the pod's group, as fsGroup says."""
        group = self.pod["securityContext"]["fsGroup"]
        self.podman.run("run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", "--volume",
                        f"{volume}:/volume", "chisme", "-c", f"chgrp {group} /volume && chmod 2770 /volume")

    def rights(self, container):
        pod, own = self.pod["securityContext"], container["securityContext"]
        words = ["--user", f"{pod['runAsUser']}:{pod['runAsGroup']}", "--group-add", str(pod["fsGroup"])]
        words += [word for capability in own["capabilities"]["drop"] for word in ("--cap-drop", capability)]
        if own["readOnlyRootFilesystem"]:
            words += ["--read-only", "--read-only-tmpfs=false"]
        return words if own["allowPrivilegeEscalation"] else words + ["--security-opt", "no-new-privileges"]

    def volumes(self, number, container):
        for mount in container["volumeMounts"]:
            kept = self.volume(number, mount["name"])
            yield from ("--volume", f"{kept}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}")

    def start(self, number, address):
        """The pod chisme-NUMBER at the subnet's address number `address`."""
        for first in self.pod["initContainers"]:
            self.podman.run("run", "--rm", "--network", "none", *self.rights(first), *self.volumes(number, first),
                            "--entrypoint", first["command"][0], first["image"], *first["command"][1:])
        (container,) = self.pod["containers"]
        ip = self.SUBNET + str(address)
        values = {each["name"]: ip for each in container["env"] if each["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"}
        arguments = list(container["args"])
        for name, value in values.items():
            arguments = [word.replace(f"$({name})", value) for word in arguments]
        self.podman.run("run", "--detach", "--name", f"chisme-{number}", "--network", f"{self.NETWORK}:alias={self.set['serviceName']}",
                        "--ip", ip, "--no-healthcheck", *self.rights(container), *self.volumes(number, container),
                        *(word for name, value in values.items() for word in ("--env", f"{name}={value}")),
                        container["image"], *arguments)

    def url(self, number, probe="readinessProbe"):
        (container,) = self.pod["containers"]
        get = container[probe]["httpGet"]
        port = next(each["containerPort"] for each in container["ports"] if each["name"] == get["port"])
        ip = self.podman.inspect(f"chisme-{number}", f'(index .NetworkSettings.Networks "{self.NETWORK}").IPAddress')
        return f"http://{ip}:{port}{get['path']}"

    def is_ready(self, number):
        return answers(self.url(number)) and answers(self.url(number, "livenessProbe"))

    def stop(self, number):
        """As a pod is deleted; its claims stay. The code with which it ended, and the seconds it took."""
        began = time.monotonic()
        (container,) = self.pod["containers"]
        self.podman.run("exec", f"chisme-{number}", *container["lifecycle"]["preStop"]["exec"]["command"])
        grace = self.pod["terminationGracePeriodSeconds"] - int(time.monotonic() - began)
        self.podman.run("stop", "--time", grace, f"chisme-{number}")
        code = int(self.podman.inspect(f"chisme-{number}", ".State.ExitCode"))
        self.podman.run("rm", f"chisme-{number}")
        for given in self.pod["volumes"]:  # its own directories go with it
            if "emptyDir" in given:
                self.podman.run("volume", "rm", f"{given['name']}-chisme-{number}")
        return code, time.monotonic() - began

    def end(self):
        subprocess.run(["podman", "rm", "--all", "--force", "--time", "1"], env=self.podman.environment, stdout=subprocess.DEVNULL)
        self.podman.run("volume", "rm", "--all", "--force")
        self.podman.run("network", "rm", self.NETWORK)
