"""Know how to become a program that ends when its parent does: `tether.py PARENT PROGRAM …`.

Run by its path, as a process of its own: between fork and exec, a parent with threads may do next
to nothing, and a shell in between would be one more process that can be killed alone.
"""

import ctypes
import os
import signal
import sys
from typing import Final

# <linux/prctl.h>; https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PR_SET_PDEATHSIG: Final = 1


def become(parent: int, program: str, *arguments: str) -> None:
    """Become the program, which the kernel kills when the thread that started us is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # A parent that was gone before is not told of.
    if os.getppid() != parent:
        sys.exit("the control plane is gone")
    # What Python ignores would stay ignored.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(program, [program, *arguments])  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.exit(f"{program}: {error.strerror}")


if __name__ == "__main__":
    become(int(sys.argv[1]), *sys.argv[2:])
