#!/usr/bin/env python3
"""Runs `handloom train` with the arguments given, and builds the program first if it is missing.

    python train.py --wandb_entity myname --wandb_project myprojectname
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or "target")
PROGRAM = ROOT / TARGET / "release" / ("handloom.exe" if os.name == "nt" else "handloom")


def main():
    if not PROGRAM.exists():
        print("building handloom, once ...", file=sys.stderr, flush=True)
        try:
            # Standard output belongs to the training.
            subprocess.run(["cargo", "build", "--release"], cwd=ROOT, stdout=sys.stderr, check=True)
        except FileNotFoundError:
            sys.exit("error: `cargo` is not installed\nhint: install Rust from https://rustup.rs, then run this again")
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)
    command = [str(PROGRAM), "train", *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # signals and the exit code are then the program's own
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
