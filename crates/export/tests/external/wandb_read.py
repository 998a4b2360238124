"""Reads a W&B run that Handloom wrote with the readers of the real `wandb` package, and checks what they find.

    python -m venv venv && venv/bin/pip install wandb==0.31.0     # and, in another, wandb==0.28.0
    venv/bin/python wandb_read.py RUN_FOLDER [EXPECTED.json]

From 0.31 on the reader is `wandb leet inspect`, up to 0.29 the Python class `DataStore`; whichever this Python's
wandb has is used, and both if it has both. Without EXPECTED the run is compared with itself: rising steps, media
and tables that are there with the sizes and hashes that the rows say, a summary that agrees with the last epoch,
an exit code, the tables of all declared charts.

EXPECTED has any of: id, project, name, group, job_type, tags, notes, config, history (rows), summary, exit_code.
Config and summary may hold more than expected, the history and each of its rows `_step`, `_timestamp` and
`_runtime` besides. Exits 1 and says what differs.
"""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

NAMES = {"id": "run_id", "project": "project", "name": "display_name", "group": "run_group", "job_type": "job_type",
         "notes": "notes"}


def log_of(folder):
    logs = list(pathlib.Path(folder).glob("run-*.wandb"))
    if len(logs) != 1:
        sys.exit(f"{len(logs)} logs in {folder}")
    return logs[0]


def records_by_leet(folder):
    """Records as `wandb leet inspect --json` prints them; None if this wandb has no such command."""
    command = pathlib.Path(sys.executable).with_name("wandb")
    command = str(command) if command.exists() else shutil.which("wandb")
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    if tuple(map(int, version.split(".")[:2])) < (0, 31):
        return None
    done = subprocess.run([command, "leet", "inspect", "--json", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"wandb leet inspect: {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def records_by_datastore(folder):
    """The same records by the Python reader, in the same form; None if this wandb has none."""
    try:
        from wandb.proto import wandb_internal_pb2 as proto
        from wandb.sdk.internal.datastore import DataStore
    except ImportError:
        return None
    store, records = DataStore(), []
    store.open_for_scan(str(log_of(folder)))
    while (data := store.scan_data()) is not None:
        record = proto.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        records.append({"num": record.num, "type": kind, kind: as_dict(kind, getattr(record, kind))})
    return records


def as_dict(kind, message):
    def items(update):
        return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in update}

    if kind == "run":
        plain = {name: getattr(message, name) for name in NAMES.values()}
        return {**plain, "tags": list(message.tags), "config": {"update": items(message.config.update)}}
    if kind == "history":
        return {"item": items(message.item), "step": {"num": message.step.num}}
    if kind == "summary":
        return {"update": items(message.update)}
    if kind == "files":
        return {"files": [{"path": file.path} for file in message.files]}
    if kind == "artifact":
        contents = [{"path": e.path, "digest": e.digest, "size": e.size, "local_path": e.local_path}
                    for e in message.manifest.contents]
        return {"name": message.name, "digest": message.digest, "manifest": {"contents": contents}}
    if kind == "exit":
        return {"exit_code": message.exit_code}
    return {}


def collect(records):
    """The run that the records tell of."""
    of = lambda kind: [record[kind] for record in records if record["type"] == kind]  # noqa: E731
    run, summary = of("run")[0], {}
    for update in of("summary"):
        summary.update(update["update"])
    found = {key: run.get(name, "") for key, name in NAMES.items()}
    found |= {"tags": run.get("tags", []), "config": run["config"]["update"], "summary": summary}
    found["history"] = [row["item"] for row in of("history")]
    found["files"] = [file["path"] for record in of("files") for file in record["files"]]
    found["artifacts"] = of("artifact")
    # The readers leave out what is 0; a run without its end counts as failed.
    found["exit_code"] = of("exit")[0].get("exit_code", 0) if of("exit") else 1
    found["numbers"] = [record["num"] for record in records]
    return found


def read(folder):
    """The run by each reader that there is."""
    by = {"leet": records_by_leet(folder), "DataStore": records_by_datastore(folder)}
    return {name: collect(records) for name, records in by.items() if records is not None}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def consistency(folder, run):
    """What the run says that its folder, or it itself, contradicts."""
    files = pathlib.Path(folder) / "files"
    if run["numbers"] != list(range(1, len(run["numbers"]) + 1)):
        yield f"records are numbered {run['numbers']}"
    steps = [row["_step"] for row in run["history"]]
    if steps != sorted(set(steps)):
        yield f"steps {steps}"
    for path in run["files"]:
        if not (files / path).is_file():
            yield f"{path} is not there"
    for key, value in ((k, v) for row in run["history"] for k, v in row.items() if isinstance(v, dict)):
        for path in value.get("filenames", [value.get("path")]):
            if path not in run["files"]:
                yield f"{key}: no record asks for the upload of {path}"
        if "sha256" in value:
            path = files / value["path"]
            if (sha256(path), path.stat().st_size) != (value["sha256"], value["size"]):
                yield f"{key}: {path} has another hash or size"
        if value["_type"] == "table-file":
            table = json.loads(path.read_text())
            if (len(table["columns"]), len(table["data"])) != (value["ncols"], value["nrows"]):
                yield f"{key}: the table has another shape"
            if run["summary"].get(key) != value:
                yield f"{key}: the summary does not have the table"
    for artifact in run["artifacts"]:
        digest = "wandb-artifact-manifest-v1\n"
        for entry in artifact["manifest"]["contents"]:
            data = pathlib.Path(entry["local_path"]).read_bytes()
            md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
            if (md5, len(data)) != (entry["digest"], int(entry["size"])):
                yield f"artifact {artifact['name']}: {entry['path']} has another digest or size"
            digest += f"{entry['path']}:{md5}\n"
        if hashlib.md5(digest.encode()).hexdigest() != artifact["digest"]:
            yield f"artifact {artifact['name']} has another digest"
    epochs = [row for row in run["history"] if "epoch" in row]
    if epochs:
        last = {key: value for key, value in epochs[-1].items() if not key.startswith("_")}
        yield from differences("summary", last, run["summary"])
        if "best_val_accuracy" in run["summary"]:
            best = max(row["val_accuracy"] for row in epochs if "val_accuracy" in row)
            if run["summary"]["best_val_accuracy"] != best:
                yield f"best_val_accuracy is {run['summary']['best_val_accuracy']}, the rows' best is {best}"


def differences(where, expected, found):
    """Where `found` lacks what `expected` has."""
    for key, value in expected.items():
        if value is not None and found.get(key) != value or value is None and found.get(key) is not None:
            yield f"{where}: {key} is {found.get(key)!r:.200}, expected {value!r:.200}"


def against(expected, run):
    for key in expected.keys() & {*NAMES, "tags", "exit_code"}:
        yield from differences("run", {key: expected[key]}, run)
    for key in expected.keys() & {"config", "summary"}:
        yield from differences(key, expected[key], run[key])
    if "history" in expected:
        if len(run["history"]) != len(expected["history"]):
            yield f"{len(run['history'])} rows, expected {len(expected['history'])}"
        for number, (row, found) in enumerate(zip(expected["history"], run["history"])):
            yield from differences(f"row {number}", row, found)
            more = found.keys() - row.keys() - {"_step", "_timestamp", "_runtime"}
            if more:
                yield f"row {number} also has {sorted(more)}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: wandb_read.py RUN_FOLDER [EXPECTED.json]")
    folder = sys.argv[1]
    expected = json.loads(pathlib.Path(sys.argv[2]).read_text()) if len(sys.argv) == 3 else {}
    runs, failed = read(folder), False
    if not runs:
        sys.exit("this wandb has no reader: 0.31 or newer, or 0.29 or older, has one")
    for name, run in runs.items():
        wrong = [*consistency(folder, run), *against(expected, run)]
        failed |= bool(wrong)
        print(f"{name}: {len(run['numbers'])} records, {len(run['history'])} rows, {len(run['files'])} files,"
              f" exit code {run['exit_code']}, {len(run['config'])} values in the configuration")
        for line in wrong:
            print(f"  FAILED {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
