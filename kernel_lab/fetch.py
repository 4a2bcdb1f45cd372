"""Fetch a Debian kernel of a suite without installing it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import LabError

_VERSION = re.compile(r"linux-image-(\d+\.\d+)[.\d]*\S*-cloud-amd64$")


@dataclass(frozen=True)
class Kernel:
    """A kernel image on disk and where it came from."""

    image: Path
    package: str
    version: str
    sha256: str


class _Apt:
    """apt with lists and caches of its own: nothing of the system changes, and no root is needed."""

    def __init__(self, suite: str, folder: Path) -> None:
        for tool in ("apt-get", "apt-cache", "dpkg-deb"):
            if not shutil.which(tool):
                raise LabError(
                    f"{tool} is missing: the lab fetches Debian kernels with Debian's own tools; run it on Debian."
                )
        self.suite, self.folder = suite, folder
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {self._mirror()} {suite} main\n"
        (folder / "sources.list").write_text(source)
        self.options = [
            "-q", "-o", f"Dir::Etc::sourcelist={folder}/sources.list", "-o", f"Dir::Etc::sourceparts={folder}/parts",
            "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
            "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any",
        ]  # fmt: skip

    def _mirror(self) -> str:
        """The archive that this machine's apt already uses."""
        archive = "debian-security" if self.suite.endswith("-security") else "debian"
        known = _run("apt-get", "indextargets", "--format", "$(REPO_URI)").splitlines()
        found = next((uri for uri in known if uri.rstrip("/").endswith(f"/{archive}")), None)
        if not found:
            raise LabError(
                f"this machine's apt knows no {archive} archive; add one to its sources and run apt-get update."
            )
        return found

    def run(self, tool: str, *words: str) -> str:
        return _run(tool, *self.options, *words, cwd=self.folder)


def fetch(suite: str, folder: Path, series: str | None = None) -> Kernel:
    """The newest cloud kernel of ``suite``, of ``series`` ("6.1") if given. Raises `LabError` if there is none."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    apt = _Apt(suite, folder)
    apt.run("apt-get", "update")
    package = _newest(apt, series)
    files = [package, *re.findall(r"Depends: (linux-b\w+-\d\S+)", apt.run("apt-cache", "depends", package))]
    for name in files:
        apt.run("apt-get", "download", name)
    for deb in folder.glob("*.deb"):
        _run("dpkg-deb", "-x", str(deb), str(folder / "tree"))
    images = sorted(path for path in (folder / "tree").rglob("vmlinuz*") if path.is_file())
    if not images:
        raise LabError(
            f"{package} of {suite} holds no kernel image; it may be packed in a way the lab does not know yet."
        )
    image = folder / "vmlinuz"
    shutil.copy(images[-1], image)
    version = re.search(r"^Version: (\d+\.\d+\S*)", apt.run("apt-cache", "show", package), re.MULTILINE)
    if not version:
        raise LabError(f"apt does not tell the version of {package}; run it again, or name another --series.")
    return Kernel(image, package, version[1], hashlib.sha256(image.read_bytes()).hexdigest())


def _newest(apt: _Apt, series: str | None) -> str:
    names = apt.run("apt-cache", "search", "--names-only", "^linux-image-[0-9].*-cloud-amd64$").splitlines()
    found = {line.split()[0] for line in names if _VERSION.match(line.split()[0])}
    if series is None:
        current = re.search(r"Depends: (linux-image-\d\S+)", apt.run("apt-cache", "depends", "linux-image-cloud-amd64"))
        if current:
            return current[1]
    wanted = [name for name in found if _series(name) == series] if series else list(found)
    if not found:
        raise LabError(f"suite {apt.suite} lists no kernels; check its name and the network, and run it again.")
    if not wanted:
        known = ", ".join(sorted({_series(name) for name in found}, key=_numbers)) or "none"
        raise LabError(f"suite {apt.suite} has no cloud kernel of series {series}; it has {known}.")
    return max(wanted, key=_numbers)


def _series(package: str) -> str:
    found = _VERSION.match(package)
    return found[1] if found else ""


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].rstrip(".")
        reason = re.sub(r"\w+://\S+", "the archive", reason)
        raise LabError(f"{command[0]} failed: {reason}. Check the network and the name of the suite, and run it again.")
    return done.stdout
