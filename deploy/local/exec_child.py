"""Becomes another program that dies with its parent: `python -I -S exec_child.py SIGNAL PARENT UID GID PROGRAM ...`

A small program of its own, because the alternative, `subprocess`'s `preexec_fn`, may deadlock where threads run. The
process id stays the same. UID -1 keeps the user.
"""

import ctypes  # before the user changes: he may be unable to read this Python's library
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    signal_number, parent, uid, gid = (int(text) for text in sys.argv[1:5])
    libc = ctypes.CDLL(None)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)  # after setuid, which clears it
        if os.getppid() != parent:  # it died before we could ask
            sys.exit("the parent is gone")
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - our caller's arguments, no shell


if __name__ == "__main__":
    main()
