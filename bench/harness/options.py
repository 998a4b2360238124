"""Arguments that every command here has."""

import argparse
import tempfile
from pathlib import Path

from . import ours


def parser(doc, quick):
    """A parser with them. `doc`: of the command; `quick`: what `--quick` does."""
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    work = Path(tempfile.gettempdir()) / "handloom-bench"
    options.add_argument(
        "--work", type=Path, default=work, metavar="DIR", help="where environments, builds and runs go"
    )
    options.add_argument("--data", metavar="DIR", help="holds fashion-mnist/ with the four .gz files")
    options.add_argument("--handloom", metavar="PROGRAM", help="measure this instead of a fresh build; no page")
    options.add_argument("--no-write", action="store_true", help="leave docs/performance.md alone")
    options.add_argument("--quick", action="store_true", help=f"only to see that it works: {quick}; no page")
    return options


def parse(options):
    """The arguments; there is a work folder, and what is quick or of an unknown commit writes no page."""
    a = options.parse_args()
    a.no_write |= a.quick or bool(a.handloom)
    a.work.mkdir(parents=True, exist_ok=True)
    return a


def wait(options, seconds):
    """Adds `--wait`."""
    options.add_argument(
        "--wait", type=float, default=seconds, metavar="S", help="longest wait for a quiet moment before a measurement"
    )


def handloom(a):
    """The program as the arguments want it."""
    return ours.Handloom(a.handloom or ours.build(a.work), a.work, ours.data_dir(a.data))
