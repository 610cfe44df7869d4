"""The processes of one home of dwell."""

import contextlib
import os
import signal


def of_home(home, prefix=""):
    """Numbers of those whose environment names the home and whose name begins so."""
    mark = f"DWELL_HOME={home}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if mark not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{entry}/comm") as file:
                if file.read().startswith(prefix):
                    found.append(int(entry))
        except OSError:
            continue
    return found


def kill(home):
    """Whatever is left of them."""
    for pid in of_home(home):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
