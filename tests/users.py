"""Run a command as an ordinary user from tests that run as root."""

import os
import shutil
import subprocess
import sys

# A Python below root's home (0700) is shown to the other user at its own place, in a mount namespace of its own.
AS_USER = """case $1 in "$2"/*) mount -t tmpfs -o mode=755 none /mnt; mkdir /mnt/p; mount --bind "$1" /mnt/p
mount -t tmpfs -o mode=755 none "$2"; mkdir -p "$1"; mount --move /mnt/p "$1"; umount /mnt;; esac; shift 2
exec setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
"""


def run_as(who, command, **settings):
    """Run a command as "root" or as an ordinary "user"; `None` where this process cannot be that one."""
    root = os.geteuid() == 0
    if who == "root" and not root:
        return None
    if who == "user" and root:
        if not shutil.which("setpriv"):
            return None
        python, home = os.path.realpath(sys.base_prefix), os.path.expanduser("~root")
        command = ["unshare", "--mount", "sh", "-c", AS_USER, "sh", python, home, *command]
        settings["env"] = {**os.environ, **settings.get("env", {}), "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, **settings)
