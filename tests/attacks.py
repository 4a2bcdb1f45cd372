"""What hostile hand-ins try, as cells of a notebook, and a program that runs them all behind the wall.

python tests/attacks.py [PREPARED]    prints what came of each as JSON; the tests run it as root and as a user
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cheats

from grading import course, demo, probe, sets, tasks, wall
from grading.run import Asked, run
from grading.score import score

SUB = "import _xxsubinterpreters as s\ns.run_string(s.create(isolated=False), {!r})"
WRONG = {
    "surrogate in an error": 'raise ValueError("\\ud800")',
    "poisons the library": "import hvlib, os\nopen(os.path.dirname(hvlib.__file__) + '/__init__.py', 'w').write('raise SystemExit')",
    "a .pth into Python": "import sys, sysconfig\nopen(sysconfig.get_path('purelib') + '/teach_mark.pth', 'w').write('import sys')",
    "a FIFO for the folder": "import os\np = os.getcwd(); os.rmdir(p); os.mkfifo(p)",
    "unmounts and imports the keys": "import subprocess\nsubprocess.run(['umount', '@ROOT@/grading'])\nimport sys\nsys.path.insert(0, '@ROOT@')\n"
    "from grading.keys import expected\nanswer_leaf = expected('ps1', 'leaf', student)",
    "readline reads the keys": "import readline, types, sys\nreadline.read_history_file('@ROOT@/grading/keys.py')\nanswer_leaf = 1 / 0",
    "leaks by its error": "import readline\nreadline.read_history_file('@SECRET@')\nraise ValueError(readline.get_history_item(1))",
    "reads a classmate by open": "answer_leaf = open('@SECRET@').read()",
    "overwrites a classmate": "open('@SECRET@', 'w').write('x')",
    "reads /etc/passwd": "answer_leaf = open('/etc/passwd').read()",
    "reads /proc/1/environ": "answer_leaf = open('/proc/1/environ').read()",
    "reads the command line": "answer_leaf = open('/proc/1/cmdline').read()",
    "mounts": "import subprocess\nsubprocess.run(['mount', '-t', 'tmpfs', 'none', '/srv'], check=True)",
    "a new user namespace": "import subprocess\nsubprocess.run(['unshare', '--user', '--map-root-user', 'true'], check=True)",
    "a namespace by the C library": "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.unshare(0x10000000) == 0\nanswer_leaf = 1",
    "becomes root": "import os\nos.setuid(0)\nanswer_leaf = 1",
    "changes the owner": "import os\nopen('/tmp/x', 'w').close()\nos.chown('/tmp/x', 0, 0)",
    "a raw socket": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "loopback": "import socket\nsocket.create_connection(('127.0.0.1', @PORT@), 1)",
    "an abstract socket": "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0@ABSTRACT@')",
    "VSOCK": "import socket\nsocket.socket(40, socket.SOCK_STREAM)",
    "netlink": "import socket\nsocket.socket(16, socket.SOCK_RAW, 0)",
    "a memory file": "import os\nos.memfd_create('x')",
    "a keyring": "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.syscall(248, b'user', b'x', b'y', 1, -3) > 0\nanswer_leaf = 1",
    "traces its parent": "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.ptrace(16, 1, 0, 0) == 0\nanswer_leaf = 1",
    "System V memory": "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.shmget(1, 4096, 0o1666) > 0\nanswer_leaf = 1",
    "a device": "import os\nos.mknod('/tmp/d', 0o60666, os.makedev(8, 0))",
    "a file in /": "open('/mark', 'w')",
    "a file in /dev": "open('/dev/mark', 'w')",
    "the temporary folder of the grader": "import os\nassert any(n.startswith(('grading-', 'attacks-')) for n in os.listdir('/tmp'))\nanswer_leaf = 1",
    "names without number": "for n in range(40_000): open(f'/tmp/{n}', 'w').close()\nanswer_leaf = 1",
    "names in the shared memory": "import os\nfor n in range(40_000): os.mkdir(f'/dev/shm/{n}')\nanswer_leaf = 1",
    "two names for one": "import os\nfor n in range(40_000): os.link('/tmp/0', f'/tmp/l{n}')\nanswer_leaf = 1",
}  # fmt: skip
"""Each stands in a cell of one notebook, and leaves no answer."""
WRONG |= cheats.WRONG
COSTS = {
    "deep folders": SUB.format("import os\nfor _ in range(1100):\n    os.mkdir('d'); os.chdir('d')"),
    "ends at once": "import os\nos._exit(0)",
    "kills itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "hangs in Python": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "hangs in C": "int('9' * 4300) ** 10 ** 6",
    "memory": "x = []\nwhile True: x.append(bytearray(1 << 24))",
    "fork bomb": "import os\nwhile True: os.fork()",
    "threads without number": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
    "a million digits": "answer_leaf = 10 ** 1_000_000",
    "equal to everything": "class Liar(int):\n    __eq__ = lambda *a: True\n    __hash__ = None\nanswer_leaf = Liar(-3)",
    "an index that lies": "class Liar:\n    n = 0\n    def __index__(self):\n        raise SystemExit\nanswer_leaf = Liar()",
    "a text that raises": "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    "grabs the shell": "get_ipython().run_cell = None\nanswer_leaf = -1",
    "a library of its own": "import sys\nsys.modules['json'] = None\nsys.modules['numpy'] = None\nanswer_leaf = -1",
}  # fmt: skip
"""Each stands in the answer cell `leaf` of a hand-in, and costs that and nothing else."""
KEEPS = {
    "fills the disk": "import os\nfor k in range(200):\n    try: open(f'/tmp/f{k}', 'wb').write(bytes(1 << 20))\n    except OSError: break",
    "fills /dev/shm": "for k in range(200):\n    try: open(f'/dev/shm/f{k}', 'wb').write(bytes(1 << 20))\n    except OSError: break",
    "leaves a process": "import subprocess\nsubprocess.Popen(['sleep', '4711'], start_new_session=True)",
    "leaves a process by C": "import _posixsubprocess, os\na, b = os.pipe()\nwords = ([b'sleep', b'4711'], [b'/bin/sleep'], True, (b,), None, None, "
    "-1, -1, -1, -1, -1, -1, a, b, True, True, -1, None, None, None, -1, None, False)\n"
    "try: _posixsubprocess.fork_exec(*words)\nexcept TypeError: _posixsubprocess.fork_exec(*words[:-1])  # since 3.14",
    "files outside": "import sqlite3, readline, _posixshmem, os\nsqlite3.connect('/tmp/mark.db').execute('create table x(y)')\n"
    "f = _posixshmem.shm_open('/teach_mark', os.O_CREAT | os.O_RDWR, mode=0o600); os.write(f, b'x')",
    "kills all others": "import os\nfor p in range(2, 33000):\n    if p not in (os.getpid(), os.getppid()):\n        try: os.kill(p, 9)\n        except OSError: pass",
    "a folder without rights": "import os\nos.makedirs('a/b'); os.chmod('a/b', 0); os.chmod('a', 0)",
    "100,000 lines": "for n in range(100_000): print('x' * 40, n)",
    "writes into every descriptor": "import os\nfor f in range(3, 40):\n    try: os.write(f, b'[1]\\n{}\\n[[[[\\nnull\\n[\"value\", \"nobody\", 1, 1]\\n[\"error\", true, 1]\\n')\n"
    "    except OSError: pass",
    "patches the judge": "import hvlib.teaching.ask as ask\nask.Question.judge = lambda *a: 1",
}  # fmt: skip
"""Each stands before the right answer, which counts."""

ENDED = {
    "memory of many": "import os, time\nfor k in range(4):\n    if not os.fork():\n        x = bytearray(b'x') * (220 << 20)\n        time.sleep(9)\n"
    "time.sleep(8)",
    "memory of nobody": "import mmap, time\nkept = [mmap.mmap(-1, 220 << 20) for k in range(4)]\nfor m in kept:\n    m[::4096] = b'x' * (len(m) // 4096)\n"
    "    m.resize(4096)\ntime.sleep(8)",
}  # fmt: skip
"""As before, and the answer is lost, for together it takes more than `SOME`."""
SOME = wall.Limits(cell=9, total=20, everything=600 << 20)


def whole(name):
    """Hand-ins that are hostile as files: bytes."""
    notebook = sets.solution("ps1", "mallory")
    cell = next(one for one in notebook.cells if one.id == "leaf")
    if name == "a million empty lines":
        notebook.cells.remove(cell)
        cell.source = "\n" * 1_000_000
        notebook.cells.append(cell)
        return sets.text(notebook).encode()
    if name == "brackets":
        return b"[" * 1_000_000
    if name == "a huge number":
        return b'{"cells": [], "nbformat": 1' + b"9" * 100_000 + b"}"
    if name == "cells that are none":
        return b'{"cells": [3, null, {"source": {"a": 1}}, {"cell_type": "code", "metadata": 5, "source": [1]}]}'
    if name == "a surrogate in a text":
        next(one for one in notebook.cells if one.id == "why_eight").source = "XX"
        return sets.text(notebook).replace('"XX"', '"\\ud800"').encode()
    raise AssertionError(name)


WHOLE = ("a million empty lines", "brackets", "a huge number", "cells that are none", "a surrogate in a text")
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32")
SHORT = wall.Limits(cell=2, total=5)
"""For those who try to take for ever."""


def classmates():
    """Those of the fabricated class, each with another habit, encoding, or trick: name -> bytes, worth, limits."""
    for habit in demo.HABITS:
        text, worth = demo.hand_in("mallory", habit=habit)
        yield habit, text.encode(), worth, wall.Limits()
    text, worth = demo.hand_in("mallory")
    for encoding in ENCODINGS:
        yield encoding, text.encode(encoding), worth, wall.Limits()
    for trick in demo.TRICKS:
        text, worth = demo.hand_in("mallory", trick)
        yield trick, text.encode(), worth, SHORT if "loop" in trick else wall.Limits()


def main():
    """Run all; say who got what, and whether anything was left or reached."""
    said = {"uid": os.geteuid(), "points": {}, "texts": {}, "class": {}, "written": {}}
    asks = course.asked(tasks.BOOK, "ps1")

    def judge(attack, raw, limits=SHORT):
        outcome = run(raw, "mallory", asks, behind, limits)
        said["points"][attack] = score(tasks.BOOK, "ps1", "mallory", outcome).automatic
        said["texts"][attack] = str(outcome)

    def grade(name, raw, worth, limits):
        outcome = run(raw, "mallory", asks, behind, limits)
        said["class"][name] = score(tasks.BOOK, "ps1", "mallory", outcome).automatic, worth
        said["written"][name] = outcome.texts.get("why_eight", "")

    with (
        tempfile.TemporaryDirectory(prefix="attacks-") as name,
        socket.socket() as inet,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        shared = Path(sys.argv[1]) if len(sys.argv) > 1 else wall.prepare(folder / "shared")
        behind = wall.choose(shared, [folder])
        said["wall"], said["folder"] = behind.name, name
        secret = folder / "alice.ipynb"
        secret.write_text("a classmate's words")
        secret.chmod(0o666)
        inet.bind(("127.0.0.1", 0))
        inet.listen()
        unix.bind(f"\0{folder.name}")
        unix.listen()
        bystander = subprocess.Popen(["sleep", "600"])
        words = {"@ROOT@": str(wall.HERE.parent), "@SECRET@": str(secret), "@PORT@": str(inet.getsockname()[1]),
                 "@ABSTRACT@": folder.name}  # fmt: skip

        def meant(code):
            for mark, value in words.items():
                code = code.replace(mark, value)
            return code

        tried = [meant(code).replace("answer_leaf", f"answer_{k}") for k, code in enumerate(WRONG.values())]
        names = [f"{k}" for k in range(len(tried))]
        outcome = run(
            probe.notebook(*tried, "answer_end = 1"), "mallory", Asked((*names, "end")), behind, wall.Limits()
        )
        said["through"] = [name for k, name in enumerate(WRONG) if str(k) in outcome.values]
        said["ended"] = outcome.values.get("end") == 1
        said["texts"]["all"] = str(outcome)
        hand_ins = {attack: (demo.spoilt, code) for attack, code in COSTS.items()}
        hand_ins |= {attack: (demo.before, code) for attack, code in KEEPS.items()}
        with ThreadPoolExecutor(2) as pool:
            for one in classmates():
                pool.submit(grade, *one)
        with ThreadPoolExecutor(6) as pool:
            for attack, (make, code) in hand_ins.items():
                notebook = sets.solution("ps1", "mallory")
                make("leaf", meant(code))(notebook)
                pool.submit(judge, attack, sets.text(notebook).encode())
            for attack, changes, _ in cheats.hand_ins():
                notebook = sets.solution("ps1", "mallory")
                for change in changes:
                    change(notebook)
                limits = SHORT if attack in cheats.HANGS else wall.Limits(cell=4, total=20)
                pool.submit(judge, attack, sets.text(notebook).encode(), limits)
            for attack in WHOLE:
                pool.submit(judge, attack, whole(attack))
            for attack, (raw, _) in cheats.whole(sets.text(sets.solution("ps1", "mallory"))).items():
                pool.submit(judge, attack, raw)
        found = run(probe.notebook(*cheats.AGAIN), "mallory", Asked(("left", "end")), behind, SHORT).values
        said["again"] = found
        for attack, code in ENDED.items():  # alone: what others add to shared memory meanwhile would count
            notebook = sets.solution("ps1", "mallory")
            demo.before("leaf", code)(notebook)
            judge(attack, sets.text(notebook).encode(), SOME)
        said["bystander"] = bystander.poll() is None
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()
        said["secret"] = secret.read_text()
        said["shared"] = (shared / "hvlib" / "__init__.py").read_text()[:9]
    print(json.dumps(said))


if __name__ == "__main__":
    sys.exit(main())
