"""Process groups and ports, read from Linux's /proc."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from pathlib import Path

PATIENCE = 60  # seconds for a server to end by itself


def end_group(group: int, sign: signal.Signals) -> None:
    """Signal a process group and wait until it is gone; what does not end in time is killed."""
    give_up = time.monotonic() + PATIENCE
    _signal(group, sign)
    while group_lives(group):
        if time.monotonic() > give_up:
            _signal(group, signal.SIGKILL)
        time.sleep(0.05)


def group_lives(group: int) -> bool:
    """Whether a process of the group runs; one that only waits to be collected does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # proc(5): "pid (name) state parent group ... threads ...", and a name may hold anything
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # Killed, its first thread is a zombie while others still hold ports and files.
        if int(fields[2]) == group and (fields[0] != "Z" or int(fields[17]) > 1):
            return True
    return False


def command_line(pid: int) -> str:
    """Empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Below the ports that the kernel gives to connections, so that it stays free for a restart."""
    while port_is_taken(port := random.randrange(20000, 30000)):
        pass
    return port


def _signal(group: int, sign: signal.Signals) -> None:
    try:
        os.killpg(group, sign)
    except ProcessLookupError:
        return
