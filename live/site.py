"""Put a kernel beside the built pages: SITE/live with worker, scripts and all Python, and what keeps it offline."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path

from . import bundle, fetch

PACKED = ("engine.tar", "python_stdlib.zip", "pyodide.asm.wasm")
"""Stored compressed, because static hosts differ in what they compress."""
SHIPPED = ("kernel", "editor")
"""The groups of pins that a page's session is made of."""
SCRIPTS = ("live.js", "live.css", "session.mjs", "widgets.mjs", "worker.mjs")
ENVIRONMENT = {"HOME": "/home/pyodide", "HVLIB_OBSERVE": "recorded"}
TAGS = '<link rel="stylesheet" href="live/live.css"><script defer src="live/live.js"></script></head>'


def add(site: Path) -> dict[str, int]:
    """Make the pages of a built book live. Returns the bytes of each file of the kernel."""
    fetched = fetch.every(SHIPPED)
    made, live = bundle.made(fetched), site / "live"
    shutil.rmtree(live, ignore_errors=True)
    live.mkdir()
    for name in SCRIPTS:
        shutil.copy(bundle.BROWSER / name, live)
    shutil.copy(made / "editor.mjs", live)
    for name in bundle.CORE:
        if name not in PACKED:
            shutil.copy(made / name, live)
    for name in PACKED:
        (live / f"{name}.packed").write_bytes(gzip.compress((made / name).read_bytes(), 9, mtime=0))
    plan = {
        "packed": PACKED, "bytes": sum((live / f"{name}.packed").stat().st_size for name in PACKED), "env": ENVIRONMENT,
        "lock": json.dumps({"info": fetch.lock(fetched["pyodide"])["info"], "packages": {}}),
    }  # fmt: skip
    (live / "plan.json").write_text(json.dumps(plan), "utf-8")
    offline(site)
    return {path.name: path.stat().st_size for path in sorted(live.iterdir())}


def offline(site: Path) -> None:
    """The service worker and the manifest; each page's head and its button's size."""
    kept = sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file() and _kept(site, path))
    size = sum((site / name).stat().st_size for name in kept) / 1e6
    for page in site.glob("*.html"):
        text = page.read_text("utf-8")
        if 'class="hv-run-here"' in text:
            text = text.replace('class="hv-run-here"', f'class="hv-run-here" data-megabytes="{size:.0f}"')
            page.write_text(text.replace("</head>", TAGS, 1), "utf-8")
    digest = hashlib.sha256(b"".join((site / name).read_bytes() for name in kept))
    worker = (bundle.BROWSER / "sw.js").read_text("utf-8").replace("@VERSION@", digest.hexdigest()[:16])
    (site / "sw.js").write_text(worker.replace('"@FILES@"', json.dumps([*kept, "app.webmanifest"])), "utf-8")
    (site / "app.webmanifest").write_text(json.dumps({
        "name": "hvlib: the HugeTLB vmemmap optimisation", "short_name": "hvlib", "start_url": "./index.html",
        "scope": "./", "display": "standalone",
        "icons": [{"src": "_static/favicon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }), "utf-8")  # fmt: skip


def _kept(site: Path, path: Path) -> bool:
    first = path.relative_to(site).parts[0]
    return first not in ("_sources", "lab", ".buildinfo", "sw.js", "app.webmanifest") and path.suffix != ".pdf"
