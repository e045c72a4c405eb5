"""Between us and PostgreSQL: run as `python -I -S launch.py SPEC`, becomes the server (Linux) or watches over it.

A process of its own, because what must happen between fork and exec (folder, user, death signal) is not safe to do
in a threaded parent. SPEC is JSON: argv, cwd, uid, gid (null: stay who we are), parent, watch. Standard library only.

Linux: the kernel sends SIGINT (PostgreSQL's fast shutdown) when the parent's starting thread ends, however it ends.
Elsewhere (`watch`): standard input is a pipe that only the parent holds open; its end is the parent's end.
"""

import ctypes
import json
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(argv: list[str], parent: int) -> None:
    """Become the server, tied to the parent's life. The death signal is set after setuid, which would clear it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was set
        sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606  (no shell wanted: argv is ours)


def watch(argv: list[str]) -> int:
    """Run the server as a child, pass signals on, stop it when standard input ends; returns its exit code."""
    wake_read, wake_write = os.pipe()
    for end in (wake_read, wake_write):
        os.set_blocking(end, False)
    child = os.fork()
    if child == 0:
        os.execv(argv[0], argv)  # noqa: S606  (no shell wanted: argv is ours)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda received, _: os.kill(child, received))
    watched, patience = [0, wake_read], None
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) & 255
        ready, _, _ = select.select(watched, [], [], patience)
        if not ready:  # ten seconds after a fast shutdown was asked for
            os.kill(child, signal.SIGQUIT)
        if wake_read in ready:
            os.read(wake_read, 512)
        if 0 in ready and not os.read(0, 512):
            os.kill(child, signal.SIGINT)
            watched, patience = [wake_read], 10.0


def main() -> int:
    """Take the folder, the user and the umask, then the way that this system has."""
    spec = json.loads(sys.argv[1])
    os.chdir(spec["cwd"])
    if spec["uid"] is not None:
        os.setgroups([])
        os.setgid(spec["gid"])
        os.setuid(spec["uid"])
    os.umask(0o077)
    if spec["watch"]:
        return watch(spec["argv"])
    become(spec["argv"], spec["parent"])
    return 1


if __name__ == "__main__":
    sys.exit(main())
