"""One sweep on several machines: agents in network namespaces of their own, with hostnames of their own, reach one
PostgreSQL server over virtual cables. One agent is killed and one is cut off, and comes back.

    python3 many_machines.py HANDLOOM postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE [grid|random|bayes]...

For grid and random search the sweep must have the trials of a sweep on one machine, with the same parameters, figures
and weights; for Bayesian search every trial must be complete and owned once. Wants root. Exits 1 if anything differs.
"""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PATIENCE = 240
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
STORE = urllib.parse.urlsplit(sys.argv[2])
TRIALS = 24
# When the cable of the machine that was cut off is put in again: seconds, or after everybody else is done.
BACK = {"grid": None, "random": 15, "bayes": 40}

PARAMETERS = {
    "dataset": {"value": "garments"},
    "epochs": {"value": 12},
    "batch_size": {"value": 32},
    "num_layers": {"value": 2},
    "learning_rate": {"values": [0.0005, 0.001, 0.002, 0.004]},
    "hidden_size": {"values": [48, 64, 96]},
    "activation": {"values": ["relu", "tanh"]},
}
METRIC = {"name": "val_accuracy", "goal": "maximize"}

wrong = []


def check(said, holds):
    if not holds:
        wrong.append(said)
        print(f"  WRONG: {said}", flush=True)


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def free_network():
    """The first three parts of addresses that no cable of this machine has: one that was left behind has some."""
    taken = subprocess.run(["ip", "-o", "-4", "address"], check=True, capture_output=True, text=True).stdout
    return next(network for network in (f"10.213.{third}" for third in range(256)) if f" {network}." not in taken)


def relay(listener, target):
    """Hands whoever connects on to the server, which listens on the loopback interface alone."""

    def pump(sides):
        with sides[0], sides[1]:
            while True:
                for side in select.select(sides, [], [])[0]:
                    try:
                        data = side.recv(65536)
                        if not data:
                            return
                        sides[1 - sides.index(side)].sendall(data)
                    except OSError:
                        return

    def listen():
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=pump, args=([here, socket.create_connection(target)],), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()


class Machine:
    """A namespace with a cable to this machine."""

    def __init__(self, number, network, folder):
        self.name, self.space, self.cable = f"agent{number}", f"hl{os.getpid()}n{number}", f"hl{os.getpid() % 10000}c{number}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        self.process = None
        here, there = f"{network}.{4 * number + 1}", f"{network}.{4 * number + 2}"
        sh("ip", "netns", "add", self.space)
        sh("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        sh("ip", "address", "add", f"{here}/30", "dev", self.cable)
        sh("ip", "link", "set", self.cable, "up")
        for words in [["address", "add", f"{there}/30", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]]:
            sh("ip", "-n", self.space, *words)
        self.listener = socket.create_server((here, 0))
        relay(self.listener, (STORE.hostname, STORE.port))
        self.store = STORE._replace(netloc=f"{STORE.username}:{STORE.password}@{here}:{self.listener.getsockname()[1]}").geturl()

    def start(self, sweep):
        agent = f"hostname {self.name} && exec {PROGRAM} sweep agent {sweep} --workers 1"
        log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(["ip", "netns", "exec", self.space, "unshare", "--uts", "sh", "-c", agent],
                                        cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env=plain() | {"HANDLOOM_STORE": self.store})

    def cut(self, off):
        sh("ip", "link", "set", self.cable, "down" if off else "up")

    def ended(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "not"

    def log(self):
        log = self.folder / "log"
        return log.read_text()[-1500:] if log.exists() else "nothing: it was never started"

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.listener.close()
        subprocess.run(["ip", "link", "del", self.cable], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "del", self.space], stderr=subprocess.DEVNULL)


def plain():
    return {key: value for key, value in os.environ.items() if not key.startswith(("WANDB_", "HANDLOOM_"))}


def handloom(store, *words):
    done = subprocess.run([str(PROGRAM), *words, "--store", store], env=plain(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise SystemExit(f"handloom {' '.join(words)}: {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def show(store, sweep):
    return handloom(store, "sweep", "show", sweep, "--json")[-1]


def runs(store, sweep):
    return {run["run"]: run for run in handloom(store, "ls", "--json") if run.get("sweep") == sweep}


def results(store, sweep):
    """What each trial came to, by its number."""
    known = runs(store, sweep)
    trials = show(store, sweep)["trials"]
    return {
        trial["number"]: (trial["status"], json.dumps(trial["parameters"], sort_keys=True), trial["val_accuracy"],
                          known[trial["run"]]["weights_sha256"])
        for trial in trials
    }


def until(what, holds):
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        found = holds()
        if found:
            return found
        time.sleep(0.3)
    raise SystemExit(f"waited {PATIENCE} s in vain: {what}")


def on(machine, store, sweep):
    """The run that an agent trains."""
    found = [run for run in runs(store, sweep).values() if run["host"] == machine.name and run["status"] == "running"]
    return found[0]["run"] if found else None


def many(method, file, folder, store):
    # Every trial is trained, so that there is something to kill: the sweeps of one store draw the same points.
    sweep = handloom(store, "sweep", "create", str(file), "--no-reuse", "--json")[-1]["sweep"]
    network = free_network()
    machines = []
    try:
        for number in range(4):
            machines.append(Machine(number, network, folder))
        steady, killed, lost, late = machines
        for machine in [steady, killed, lost]:
            machine.start(sweep)
        until("some trials", lambda: sum(run["status"] == "finished" for run in runs(store, sweep).values()) >= 3)
        until("a run of the agent to be killed", lambda: on(killed, store, sweep))
        killed.process.kill()
        killed.process.wait()
        until("a run of the agent to be cut off", lambda: on(lost, store, sweep))
        lost.cut(True)
        cut = time.monotonic()
        print(f"  {sum(run['status'] == 'finished' for run in runs(store, sweep).values())} of {TRIALS} trials were done",
              flush=True)
        late.start(sweep)
        if BACK[method]:
            time.sleep(BACK[method])
            lost.cut(False)
        for machine in [steady, late]:
            code = machine.ended()
            check(f"{machine.name} ended with {code}:\n{machine.log()}", code == 0)
        if not BACK[method]:
            lost.cut(False)
        away = time.monotonic() - cut
        code = lost.ended()
        check(f"{lost.name}, which was cut off, ended with {code}:\n{lost.log()}", code == 0)

        shown, known = show(store, sweep), runs(store, sweep)
        trials = shown["trials"]
        check(f"the sweep is {shown['status']}", shown["status"] in ["finished", "complete", "done"])
        check(f"{[trial['number'] for trial in trials]} are the trials", sorted(t["number"] for t in trials) == list(range(TRIALS)))
        open_ = [trial for trial in trials if trial["status"] != "finished" or not 0 <= trial["val_accuracy"] <= 1]
        check(f"not complete: {open_}", not open_)
        owned = [trial["run"] for trial in trials]
        check("a run is of two trials", len(set(owned)) == TRIALS)
        # What an agent had in hand when it was killed or cut off is of no trial, even if it came to an end by itself.
        vain = sorted((run["host"], run["status"]) for name, run in known.items() if name not in owned)
        allowed = {killed.name: ["killed", "finished"], lost.name: ["killed", "stopped", "finished"]}
        check(f"runs that are of no trial: {vain}", all(status in allowed.get(host, []) for host, status in vain) and
              len({host for host, _ in vain}) == len(vain))
        taken = sum(trial["attempts"] - 1 for trial in trials)
        check(f"{taken} trials were begun again, and {len(vain)} runs are of no trial", taken == len(vain))
        print(f"  begun in vain: {vain}", flush=True)
        hosts = {name: sum(known[run]["host"] == name for run in owned) for name in [m.name for m in machines]}
        print(f"  trials by machine: {hosts}; {lost.name} was away for {away:.0f} s at least", flush=True)
        return sweep
    except SystemExit:
        for machine in machines:
            print(f"{machine.name}'s log ends with\n{machine.log()}", flush=True)
        raise
    finally:
        for machine in machines:
            machine.remove()


def main():
    # The cables are removed when the script is told to stop, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    store = STORE.geturl()
    for method in sys.argv[3:] or BACK:
        print(f"{method}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "sweep.yaml"
            cap = {} if method == "grid" else {"run_cap": TRIALS}
            file.write_text(json.dumps({"method": method, "metric": METRIC, "parameters": PARAMETERS} | cap))
            sweep = many(method, file, folder, store)
            if method == "bayes":
                continue
            alone = f"{folder}/alone"
            handloom(alone, "sweep", str(file), "--workers", "2", "--no-reuse", "--json")
            (one,) = handloom(alone, "sweep", "ls", "--json")
            expected, found = results(alone, one["sweep"]), results(store, sweep)
            differ = {number: (expected.get(number), found.get(number)) for number in expected | found
                      if expected.get(number) != found.get(number)}
            check(f"other than on one machine: {differ}", not differ)
            print(f"  {len(found)} trials, the same as on one machine", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
