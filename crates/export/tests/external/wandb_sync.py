"""Uploads W&B runs that Handloom wrote by the real client to a stand-in for W&B's server, and compares what arrived.

    HANDLOOM_WANDB_STUB=stub_server.py venv/bin/python wandb_sync.py RUN_FOLDER...
    HANDLOOM_WANDB_STUB=stub_server.py venv/bin/python wandb_sync.py --live COMMAND...

The first form runs `wandb sync` on each folder. The second runs a command in a folder of its own, with this
Python's `wandb` in PATH: one that writes a run under `wandb/` and uploads it while it goes on, such as
`handloom train --wandb online` or the example `wandb_run . 20 300 live`. Some rows must arrive before it ends.

The stand-in is a Python file with `start()`, which answers on the loopback interface and returns the server, its
address and a store; the store's `runs` have `config`, `fields`, `streams` (lines by file name), `uploaded` (bytes by
path), `exitcode` and `complete`, its `artifacts` have `input`, `files` and `committed`. Exits 1 if anything differs.
"""

import hashlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import wandb_read  # noqa: E402

PATIENCE = 180


def stub():
    path = os.environ.get("HANDLOOM_WANDB_STUB")
    if not path:
        sys.exit("HANDLOOM_WANDB_STUB is not set: it names the Python file of the stand-in server")
    spec = importlib.util.spec_from_file_location("stub_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, address, store = module.start()
    return address, store


def environment(address):
    here = str(pathlib.Path(sys.executable).parent)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    return plain | {"WANDB_API_KEY": "x" * 40, "WANDB_BASE_URL": address, "PATH": here + os.pathsep + plain["PATH"]}


def version():
    import wandb

    return tuple(map(int, wandb.__version__.split(".")[:2]))


def plain(value):
    """Configurations arrive as {"value": ...}."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def unfold(value, path):
    for part in path.split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return value


def compare(folder, store):
    """What did not arrive of the run in `folder`, by its own log."""
    readers = wandb_read.read(folder)
    if not readers:
        return ["this wandb has no reader to compare with"]
    run = next(iter(readers.values()))
    if run["id"] not in store.runs:
        return [f"no run {run['id']} arrived, only {sorted(store.runs)}"]
    got, wrong = store.runs[run["id"]], []
    for key, name in {"project": "project", "name": "displayName", "group": "groupName", "job_type": "jobType",
                      "notes": "notes", "tags": "tags"}.items():
        if run[key] and got["fields"].get(name) != run[key]:
            wrong.append(f"{key} is {got['fields'].get(name)!r}, logged was {run[key]!r}")
    config = {key: plain(value) for key, value in got["config"].items()}
    for key, value in run["config"].items():
        arrived = unfold(config, key) if key.startswith("_wandb.") else config.get(key)
        if arrived != value:
            wrong.append(f"config: {key} is {arrived!r:.200}, logged was {value!r:.200}")
    rows = got["streams"].get("wandb-history.jsonl", {})
    rows = [json.loads(rows[line]) for line in sorted(rows)]
    if rows != run["history"]:
        wrong.append(f"{len(rows)} rows arrived, {len(run['history'])} were logged, or they differ")
    summary = got["streams"].get("wandb-summary.json", {})
    summary = json.loads(summary[max(summary)]) if summary else {}
    logged = {key: value for key, value in run["summary"].items() if not key.startswith("_wandb.")}
    wrong += wandb_read.differences("summary", logged, summary)
    for path in run["files"]:
        local = hashlib.sha256((pathlib.Path(folder) / "files" / path).read_bytes()).hexdigest()
        arrived = got["uploaded"].get(path)
        if arrived is None or hashlib.sha256(arrived).hexdigest() != local:
            wrong.append(f"{path} did not arrive as it is")
    names = json.dumps([artifact["input"] for artifact in store.artifacts.values() if artifact["committed"]])
    for artifact in run["artifacts"]:
        if f'"{artifact["name"]}"' not in names:
            wrong.append(f"artifact {artifact['name']} did not arrive")
    # Clients up to 0.28 report 0 whatever the run did.
    expected = run["exit_code"] if version() >= (0, 29) else 0
    if (got["complete"], got["exitcode"]) != (True, expected):
        wrong.append(f"complete {got['complete']}, exit code {got['exitcode']}, expected {expected}")
    return wrong


def report(folder, wrong):
    print(f"{folder}: {'arrived whole' if not wrong else 'FAILED'}")
    for line in wrong:
        print(f"  {line}")
    return bool(wrong)


def sync(folder):
    address, store = stub()
    command = [sys.executable, "-m", "wandb", "sync", str(folder)]
    done = subprocess.run(command, env=environment(address), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE)
    wrong = [] if done.returncode == 0 else [f"wandb sync: {done.returncode}: {done.stderr[-500:]}"]
    return report(folder, wrong + compare(folder, store))


def live(command):
    address, store = stub()
    command = [str(pathlib.Path(part).resolve()) if pathlib.Path(part).is_file() else part for part in command]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment(address), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT)
        begun, early = time.monotonic(), 0
        while process.poll() is None:
            if time.monotonic() - begun > PATIENCE:
                process.kill()
            rows = [len(run["streams"].get("wandb-history.jsonl", {})) for run in list(store.runs.values())]
            early = early or sum(rows)
            finished = any(run["complete"] for run in list(store.runs.values()))
            if not finished:
                before_end = sum(rows)
            time.sleep(0.1)
        output.seek(0)
        wrong = [] if process.returncode == 0 else [f"exit {process.returncode}: {output.read()[-800:]}"]
        runs = sorted(pathlib.Path(folder).glob("wandb/offline-run-*"))
        if len(runs) != 1:
            return report(folder, wrong + [f"{len(runs)} runs"])
        if not early or not before_end:
            wrong.append("no row arrived before the end")
        print(f"{before_end} rows arrived before the run was complete")
        return report(runs[0].name, wrong + compare(runs[0], store))


def main():
    if sys.argv[1:2] == ["--live"] and len(sys.argv) > 2:
        failed = live(sys.argv[2:])
    elif len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        failed = any([sync(folder) for folder in sys.argv[1:]])
    else:
        sys.exit("usage: wandb_sync.py RUN_FOLDER... | --live COMMAND...")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
