"""podman with a directory of its own: none of its images, containers and networks is among the system's."""
import os
import pathlib
import resource
import shutil
import subprocess


class Podman:
    """Images and containers in `directory`. Its engine also speaks Docker's protocol, for docker-compose."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        # No more than this process may have: an engine without CAP_SYS_RESOURCE gives no more on.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        (self.directory / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]\n'
            f'[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'[network]\nnetwork_config_dir = "{self.directory / "networks"}"\n')
        (self.directory / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self.directory / "storage"}"\nrunroot = "{self.directory / "run"}"\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": str(self.directory / "containers.conf"),
                            "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf")}
        self.socket = f"unix://{self.directory / 'engine.sock'}"

    def run(self, *words, check=True, seconds=60, **options):
        said = subprocess.run(["podman", *map(str, words)], capture_output=True, text=True, timeout=seconds,
                              env=self.environment, **options)
        if check and said.returncode != 0:
            raise AssertionError(f"podman {' '.join(map(str, words))}: {said.stderr.strip()[-2000:]}")
        return said

    def inspect(self, name, what):
        return self.run("container", "inspect", "--format", "{{" + what + "}}", name).stdout.strip()

    def has(self, kind, name):
        return self.run(kind, "exists", name, check=False).returncode == 0

    def engine(self):
        """A process that answers Docker's protocol at `socket`, to be ended by whoever asked for it."""
        (self.directory / "engine.sock").unlink(missing_ok=True)  # of one that was killed
        return subprocess.Popen(["podman", "system", "service", "--time", "0", self.socket], env=self.environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# What the image of a bare Debian 12 takes from this machine: where it has its packages from, whom it trusts.
FROM_THIS_MACHINE = ("etc/apt/sources.list", "etc/apt/sources.list.d/debian.sources", "usr/local/share/ca-certificates")


def make_debian(podman):
    """debian:12-slim without asking a registry: by debootstrap."""
    root = podman.directory / "debian"
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root], check=True, stdout=subprocess.DEVNULL)
    for path in FROM_THIS_MACHINE:
        source, target = pathlib.Path("/") / path, root / path
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)
    archive = podman.directory / "debian.tar"
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    podman.run("import", archive, "docker.io/library/debian:12-slim", seconds=300)
    archive.unlink()
    shutil.rmtree(root)


def make_image(podman, source, log):
    """chisme, by the Dockerfile, of the last commit in `source`: about ten minutes, told in the file `log`."""
    tree = podman.directory / "source"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", source, tree], check=True)
    if not podman.has("image", "docker.io/library/debian:12-slim"):
        make_debian(podman)
    with open(log, "w") as told:
        made = subprocess.run(["podman", "build", "--network", "host", "--format", "docker", "--tag", "chisme", "--tag",
                               "chisme:0.1.0", "--file", "examples/docker/Dockerfile", "."], cwd=tree,
                              env=podman.environment, stdout=told, stderr=told)
    if made.returncode != 0:
        raise AssertionError(f"the image was not built; {log} says why")
