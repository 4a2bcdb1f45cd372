// Python's sources become bytecode once, here, and not in every reader's browser:
// node compile.mjs CORE IN.tar OUT.tar OUT.zip WARM.py UNUSED
// Bytecode belongs to one Python, so Pyodide itself makes it. hvlib keeps its sources too, for tracebacks and inspect.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [core, from, tar, zip, warm, unused] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(core, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: `${resolve(core)}/` });
const site = python.runPython("import site; site.getsitepackages()[0]");
python.unpackArchive(new Uint8Array(readFileSync(from)), "tar", { extractDir: site });
python.FS.writeFile("/in.tar", new Uint8Array(readFileSync(from)));
python.FS.writeFile("/in.zip", new Uint8Array(readFileSync(resolve(core, "python_stdlib.zip"))));
python.runPython(readFileSync(warm, "utf-8")); // of the standard library only what is used becomes bytecode, which is larger
python.globals.set("unused", unused);
python.runPython(`
import re
import importlib._bootstrap_external as boot, io, sys, tarfile, zipfile
from importlib.util import source_hash

def bytecode(name, data, optimize):
    code = compile(data, name, "exec", dont_inherit=True, optimize=optimize)
    return bytes(boot._code_to_hash_pyc(code, source_hash(data), False))

files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
needed = {file.split(".zip/")[1] for file in files if ".zip/" in file}
made = {}
with tarfile.open("/in.tar") as tar:
    for entry in tar:
        name, data = entry.name, tar.extractfile(entry).read()
        if not name.endswith(".py"):
            made[name] = data
        elif name.startswith(("hvlib/", "kernel.py")):
            folder, _, base = name.rpartition("/")
            made[name] = data
            made[f"{folder}/__pycache__/{base[:-3]}.{sys.implementation.cache_tag}.pyc".lstrip("/")] = bytecode(f"{'${site}'}/{name}", data, -1)
        else:
            made[name + "c"] = bytecode(name, data, 2)
with tarfile.open("/out.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
    for name in sorted(made, key=lambda name: (name.rsplit(".", 1)[-1], name)):
        entry = tarfile.TarInfo(name)
        entry.size = len(made[name])
        tar.addfile(entry, io.BytesIO(made[name]))
with zipfile.ZipFile("/in.zip") as old, zipfile.ZipFile("/out.zip", "w", zipfile.ZIP_STORED) as new:
    for name in sorted(name for name in old.namelist() if not (name.endswith("/") or re.search(unused, name))):
        data = old.read(name)
        if name in needed:
            name, data = name + "c", bytecode("/lib/python314.zip/" + name, data, 2)
        new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
`);
writeFileSync(tar, python.FS.readFile("/out.tar"));
writeFileSync(zip, python.FS.readFile("/out.zip"));
