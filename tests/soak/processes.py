# SPDX-License-Identifier: MIT
"""What the kernel says of processes. Must not signal or reap any. Used by server.py and soak.py."""
import ctypes
import glob

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """What a server leaves behind becomes this process's child, and so is found."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children(pid):
    pids = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path, encoding="ascii") as file:
                pids += map(int, file.read().split())
        except OSError:
            continue
    return pids


def tree(pid):
    """Its descendants."""
    found = []
    for child in children(pid):
        found += [child] + tree(child)
    return found


def title_of(pid):
    """"" for one that is gone or dead."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read().rstrip(b"\0 ").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return False
