"""One process, with what the operating system saw of it.

Peak RSS counts from the fork, so it is never below that of the script that starts the process: scripts which
report it must stay small (some 20 MB).
"""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

from . import machine


@dataclass
class Ended:
    """A process that has ended. `noise`: cores that others used meanwhile, stolen time included."""

    out: str
    err: str
    status: int
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    noise: float

    def figures(self):
        return {
            "wall_s": round(self.wall_s, 3),
            "cpu_s": round(self.cpu_s, 3),
            "peak_rss_mb": self.peak_rss_mb,
            "noise": round(self.noise, 3),
        }


def run(command, limit_s=600, **environment):
    """Runs `command` to its end, or kills it after `limit_s` seconds."""
    busy, stolen = machine.cpu_seconds()
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as talk:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=talk,
            text=True,
            env={**os.environ, **environment},
        )
        # By its pid alone, and only while it is not yet waited for.
        killer = threading.Timer(limit_s, lambda: os.kill(child.pid, 9))
        killer.start()
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        talk.seek(0)
        err = talk.read()
    cpu = usage.ru_utime + usage.ru_stime
    busy_after, stolen_after = machine.cpu_seconds()
    noise = (max(0.0, busy_after - busy - cpu) + stolen_after - stolen) / wall
    return Ended(out, err, child.returncode, wall, cpu, round(usage.ru_maxrss / 1024), noise)
