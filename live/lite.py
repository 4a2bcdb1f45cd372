"""The notebooks in JupyterLite, beside the pages: SITE/lab. All its files are static and of this host.

What a reader changes, the browser keeps; JupyterLite's own menu downloads it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import bundle, fetch, site

KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
SETS = bundle.ROOT / "notebooks" / "assignments" / "release"
EXTENSIONS = ("anywidget", "jupyterlab-widgets", "jupyterlite-pyodide-kernel")
"""The wheels with what JupyterLab itself is to load."""
OWN = ("ipykernel", "piplite", "pyodide-kernel", "widgetsnbextension")
"""What the kernel brings along as wheels."""
THINNED = {"hvlib": "hvlib/chapters/", "jedi": "jedi/third_party/"}
"""What is left out of wheels: the notebooks themselves, and stubs that completion does without."""
NOT_LOADED = ("jupyterlite-pyodide-kernel", "pyodide")


def address(name: str) -> str:
    """Where a page finds a notebook."""
    return f"lab/notebooks/index.html?path={name}.ipynb"


def add(target: Path) -> None:
    """Put JupyterLite beside the pages of a built book. Raises `fetch.Missing` if the kernel is another host's."""
    fetched = fetch.every(["kernel", "notebook"])
    made, lab = bundle.made(fetch.every(site.SHIPPED)), target / "lab"
    with tempfile.TemporaryDirectory() as name:  # kept state would leave the settings out, and the kernel on a CDN
        work = Path(name)
        contents, static = work / "files", work / "static" / "pyodide"
        for folder in (contents, static):
            folder.mkdir(parents=True)
        for path in (
            *bundle.ROOT.glob("notebooks/*.ipynb"),
            *bundle.ROOT.glob("notebooks/*.md"),
            *SETS.glob("*/*.ipynb"),
        ):
            shutil.copy(path, contents)
        wheels = _wheels(fetched, work, static)
        for file in bundle.CORE:
            shutil.copy(made / file, static)
        whole = bundle.core(fetched["pyodide"], work / "whole") / "python_stdlib.zip"
        _squeezed(made / "python_stdlib.zip", whole, static)
        (static / "pyodide-lock.json").write_text(json.dumps(_lock(fetched["pyodide"], wheels)), "utf-8")
        (work / "jupyter-lite.json").write_text(json.dumps(_settings(list(wheels))), "utf-8")
        (work / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": {
            "contents": [str(contents)], "output_dir": str(lab), "apps": ["notebooks", "lab"], "no_sourcemaps": True,
            "no_unused_shared_packages": True, "ignore_sys_prefix": True,
            "federated_extensions": [str(fetched[name]) for name in EXTENSIONS],
        }}), "utf-8")  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "jupyterlite_core", "build"], cwd=work, capture_output=True, text=True
        )
        if done.returncode:
            raise fetch.Missing(f"live: JupyterLite could not be built: {(done.stderr or done.stdout)[-600:]}")
        shutil.copytree(static, lab / "static" / "pyodide", dirs_exist_ok=True)
    kernel = json.loads((lab / "jupyter-lite.json").read_text("utf-8"))["jupyter-config-data"]["litePluginSettings"]
    if kernel.get(KERNEL, {}).get("pyodideUrl") != PLUGIN["pyodideUrl"]:
        raise fetch.Missing("live: JupyterLite would fetch its kernel from another host.")


PLUGIN: dict[str, Any] = {"pyodideUrl": "./static/pyodide/pyodide.mjs", "disablePyPIFallback": True}


def _settings(packages: list[str]) -> dict[str, Any]:
    options = {"packages": packages, "lockFileURL": "./static/pyodide/pyodide-lock.json", "env": site.ENVIRONMENT}
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "hvlib", "exposeAppInBrowser": True,
            "litePluginSettings": {KERNEL: {**PLUGIN, "loadPyodideOptions": options}},
        },
    }  # fmt: skip


def _squeezed(archive: Path, whole: Path, folder: Path) -> None:
    """The standard library as a compressed archive, since nothing else compresses it here.

    What a page does without is put back: a notebook's kernel imports more than the book does (piplite asks unittest).
    """
    with (
        zipfile.ZipFile(archive) as made,
        zipfile.ZipFile(whole) as every,
        zipfile.ZipFile(folder / archive.name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in made.namelist():
            new.writestr(name, made.read(name))
        for name in every.namelist():
            if bundle.UNUSED.search(name) and not name.endswith("/"):
                new.writestr(name, every.read(name))


def _wheels(fetched: Mapping[str, Path], work: Path, static: Path) -> dict[str, Path]:
    """Every wheel that a notebook's kernel loads, by name, where the browser finds it."""
    given = [path for name, path in fetched.items() if path.suffix == ".whl" and name not in NOT_LOADED]
    with zipfile.ZipFile(fetched["jupyterlite-pyodide-kernel"]) as archive:
        for name in archive.namelist():
            if name.endswith(".whl") and fetch.name_of(name) in OWN and "widgetsnbextension-3" not in name:
                path = work / Path(name).name
                path.write_bytes(archive.read(name))
                given.append(path)
    found = {}
    for path in (*given, bundle.wheel(work)):
        name = fetch.name_of(path)
        found[name] = static / path.name
        with (
            zipfile.ZipFile(path) as old,
            zipfile.ZipFile(found[name], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
        ):
            for entry in old.namelist():
                if (
                    not entry.startswith(THINNED.get(name, "\0"))
                    and "/labextension" not in entry
                    and "/labextensions" not in entry
                ):
                    new.writestr(entry, old.read(entry))
    return found


def _lock(pyodide: Path, wheels: Mapping[str, Path]) -> dict[str, Any]:
    """What Pyodide is told of the wheels. All are loaded together, so none names another."""
    packages = {}
    for name, path in wheels.items():
        with zipfile.ZipFile(path) as archive:
            tops = {entry.split("/")[0].removesuffix(".py") for entry in archive.namelist() if entry.endswith(".py")}
        packages[name] = {
            "name": name, "version": path.name.split("-")[1], "file_name": path.name, "install_dir": "site",
            "sha256": fetch.sha256(path), "package_type": "package", "depends": [], "unvendored_tests": False,
            "imports": sorted(top for top in tops if top.isidentifier()),
        }  # fmt: skip
    return {"info": fetch.lock(pyodide)["info"], "packages": packages}
