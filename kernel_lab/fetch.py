"""Fetch a Debian kernel of a suite, and a busybox for it, without installing either."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import LabError
from .architecture import Architecture

OPTION = re.compile(r"^CONFIG_HUGETLB_PAGE_(?:OPTIMIZE|FREE)_VMEMMAP=(\w)", re.MULTILINE)
"""The optimisation in a kernel's configuration: FREE in 5.14 to 5.18."""

LISTED = 3
"""How many of the kernels that a suite lists are tried, newest first, until its archive has one."""


@dataclass(frozen=True)
class Kernel:
    """A kernel image on disk and where it came from; ``option`` is HVO's in its configuration, if that was found."""

    image: Path
    package: str
    version: str
    sha256: str
    option: str | None = None


class _Apt:
    """apt with lists and caches of its own: nothing of the system changes, and no root is needed."""

    def __init__(self, suite: str, debian: str, folder: Path) -> None:
        for tool in ("apt-get", "apt-cache", "dpkg-deb"):
            if not shutil.which(tool):
                raise LabError(
                    f"{tool} is missing: the lab fetches Debian kernels with Debian's own tools; run it on Debian."
                )
        self.suite, self.folder = suite, folder
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        source = f"deb [arch={debian} signed-by={keys}] {self._mirror()} {suite} main\n"
        (folder / "sources.list").write_text(source, "utf-8")
        self.options = [
            "-q", "-o", f"Dir::Etc::sourcelist={folder}/sources.list", "-o", f"Dir::Etc::sourceparts={folder}/parts",
            "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::State::status={folder}/status",
            "-o", f"Dir::Cache={folder}/cache", "-o", f"APT::Architecture={debian}",
            "-o", f"APT::Architectures={debian}", "-o", "APT::Sandbox::User=root",
            "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Languages=none",
        ]  # fmt: skip
        self.run("apt-get", "update")

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

    def unpack(self, *packages: str) -> Path:
        """Download packages and unpack them into a folder of their own."""
        tree = self.folder / "tree"
        for deb in self.folder.glob("*.deb"):  # of a package whose other parts could not be had
            deb.unlink()
        for name in packages:
            self.run("apt-get", "download", name)
        for deb in self.folder.glob("*.deb"):
            _run("dpkg-deb", "-x", str(deb), str(tree))
            deb.unlink()
        return tree


def fetch(suite: str, folder: Path, architecture: Architecture, flavour: str, series: str | None = None) -> Kernel:
    """The newest kernel of ``suite`` and ``flavour``; of ``series``, such as "6.1" or "6.12.113", if given.

    A suite may list what its archive lacks; then it is the next one. Raises `LabError` if there is none.
    """
    folder = folder.resolve()
    apt = _Apt(suite, architecture.debian, folder)
    package, tree = _first(apt, _newest_first(apt, flavour, series)[:LISTED])
    images = sorted(path for path in tree.rglob("vmlinu*") if path.is_file())
    if not images:
        raise LabError(
            f"{package} of {suite} holds no kernel image; it may be packed in a way the lab does not know yet."
        )
    image = folder / "vmlinuz"
    data = inside(images[-1].read_bytes())
    image.write_bytes(data)
    version = re.search(r"^Version: (\d+\.\d+\S*)", apt.run("apt-cache", "show", package), re.MULTILINE)
    if not version:
        raise LabError(f"apt does not tell the version of {package}; run it again, or name another --series.")
    configured = [*tree.glob("boot/config-*"), *tree.rglob("modules/*/config")]
    chosen = OPTION.search(configured[0].read_text("utf-8", "replace")) if configured else None
    option = (chosen[1] if chosen else "n") if configured else None
    return Kernel(image, package, version[1], hashlib.sha256(data).hexdigest(), option)


def _first(apt: _Apt, packages: list[str]) -> tuple[str, Path]:
    """The first of these packages that can be had, and the tree of its files and of the parts it depends on."""
    missing: LabError | None = None
    for package in packages:
        try:
            parts = re.findall(r"Depends: (linux-b\w+-\d\S+)", apt.run("apt-cache", "depends", package))
            return package, apt.unpack(package, *parts)
        except LabError as why:
            missing = missing or why
    raise missing or LabError("no kernel to fetch")


def busybox(suite: str, folder: Path, architecture: Architecture) -> Path:
    """A static busybox: this machine's own if it is of that architecture, otherwise one of the suite's release.

    Raises `LabError` where there is none.
    """
    own = next((path for path in (Path("/bin/busybox"), Path("/usr/bin/busybox")) if path.exists()), None)
    if own and _is_static(own.read_bytes(), architecture):
        return own
    release = suite.split("-")[0]
    tree = _Apt(release, architecture.debian, folder.resolve()).unpack("busybox-static")
    found = next((path for path in (tree / "usr/bin/busybox", tree / "bin/busybox") if path.is_file()), None)
    if found is None:
        raise LabError(f"busybox-static of {release} holds no busybox; apt install busybox-static, or another suite.")
    return found


_MACHINE = {"x86-64": 62, "riscv64": 243, "arm64": 183, "loong64": 258, "ppc64el": 21, "s390x": 22}
"""e_machine of an ELF file (elf.h)."""


def _is_static(program: bytes, architecture: Architecture) -> bool:
    machine = int.from_bytes(program[18:20], "little")
    return program[:4] == b"\x7fELF" and machine == _MACHINE[architecture.name] and b"/ld-" not in program[:4096]


def inside(image: bytes) -> bytes:
    """The kernel inside an EFI zboot image (drivers/firmware/efi/libstub/zboot-header.S); any other as it is.

    Raises `LabError` for a packing that cannot be undone here.
    """
    if image[4:8] != b"zimg":
        return image
    start, size = struct.unpack_from("<II", image, 8)
    packed, kind = image[start : start + size], image[24:32].rstrip(b"\0").decode("ascii", "replace")
    if kind == "gzip":
        return gzip.decompress(packed)
    if kind.startswith("xz"):
        return lzma.decompress(packed)
    if kind.startswith("zstd") and shutil.which("zstd"):
        return subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout
    raise LabError(f"the kernel is packed with {kind}, which cannot be unpacked here: apt install zstd.")


def _newest_first(apt: _Apt, flavour: str, series: str | None) -> list[str]:
    names = apt.run("apt-cache", "search", "--names-only", f"^linux-image-[0-9].*-{flavour}$").splitlines()
    found = {line.split()[0] for line in names if _release(line.split()[0], flavour)}
    if not found:
        raise LabError(f"suite {apt.suite} lists no {flavour} kernels; check its name and the network, and run again.")
    if series is None:
        with_default = apt.run("apt-cache", "search", "--names-only", f"^linux-image-{flavour}$").split()
        depends = apt.run("apt-cache", "depends", f"linux-image-{flavour}") if with_default else ""
        current = re.search(r"Depends: (linux-image-\d\S+)", depends)
        first = current[1] if current else ""
        return sorted(found, key=lambda name: (name == first, _numbers(name)), reverse=True)
    asked = _numbers(series)
    wanted = [name for name in found if _numbers(_release(name, flavour))[: len(asked)] == asked]
    if not wanted:
        known = ", ".join(sorted({_release(name, flavour) for name in found}, key=_numbers))
        raise LabError(f"suite {apt.suite} has no {flavour} kernel of series {series}; it has {known}.")
    return sorted(wanted, key=_numbers, reverse=True)


def _release(package: str, flavour: str) -> str:
    """The release in a package's name, such as "6.12.113" (or "6.1.0", where Debian numbers otherwise), or none."""
    found = re.match(rf"linux-image-(\d+\.\d+(?:\.\d+)?)[-+][-+.\d]*(?:deb|bpo)?[.\d]*-{flavour}$", package)
    if not found:
        found = re.match(rf"linux-image-(\d+\.\d+\.\d+)-{flavour}$", package)
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
