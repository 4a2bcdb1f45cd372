// The engine's own tests inside Pyodide, where an integer of the platform has 32 bits: node engine.mjs CORE ENGINE.tar WHEELS ROOT FILE …
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [core, tar, wheels, root, ...files] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(core, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: `${resolve(core)}/`, env: { HOME: "/home/pyodide", HVLIB_OBSERVE: "recorded" } });
const site = python.runPython("import site; site.getsitepackages()[0]");
python.unpackArchive(new Uint8Array(readFileSync(tar)), "tar", { extractDir: site });
for (const name of readdirSync(wheels)) python.unpackArchive(new Uint8Array(readFileSync(resolve(wheels, name))), "wheel", { extractDir: site });
python.FS.mkdirTree("/repository");
python.mountNodeFS("/repository", resolve(root));
python.globals.set("files", python.toPy(files));
try {
  process.exitCode = python.runPython(`
import os, sys
os.chdir("/repository")
sys.path[:0] = ["/repository", "/repository/tests"]
sys.dont_write_bytecode = True
from hypothesis import HealthCheck, settings
settings.register_profile("few", max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
settings.load_profile("few")
import pytest
import hvlib, numpy
assert hvlib.__file__.startswith("/repository"), hvlib.__file__
print(f"Python {sys.version.split()[0]} on {sys.platform}, NumPy {numpy.__version__}, pointers of {numpy.dtype(numpy.intp).itemsize * 8} bits", flush=True)
int(pytest.main(["-q", "--tb=short", "--disable-warnings", "--durations=12", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-o", "addopts=", "-m", "not generated and not beside and not slow", "--color=no", *files]))
`);
} catch (why) { // not its stack, which would print a line of a megabyte
  console.log(String(why.message).slice(-3000));
  process.exitCode = 3;
}
process.exit();
