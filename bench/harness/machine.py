"""The machine: what it is, how busy it is, and how fast its cores are right now."""

import json
import os
import platform
import subprocess
import time

CPUS = sorted(os.sched_getaffinity(0))
TICKS = os.sysconf("SC_CLK_TCK")
SETS = ("avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "amx_tile", "neon", "asimd")


def describe():
    """What a reader of the figures must know of the machine."""
    with open("/proc/cpuinfo") as file:
        lines = [[part.strip() for part in line.split(":", 1)] for line in file if ":" in line]
    info = dict(reversed(lines))  # the first processor's
    flags = (info.get("flags") or info.get("Features") or "").split()
    with open("/proc/meminfo") as file:
        memory_gib = round(int(file.readline().split()[1]) / 2**20)
    model = ", ".join(info[key] for key in ("model name", "cpu family", "model") if key in info)
    return {
        "cpu": model.replace(", ", " (family ", 1).replace(", ", ", model ") + ")" * (", " in model),
        "cores": len(CPUS),
        "sets": [name for name in SETS if name in flags],
        "memory_gib": memory_gib,
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def taskset(threads, first=0):
    """The start of a command that may use `threads` cores only."""
    if first + threads > len(CPUS):
        raise SystemExit(f"error: {first + threads} threads on {len(CPUS)} cores\nhint: `--threads 1`")
    return ["taskset", "-c", ",".join(str(cpu) for cpu in CPUS[first : first + threads])]


def cpu_seconds():
    """CPU seconds that all processes have used, and seconds that the hypervisor took, since the machine started."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = [int(n) for n in file.readline().split()[1:9]]
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def settle(limit_s, quiet=0.1):
    """Waits until less than `quiet` of a core is in use, at most `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        before, started = sum(cpu_seconds()), time.monotonic()
        time.sleep(0.4)
        if sum(cpu_seconds()) - before < quiet * (time.monotonic() - started):
            return


class Probe:
    """The rate of fused multiply-adds in float32, by instruction set: `../peak.c`."""

    def __init__(self, bench, work):
        self.path = work / "peak"
        source = bench / "peak.c"
        try:
            if not self.path.exists() or self.path.stat().st_mtime < source.stat().st_mtime:
                subprocess.run(["gcc", "-O3", "-o", self.path, source, "-lpthread"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"SKIPPED the FMA probe: {error}", flush=True)
            self.path = None

    def rates(self, threads):
        """GFLOP/s of `threads` cores together right now, such as `{"avx2": 99.1, "avx512": 180.3}`."""
        if not self.path:
            return {}
        return json.loads(subprocess.check_output([self.path, "probe", str(threads)]))

    def floors(self, kib):
        """Rates of one core that bound a step, by instruction set: `floors` in `../peak.c`."""
        if not self.path:
            return {}
        return json.loads(subprocess.check_output([self.path, "floors", str(kib)]))


def peak_set(isa):
    """The instruction set of the probe that belongs to what `handloom train` says it used."""
    return {"avx2+fma": "avx2", "avx512": "avx512"}.get(isa)
