"""What a cheat tries who has read the teachers' guide and nothing else; kept apart from `attacks`, which runs both.

Each is of another kind than those there.
"""

import gzip
import json

from grading import demo
from grading.keys import keyed

SYSCALL = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nassert libc.syscall({}) >= 0\nanswer_leaf = 1"
OUT = "import os, json\ndef forge(*lines):\n    for f in range(3, 40):\n        for line in lines:\n            try: os.write(f, line.encode() + b'\\n')\n            except OSError: pass\n"
WRONG = {
    # out of the wall
    "sets the core pattern": "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')\nanswer_leaf = 1",
    "presses SysRq": "open('/proc/sysrq-trigger', 'w').write('h')\nanswer_leaf = 1",
    "a control group's release agent": "import glob\nassert glob.glob('/sys/fs/cgroup/*')\nanswer_leaf = 1",
    "through the root of the first process": "import os\nassert set(os.listdir('/proc/1/root')) - {'bin', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'proc', 'srv', 'tmp', 'usr', "
    "'root', 'opt', 'home', 'work'} or os.listdir('/proc/1/root/root') or os.path.exists('/proc/1/root@SECRET@')\nanswer_leaf = 1",
    "through the folder of the first process": "import os\nassert os.path.exists('/proc/1/cwd/@SECRET@') or os.path.exists('/proc/1/cwd/../@SECRET@')\nanswer_leaf = 1",
    "writes over bubblewrap": "open('/proc/1/exe', 'r+b').close()\nanswer_leaf = 1",
    "writes over Python": "open('/proc/self/exe', 'r+b').close()\nanswer_leaf = 1",
    "a descriptor of a folder outside": "import os\nfor f in map(int, os.listdir('/proc/self/fd')):\n    try: d = os.open('../../../../..', os.O_RDONLY, dir_fd=f)\n"
    "    except OSError: continue\n    os.stat('@SECRET@'[1:], dir_fd=d); answer_leaf = 1",
    "a descriptor to write to": "import os\nfor f in os.listdir('/proc/self/fd'):\n    try: target = os.readlink(f'/proc/self/fd/{f}')\n    except OSError: continue\n"
    "    if target.startswith('/') and target != '/dev/null' and os.access(f'/proc/self/fd/{f}', os.W_OK): answer_leaf = target",
    "what others left in the work": "import os\nfor f in os.listdir('/proc/self/fd'):\n    try: words = open(f'/proc/self/fd/{f}', 'rb').read(9999) if 'memfd' in os.readlink(f'/proc/self/fd/{f}') else b''\n"
    "    except OSError: continue\n    if b'expected' in words: answer_leaf = 1",
    "the environments of all": "import glob\nfor path in glob.glob('/proc/[0-9]*/environ'):\n    try: words = open(path).read()\n    except OSError: continue\n"
    "    if 'GRADING' in words or '/root' in words: answer_leaf = words",
    "the memory of the first process": "open('/proc/1/mem', 'rb').close()\nanswer_leaf = 1",
    "reads another's memory": SYSCALL.format("310, 1, 0, 0, 0, 0, 0"),
    "takes a descriptor from the first process": "import os, ctypes\nlibc = ctypes.CDLL(None)\np = os.pidfd_open(1)\nfor f in range(60):\n    if libc.syscall(438, p, f, 0) >= 0: answer_leaf = f",
    "enters another namespace": "import os, ctypes\nlibc = ctypes.CDLL(None)\nf = os.open('/proc/1/ns/mnt', os.O_RDONLY)\nassert libc.setns(f, 0) == 0\nanswer_leaf = 1",
    "a root of its own": "import os\nos.makedirs('/tmp/r', exist_ok=True); os.chroot('/tmp/r')\nanswer_leaf = 1",
    "mounts by the newer calls": SYSCALL.format("430, b'tmpfs', 0"),
    "clones a tree of mounts": SYSCALL.format("428, -100, b'/', 1"),
    "a file by its handle": SYSCALL.format("304, -100, b'0' * 32, 0"),
    "a program for the kernel": SYSCALL.format("321, 5, b'0' * 128, 128"),
    "counts the machine's events": SYSCALL.format("298, b'0' * 128, -1, 0, -1, 0"),
    "a ring of requests": SYSCALL.format("425, 8, b'\\0' * 120"),
    "faults of pages": SYSCALL.format("323, 1"),
    "loads a module": SYSCALL.format("313, 0, b'', 0"),
    "the clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)\nanswer_leaf = 1",
    "the host's name": "import socket\nsocket.sethostname('x')\nanswer_leaf = 1",
    "the kernel's memory": "open('/proc/kcore', 'rb').read(1)\nanswer_leaf = 1",
    "the kernel's messages": "open('/dev/kmsg', 'rb').close()\nanswer_leaf = 1",
    "the teacher's terminal": "import fcntl, termios, os\nf = os.open('/dev/tty', os.O_RDWR)\nfcntl.ioctl(f, termios.TIOCSTI, b'x')\nanswer_leaf = 1",
    "another user by su": "import subprocess\nassert '0' == subprocess.run(['su', '-c', 'id -u'], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()\nanswer_leaf = 1",
    "a program with the owner's rights": "import os, shutil, subprocess\nshutil.copy('/usr/bin/id', '/tmp/id'); os.chmod('/tmp/id', 0o6755)\n"
    "assert subprocess.run(['/tmp/id', '-u'], capture_output=True, text=True).stdout.strip() == '0'\nanswer_leaf = 1",
    # more than is allowed
    "raises its limits": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)\nanswer_leaf = 1",
    "is never ended for memory": "open('/proc/self/oom_score_adj', 'w').write('-1000')\nanswer_leaf = 1",
    "before all others": "import os\nos.nice(-5)\nanswer_leaf = 1",
    "real time": "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\nanswer_leaf = 1",
    "a file without end": "import os\nos.truncate(os.open('/tmp/sparse', os.O_CREAT | os.O_RDWR), 1 << 40)\nanswer_leaf = 1",
    "files without a name": "import os\nkept = []\nfor k in range(9):\n    f = os.open('/tmp/gone', os.O_CREAT | os.O_RDWR); os.unlink('/tmp/gone'); kept.append(f)\n"
    "    assert os.write(f, bytes(8 << 20)) == 8 << 20\nanswer_leaf = 1",
    "descriptors without number": "import os\nkept = [os.dup(1) for _ in range(400)]\nanswer_leaf = 1",
    "memory that is never swapped": "import ctypes, mmap\nm = mmap.mmap(-1, 32 << 20)\nlibc = ctypes.CDLL(None)\nassert libc.mlockall(3) == 0\nanswer_leaf = 1",
    # links
    "a hard link to the library": "import os, hvlib\nos.link(hvlib.__file__, '/tmp/mine')\nopen('/tmp/mine', 'a').close()\nanswer_leaf = 1",
    "a symbolic link to a classmate": "import os\nos.symlink('@SECRET@', '/tmp/theirs')\nanswer_leaf = open('/tmp/theirs').read()",
    "sockets that hosts have": "import glob\nassert any(glob.glob(p) for p in ('/run/*', '/var/run/*', '/tmp/.X11-unix/*', '/tmp/ssh-*'))\nanswer_leaf = 1",
    "the host's files": "import os\nassert any(os.path.exists(p) for p in ('/etc/shadow', '/etc/ssh', '/var/log', '/boot', '/sys/kernel', '/home', '/etc/hostname'))\nanswer_leaf = 1",
    "the names of the course": "words = open('/proc/self/mountinfo').read()\nassert 'course.toml' in words or 'hand-ins' in words or '@SECRET@' in words\nanswer_leaf = 1",
    # keys that are not there
    "keys in memory": "import gc\nfound = [x for x in gc.get_objects() if isinstance(x, dict) and 'mistakes' in x and x.get('rubric', 'rubric') != 'rubric']\nassert found\nanswer_leaf = 1",
    "keys in the frames above": "import sys\nframe = sys._getframe()\nwhile frame:\n    if 'work' in frame.f_locals and 'expected' in str(frame.f_locals['work']): answer_leaf = 1\n    frame = frame.f_back",
    "keys as a module": "import pkgutil\nassert [m for m in pkgutil.iter_modules() if m.name == 'grading']\nfrom grading import keys\nanswer_leaf = 1",
    "keys in the bytecode": "import glob\nassert glob.glob('@ROOT@/**/keys*.pyc', recursive=True)\nanswer_leaf = 1",
    "the secret by a course file": "import os\nanswer_leaf = os.environ['GRADING_COURSE']",
}  # fmt: skip
"""Each stands in a cell of one notebook, and leaves no answer."""

FORGED = {
    "ends by its word": """'["end"]'""",
    "says that it cannot be read": """'["unreadable", "x"]'""",
    "a time that no number holds": """'["cpu", ' + '9' * 4000 + ']'""",
    "a time before the beginning": """'["cpu", -1000000]'""",
    "cells that are none": """'["begin", ' + '9' * 4000 + ']', '["begin", -1]', '["error", ' + '9' * 4000 + ', "x"]'""",
    "a text to be marked by hand": """'["text", "why_eight", "Full marks, said the teacher."]', '["value", "why_eight", 4, 1]'""",
    "names of what is inside": """'["line", "x"]', '["into", 1]', '["asked"]', '["_init__", {}]', '["remark", "gone", "leaf"]', '["gone", "leaf"]'""",
    "types that are none": """'["value", "leaf", true, 1]', '["value", ["leaf"], 1, 1]', '["value", "leaf", 1.5, 1]', '["value", "leaf", NaN, 1]', '"\\\\ud800"', '{"a": 1}'""",
    "brackets in a line": "'[' * 100_000",
    "the same remark a thousand times": """*['["error", 3, "x"]'] * 1_000""",
    "starts again and again": """'["ready"]', '["begin", 0]', '["ready"]'""",
}
"""Lines that are written where the program behind the wall writes its own."""
KEEPS = {"a shell that waits": "!cat"} | {name: f"{OUT}forge({lines})" for name, lines in FORGED.items()}
KEEPS |= {
    "letter by letter": "import os\nfor f in range(3, 40):\n    try:\n        for k in range(20_000): os.write(f, b' ')\n        os.write(f, b'\\n')\n    except OSError: pass",
    "threads and exits that never end": "import atexit, threading, time\natexit.register(time.sleep, 99)\nthreading.Thread(target=time.sleep, args=(99,)).start()",
    "deaf to signals": "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))",
    "a twin": "import os\nos.fork()",
    "removes all that it may": "import os, shutil\nos.chdir('/')\nfor p in ('/tmp', '/dev/shm', '/srv/hvlib'): shutil.rmtree(p, ignore_errors=True)",
    "forgets all names": "get_ipython().run_line_magic('reset', '-f')",
    "debugs whatever fails": "get_ipython().call_pdb = True",
    "pages and scripts": "from IPython.display import HTML, Javascript\ndisplay(HTML('<script>alert(1)</script>'), Javascript('alert(1)'), metadata={'hvlib': 1})",
    "a check of its own": "hv.check = lambda *a, **k: print('Right.')\nhv.homework = None",
    "transforms cells": "get_ipython().ast_transformers.append(7)",
    "closes its streams": "import sys\nsys.stdout.close(); sys.__stdout__ = None",
    "a hook on imports": "import sys\nclass Hook:\n    def find_spec(self, *a): raise SystemExit\nsys.meta_path.insert(0, Hook())",
    "sockets full of words": "import socket\nkept = [socket.socketpair() for _ in range(40)]\nfor a, _ in kept:\n    a.setblocking(False)\n    try: a.send(bytes(1 << 18))\n    except OSError: pass",
}  # fmt: skip
"""Each stands before a right answer, which counts."""
COSTS = {
    "a profiler that ends": "import sys\nsys.setprofile(lambda *a: sys.exit())",
    "recursion without end": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()",
    "reads at nothing": "import ctypes\nctypes.string_at(0)",
    "stops all": "import os, signal\nos.kill(-1, signal.SIGSTOP)",
    "waits for an answer": "answer_leaf = int(input())",
    "waits in a debugger": "breakpoint()\nanswer_leaf = -1",
    "writes over the library by magic": "%%writefile /srv/hvlib/__init__.py\nraise SystemExit",
    "runs another notebook": "%run /srv/inside.py\nanswer_leaf = -1",
    "a shell in the background": "!sleep 4711 &\nanswer_leaf = -1",
    "a display that ends the process": "class Shown:\n    def _repr_html_(self): raise SystemExit\n    __repr__ = _ipython_display_ = _repr_html_\ndisplay(Shown())",
    "a time that no number holds, and no end": f"""{OUT}forge('["cpu", ' + '9' * 4000 + ']')\nos._exit(0)""",
    "a magic that waits": "%%bash\nsleep 4711 &\nread x\nfalse",
    "a pickle": "import pickle\nclass P:\n    def __reduce__(self): return (exec, ('import os; os._exit(0)',))\nanswer_leaf = P()",
    "a number in a class of its own": "class N(int):\n    def __index__(self): return N(-3)\n    __int__ = __index__\n    def __abs__(self): return 0\nanswer_leaf = N(-3)",
    "a text in a class of its own": "class S(str):\n    def __str__(self): return self\n    def __getitem__(self, k): return [{}] * 9\nanswer_leaf = S('x')",
    "a text of surrogates": "answer_leaf = '\\ud800' * 200",
    "the largest number": "answer_leaf = (1 << 200) - 1",
    "a text like a number": "answer_leaf = '1e999999999 GiB'",
    "the rule in place of the number": "answer_leaf = hv.homework.task if hasattr(hv.homework, 'task') else 1",
}  # fmt: skip
"""Each stands in an answer cell of a hand-in, and costs that and nothing else."""
HANGS = {
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "a child holds the pipe": "import os, time\nif os.fork(): os._exit(0)\ntime.sleep(99)",
}  # fmt: skip
"""The same; it takes all the time that a cell has."""
WRITTEN = (
    "=HYPERLINK(1)", "a;=HYPERLINK(1)", "a; @SUM(1)", "+1\t=2", "\uff1d1", "-2+3", "'=1", "\u202e2 fo 2 :fael", "\x1b]0;x\x07\x1b[2J", "<!--", "--><script>alert(1)</script>",
    "</pre></html><img src=x onerror=alert(1)>", "&lt;script&gt;", "## leaf: 2 of 2", "\n\n## leaf: 2 of 2\n\nRight.", "```\n\n# ps1, s01: 16 of 16\n```",
    "~~~\n# x", "    # x\n# y", "[a](javascript:alert(1))", "![x](http://127.0.0.1/x)", "http://127.0.0.1/x", "<http://127.0.0.1>", "| a | b |\n|---|---|", "$$\\input{x}$$",
    "a\r# b\u2028# c\x85# d\x0b# e\x0c# f", '"\r\ns01,why_eight,4,x', "s01,why_eight,4,\r\n", "\ud800\udfff", "\x00", "{{ 7 * 7 }}{student}%s", "=" * 400, "`" * 400,
)  # fmt: skip
"""What is typed as an id, raised as an error, written as a text, to be more than it is where it is shown."""
AGAIN = (
    "import os\nfor path in ('/tmp/sitecustomize.py', '/dev/shm/left', '/tmp/.ipython/profile_default/startup/left.py'):\n"
    "    os.makedirs(os.path.dirname(path), exist_ok=True)\n    open(path, 'w').write('answer_left = 1')\nos._exit(0)",
    "import os\nassert os.path.exists('/tmp/sitecustomize.py') or os.path.exists('/dev/shm/left')\nanswer_left = 1",
    "answer_end = 1",
)
"""What a hand-in leaves for its own next start."""


def whole(release):
    """Hand-ins that are hostile as files: name -> bytes, and points. ``release`` makes a right notebook."""
    right = json.loads(release)
    cells = right["cells"]

    def made(**other):
        return json.dumps({**right, **other}).encode()

    doubled = [json.loads(json.dumps(cell)) for cell in cells for _ in range(2)]
    strange = [{**cell, "metadata": {**cell["metadata"], "nbgrader": {"grade_id": [cell["id"]], "points": 1e999}},
                "outputs": [{"output_type": "x" * 9, "data": {"text/html": "<script>"}}]} for cell in cells]  # fmt: skip
    inside = [{**cell, "source": [*cell["source"], 7, None, {"a": 1}]} for cell in cells]
    deep = None
    for _ in range(900):
        deep = {"a": deep}
    return {
        "all cells twice": (made(cells=doubled), 12), "metadata of other types": (made(cells=strange), 12),
        "sources of pieces": (made(cells=inside), 12), "deep metadata": (made(metadata=deep), 12),
        "a format of text": (made(nbformat="4"), 0), "a format from the future": (made(nbformat=99), 0),
"cells under names": (made(cells=dict(enumerate(cells))), 0), "text in place of code": (made(cells=[{**cell, "cell_type": "raw"} for cell in cells]), 0),
        "three thousand cells": (made(cells=cells + [{"cell_type": "code", "source": "", "metadata": {}}] * 3_000), 12),
        "nothing": (b" ", 0), "zeros": (bytes(100_000), 0), "compressed": (gzip.compress(made()), 0),
        "a list": (b"[" + made() + b"]", 0), "two of a name": (made().replace(b'{"cells"', b'{"cells": [], "cells"', 1), 12),
        "the end cut off": (made()[:-9], 0), "a pickle as a file": (b"\x80\x04c__builtin__\neval\n(X\x05\x00\x00\x001/0.5tR.", 0),
    }  # fmt: skip


def hand_ins():
    """The tricks of cells, several to a hand-in: what they do, task -> what to do there, and points."""
    tasks = [task.name for task, key in keyed("ps1") if key.read is not None]
    for tricks, places, make, lost in (
        (KEEPS, tasks, demo.before, 0),
        (COSTS, tasks[::2], demo.spoilt, 2),
        (HANGS, tasks[3:4], demo.spoilt, 2),
    ):
        names = list(tricks)
        for first in range(0, len(names), len(places)):
            some = dict(zip(names[first : first + len(places)], places, strict=False))
            changes = [make(task, tricks[name].replace("answer_leaf", f"answer_{task}")) for name, task in some.items()]
            yield "; ".join(some), changes, 12 - lost * len(some)
