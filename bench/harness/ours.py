"""Handloom: how it is built, found its data, and run."""

import json
import os
import subprocess
from pathlib import Path

from . import child, machine

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent


def commit(program=None):
    """The commit that is measured, and whether files differ from it. Of a ready-made `program` it is not known."""
    if program:
        return "unknown (a ready-made program)"

    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.toml", "Cargo.lock")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def cargo(arguments, work, directory=ROOT, **environment):
    """Builds politely below `work`, and gives the folder of what was built."""
    target = Path(environment.pop("CARGO_TARGET_DIR", os.environ.get("CARGO_TARGET_DIR", work / "target"))).resolve()
    command = ["nice", "-n", "19", "cargo", "build", "--release", "--quiet", *arguments]
    subprocess.run(
        command, cwd=directory, check=True, env={**os.environ, **environment, "CARGO_TARGET_DIR": str(target)}
    )
    return target / "release"


def build(work):
    """The program, freshly built."""
    return cargo(["--locked", "-p", "handloom"], work) / "handloom"


def data_dir(given):
    """The folder that holds `fashion-mnist/`."""
    places = [given, os.environ.get("HANDLOOM_DATA_DIR"), ROOT / "../shared/data", Path.home() / ".cache/handloom"]
    for place in filter(None, places):
        if (Path(place) / "fashion-mnist/train-images-idx3-ubyte.gz").exists():
            return Path(place).resolve()
    raise SystemExit("error: Fashion-MNIST is nowhere\nhint: `handloom data get fashion_mnist`, or `--data DIR`")


class Handloom:
    """The program, and where its runs go."""

    def __init__(self, program, work, data):
        self.program, self.data = Path(program).resolve(), data
        self.store = work / "store"

    def command(self, name, *arguments):
        return [self.program, name, "--store", self.store, "--data-dir", self.data, *arguments]

    def version(self):
        return subprocess.check_output([self.program, "--version"], text=True).strip()

    def train(self, flags, threads, first=0):
        """A training under `taskset`, and its `start`, `epoch` and `done` events."""
        flags = ["--json", "--no-test", "--no-progress", "--threads", str(threads), *flags]
        ended = child.run(machine.taskset(threads, first) + self.command("train", *flags), WANDB_MODE="disabled")
        if ended.status != 0:
            raise RuntimeError(f"`handloom train` ended with {ended.status}: {ended.err.strip()}")
        return ended, Events(ended.out)


class Events:
    """The events of one training."""

    def __init__(self, out):
        events = [json.loads(line) for line in out.splitlines()]
        self.isa = events[0]["isa"]
        self.epochs = [event for event in events if event["event"] == "epoch"]
        self.done = events[-1]

    def column(self, name):
        return [epoch[name] for epoch in self.epochs]

    def seconds(self):
        """Of each epoch after the first, which warms caches and memory up."""
        return self.column("seconds")[1:] or self.column("seconds")
