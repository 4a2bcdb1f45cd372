"""What building the published book costs, and what a reader's browser has to load for each page."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tools import pages

from .measure import ROOT, environment, seconds, significant, summary, told

COMPRESSED = {".html", ".css", ".js", ".svg", ".json"}
"""What web servers compress on the way; pictures are compressed already."""


def run(turns: int = 2) -> dict[str, Any]:
    """CPU seconds and wall-clock seconds of the build, children included, and the weights of all pages."""
    cpu, wall = [], []
    for turn in range(turns):
        before = os.times()
        wall.append(seconds(_build))
        after = os.times()
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
        told(f"build {turn}: {cpu[-1]:.1f} CPU s")
    return {"cpu_s": summary(cpu), "wall_s": summary(wall), **weights(pages.HTML)}


def _build() -> None:
    subprocess.run([sys.executable, "-m", "tools.book"], cwd=ROOT, env={**environment(), "LIVE": "0"}, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


def weights(folder: Path) -> dict[str, Any]:
    """The heaviest page in each way that `weight` weighs, and what is usual."""
    found = {page.name: weight(page) for page in sorted(folder.glob("*.html"))}
    kinds = ("html", "stored", "served")
    heaviest = {kind: max(found, key=lambda name, kind=kind: found[name][kind]) for kind in kinds}  # type: ignore[misc]
    return {
        "pages": len(found),
        "heaviest": {kind: {"page": name, "kib": found[name][kind]} for kind, name in heaviest.items()},
        "median_served_kib": summary([one["served"] for one in found.values()])["median"],
    }


def weight(page: Path) -> dict[str, float]:
    """KiB of one page: ``html`` alone; ``stored``, with everything it loads; ``served``, the same as it travels."""
    files = {page.resolve()} | loaded(page, page.read_text("utf-8"))
    files |= {more for path in files if path.suffix == ".css" for more in loaded(path, path.read_text("utf-8"))}
    stored = {path: path.read_bytes() for path in files}
    served = (len(gzip.compress(data)) if path.suffix in COMPRESSED else len(data) for path, data in stored.items())
    sizes = {"html": page.stat().st_size, "stored": sum(map(len, stored.values())), "served": sum(served)}
    return {name: significant(size / 1024) for name, size in sizes.items()}


def loaded(path: Path, text: str) -> set[Path]:
    """The files that a page or a style sheet loads by itself."""
    if path.suffix == ".css":
        addresses = re.findall(r"url\(['\"]?([^'\")]+)", text)
    else:
        reader = pages._Page()
        reader.feed(text)
        follows = re.findall(r'<link\b[^>]*\brel="(?:next|prev|search|index|genindex|canonical)"[^>]*>', text)
        skipped = {href for link in follows for href in re.findall(r'href="([^"]+)"', link)}
        addresses = [address for address in reader.loads if address not in skipped]
    parts = [urlsplit(address) for address in addresses]
    files = {(path.parent / unquote(part.path)).resolve() for part in parts if part.path and not part.scheme}
    return {file for file in files if file.is_file()}
