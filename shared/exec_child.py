"""Becomes another program that dies with its parent: `python -I -S exec_child.py SIGNAL PARENT UID GID PROGRAM ...`

A small program of its own, because the alternative, `subprocess`'s `preexec_fn`, may deadlock where threads run. The
process id stays the same. UID -1 keeps the user; UID -2 keeps root's rights over root's files, but under another name:
in a user namespace of its own, for programs that refuse to run as root.
"""

import ctypes  # before the user changes: the new one may not be able to read this Python's library
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CLONE_NEWUSER = 0x10000000  # linux/sched.h
KEEP_USER, RENAME_ROOT = -1, -2
_NEW_NAME = 65534  # nobody: initdb looks its user up, and there is one everywhere


def main() -> None:
    signal_number, parent, uid, gid = (int(text) for text in sys.argv[1:5])
    libc = ctypes.CDLL(None)
    if uid == RENAME_ROOT:
        _rename_root(libc)
    elif uid != KEEP_USER:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)  # after setuid, which clears it
        if os.getppid() != parent:  # it died before we could ask
            sys.exit("the parent is gone")
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - our caller's arguments, no shell


def _rename_root(libc: ctypes.CDLL) -> None:
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit("this system has no user namespaces for us")
    for file, text in (("setgroups", "deny"), ("uid_map", f"{_NEW_NAME} 0 1"), ("gid_map", f"{_NEW_NAME} 0 1")):
        with open(f"/proc/self/{file}", "w") as out:
            out.write(text)


if __name__ == "__main__":
    main()
