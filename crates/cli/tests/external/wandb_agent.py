"""W&B's own `wandb sweep` and `wandb agent` start the finished program against a stand-in for W&B's server.

    venv/bin/python wandb_agent.py HANDLOOM SWEEP.yaml

The agent runs the sweep file as it is: a run that finishes, one that the server stops, one that cannot begin, and one
after these. Then every macro that passes parameters, with and without the file in which the agent leaves them. Then
runs that we upload ourselves: local sweeps, and runs that W&B refuses, each of which must be said to have stayed behind
and arrive by the line that is printed for it. Exits 1 if anything is not as it should be. The client is that of this Python, which need not be in PATH.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import wandb_server  # noqa: E402

PATIENCE = 180
WANDB = str(pathlib.Path(sys.executable).parent / "wandb")
QUICK = {"dataset": "garments", "epochs": 2, "hidden_layers": 1, "hidden_size": 8, "batch_size": 256}

wrong = []


def check(said, holds):
    if not holds:
        wrong.append(said)
        print(f"  WRONG: {said}", flush=True)


def environment(server, program):
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("WANDB_", "HANDLOOM_"))}
    path = f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return plain | {"WANDB_API_KEY": "x" * 40, "WANDB_BASE_URL": server.address, "PATH": path}


def wandb(server, program, folder, *words):
    done = subprocess.run([WANDB, *words], cwd=folder, env=environment(server, program), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    check(f"wandb {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}", done.returncode == 0)
    return done.stdout


def create(server, program, folder, file):
    return re.search(r"sweep with ID: (\S+)", wandb(server, program, folder, "sweep", "--project", "project", str(file)))[1]


def queue(server, sweep, name, program, parameters):
    args = {key: {"value": value} for key, value in parameters.items()}
    server.sweeps[sweep].queue.append({"run_id": name, "program": program, "args": args})


def stored(program, folder):
    """Our own records of the runs in `folder`, by their ids at W&B."""
    listed = subprocess.run([str(program), "ls", "--json"], cwd=folder, capture_output=True, text=True, check=True)
    runs = [json.loads(line) for line in listed.stdout.splitlines()]
    return {run["wandb"]["id"]: run for run in runs if run.get("wandb", {}).get("id")}


def arrived(server, sweep, name, parameters, exit_code, rows):
    run = server.runs.get(name)
    if run is None:
        return check(f"{name} did not arrive, only {sorted(server.runs)}", False)
    fields = {key: run.fields.get(key) for key in ["sweep", "project", "entity"]}
    check(f"{name} arrived in {fields}", fields == {"sweep": sweep, "project": "project", "entity": "somebody"})
    config = {key: run.config.get(key) for key in parameters}
    check(f"{name} has {config}, the agent said {parameters}", config == parameters)
    check(f"{name} ended with {run.exit_code}, complete {run.complete}", (run.exit_code, run.complete) == (exit_code, True))
    check(f"{name} has {len(run.rows())} rows", len(run.rows()) >= rows)
    check(f"{name} has the summary {run.summary()}", 0 <= run.summary().get("val_accuracy", -1) <= 1)


def example(server, program, file, folder):
    sweep = create(server, program, folder, file)
    runs = {
        "finishes": QUICK | {"optimizer": "nadam", "learning_rate": 0.001, "activation": "relu", "weight_init": "he"},
        "isstopped": QUICK | {"epochs": 100000, "weight_decay": 1e-5},
        "cannotbegin": QUICK | {"learning_rate": "fast"},
        "afterthese": QUICK | {"optimizer": "nag", "learning_rate": 0.01},
    }
    for name, parameters in runs.items():
        queue(server, sweep, name, "handloom", parameters)

    def stop():
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE and not over:
            time.sleep(0.1)
            with server.lock:
                if "isstopped" in server.runs and len(server.runs["isstopped"].rows()) >= 2:
                    server.sweeps[sweep].to_stop.add("isstopped")
                    return True
        return False

    over = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stopped = pool.submit(stop)
        wandb(server, program, folder, "agent", f"somebody/project/{sweep}")
        over.append(True)
        check("no row arrived of the run to be stopped, while it went on", stopped.result())
    check(f"the agent saw {server.sweeps[sweep].ended} end", server.sweeps[sweep].ended == list(runs))
    arrived(server, sweep, "finishes", runs["finishes"], 0, 2)
    arrived(server, sweep, "isstopped", runs["isstopped"], 143, 2)
    arrived(server, sweep, "afterthese", runs["afterthese"], 0, 2)
    check("a run that cannot begin is at W&B", "cannotbegin" not in server.runs)
    test = [key for key in server.run("finishes").summary() if key.startswith("test_")]
    check(f"the test set was opened: {test}", not test)

    ours = stored(program, folder)
    status = {name: run["status"] for name, run in ours.items()}
    check(f"the store says {status}", status == {"finishes": "finished", "isstopped": "stopped", "afterthese": "finished"})
    for name, run in ours.items():
        check(f"{name} is of sweep {run['wandb'].get('sweep_id')}", run["wandb"].get("sweep_id") == sweep)
    checkpoints = len(list((pathlib.Path(folder) / ".handloom/runs").glob("*/checkpoint*")))
    check(f"{checkpoints} checkpoints", checkpoints > 0)


SAID = {"dataset": "garments", "n_epochs": 2, "batch_size": 256, "hidden_size": [16, 8], "activation": "tanh", "lr": 0.01,
        "shuffle": False, "no_test": True, "optimizer": {"name": "nag", "momentum": 0.5}}
MEANT = {"dataset": "garments", "epochs": 2, "batch_size": 256, "hidden_size": [16, 8], "num_layers": 2,
         "activation": "tanh", "learning_rate": 0.01, "shuffle": False, "optimizer": "nag", "momentum": 0.5}
MACROS = ["args", "args_no_equals", "args_no_hyphens", "args_no_boolean_flags", "args_json", "args_json_file",
          "args_append_hydra", "args_override_hydra"]


def macro(server, program, folder, name, with_file):
    without = [] if with_file else ["${env}", "-u", "WANDB_SWEEP_PARAM_PATH"]
    command = without + ["${program}", *(["train"] if with_file else []), "--quiet", f"${{{name}}}"]
    config = {"program": str(program), "command": command, "method": "grid", "parameters": {"lr": {"value": 0.01}}}
    file = pathlib.Path(folder) / "sweep.yaml"
    file.write_text(json.dumps(config))
    sweep, run = create(server, program, folder, file), f"{name.replace('_', '')}{int(with_file)}"
    queue(server, sweep, run, str(program), SAID)
    wandb(server, program, folder, "agent", "--count", "1", f"somebody/project/{sweep}")
    # A nested parameter arrives as it was passed, where the agent's file says how.
    meant = MEANT | ({"optimizer": SAID["optimizer"], "lr": 0.01, "n_epochs": 2} if with_file else {})
    if name == "args_no_boolean_flags" and not with_file:
        meant = meant | {"shuffle": True}  # what is false is left out
    arrived(server, sweep, run, meant, 0, 2)
    ours = stored(program, folder).get(run)
    config = ours and {key: ours.get("config", ours).get(key) for key in MEANT}
    expected = MEANT | {"shuffle": meant["shuffle"]}
    check(f"{name}: trained was {config}, not {expected}", config == expected)
    check(f"{name}: the test set was opened", ours and ours.get("test_accuracy") is None)


SWEEP = """method: grid
metric: {name: val_accuracy, goal: maximize}
parameters: {learning_rate: {values: [0.01, 0.001]}, epochs: {value: 2}, num_layers: {value: 1}, hidden_size: {value: 8}}
"""
TRAIN = "train -d garments -e 2 -nhl 1 -sz 8 -b 256 --no-test --wandb online -wp project -we somebody --json"


def handloom(server, program, folder, line, **more):
    variables = environment(server, program) | more
    variables["PATH"] = str(pathlib.Path(WANDB).parent) + os.pathsep + variables["PATH"]
    done = subprocess.run([str(program), *line.split()], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)
    check(f"{line} ended with {done.returncode}:\n{done.stderr[-2000:]}", done.returncode == 0)
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def local(server, program, folder):
    """A sweep of our own: W&B does not know it, and every run arrives without its id."""
    (pathlib.Path(folder) / "s.yaml").write_text(SWEEP)
    line = "sweep s.yaml -d garments --workers 2 --wandb online -wp project -we somebody --json"
    done, said = handloom(server, program, folder, line)
    check(f"a local sweep: {done['wandb']}", done["wandb"] == {"uploaded": 2, "behind": [], "sync": None})
    check(f"nothing is said of the uploads: {said}", "2 runs uploaded" in said)
    sweep = done["sweep"]
    ours = {name: run for name, run in server.runs.items() if run.config.get("sweep") == sweep}
    check(f"{len(ours)} runs arrived of a local sweep of 2", len(ours) == 2)
    for name, run in ours.items():
        fields = [run.fields.get("sweep"), run.fields.get("groupName"), run.fields.get("tags")]
        check(f"{name} has {fields}", fields == [None, sweep, [f"sweep-{sweep}"]])
        check(f"{name} is not whole", run.complete and len(run.rows()) >= 2)

    server.refuse["graphql"] = 403, b"{}", 1000
    done, said = handloom(server, program, folder, line + " --no-reuse")
    server.refuse.clear()
    check(f"refused: {done['wandb']}", done["wandb"]["uploaded"] == 0 and len(done["wandb"]["behind"]) == 2)
    check(f"refused, but said was {said}", "0 of 2 runs uploaded" in said and done["wandb"]["sync"] in said)
    wandb(server, program, folder, *done["wandb"]["sync"].split()[1:])
    for run in done["wandb"]["behind"]:
        check(f"{run['run']} did not arrive by the line", run["run"] in server.runs and server.runs[run["run"]].complete)


def unknown(server, program, folder):
    """A run of a sweep that W&B does not know."""
    done, said = handloom(server, program, folder, TRAIN, WANDB_SWEEP_ID="nosuch")
    check(f"uploaded: {done['wandb']}", done["wandb"]["uploaded"] is False and "nosuch" in done["wandb"]["why"])
    command = f"handloom export {done['run']} --format wandb --no-sweep"
    check(f"no word of what helps: {said}", "sweep nosuch not found" in said and command in said)
    written, said = handloom(server, program, folder, command.removeprefix("handloom ") + " --json")
    wandb(server, program, folder, "sync", written["path"])
    run = server.runs.get(done["run"])
    check("the run without its sweep did not arrive", run and run.complete and run.fields.get("sweep") is None)


def refused(server, program, folder):
    """Every answer that the client may meet: the run is at W&B, or said not to be and arrives later."""
    page = b"<html>Please log in</html>"
    answers = [("graphql", status, b"{}", 1000) for status in [401, 403, 404, 302, -1]]
    answers += [("graphql", 200, page, 1000), ("stream", 401, b"{}", 1000), ("stream", 404, b"{}", 1000),
                ("stream", 409, b"{}", 1000)]
    passing = [(kind, status, b"{}", 1) for kind in ["graphql", "stream", "upload"] for status in [429, 500, 0]]
    for kind, status, body, times in answers + passing:
        server.refuse[kind] = status, body, times
        done, said = handloom(server, program, folder, TRAIN)
        server.refuse.clear()
        what, run = f"{kind} {status} {times} times", done["run"]
        check(f"{what}: {done['wandb']}", done["wandb"]["uploaded"] is (times == 1))
        if times > 1:
            check(f"{what}: nothing was said: {said}", "warning: W&B:" in said and done["wandb"]["why"])
            wandb(server, program, folder, *done["wandb"]["sync"].split()[1:])
        arrived = server.runs.get(run)
        check(f"{what}: did not arrive", arrived and arrived.complete and len(arrived.rows()) >= 2)


def main():
    program, file = [pathlib.Path(path).resolve() for path in sys.argv[1:3]]
    server = wandb_server.Server()
    with tempfile.TemporaryDirectory() as folder:
        example(server, program, file, folder)
    print("a sweep by its file: finished, stopped, failed, went on", flush=True)
    for uploads in [local, unknown, refused]:
        with tempfile.TemporaryDirectory() as folder:
            uploads(wandb_server.Server(), program, folder)
        print(f"uploads: {uploads.__name__}", flush=True)

    def one(name):
        for with_file in [True, False]:
            with tempfile.TemporaryDirectory() as folder:
                macro(server, program, folder, name, with_file)
        print(f"${{{name}}}", flush=True)

    # One at a time the agents mostly wait: they look every five seconds.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, MACROS))
    check(f"the client asked for what the stand-in does not know: {server.unknown}", not server.unknown)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
