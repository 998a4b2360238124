"""Kills agents of a sweep at any moment, and checks that no trial is lost, failed or run to its end twice.

    agent_kills.py HANDLOOM KILLS [SEED]

Three agents of two workers share sweeps of trials of about two seconds. Every second or two one of them is killed by
`kill -9` and another one takes its place, until that happened KILLS times; the last sweep then runs to its end. A death
hits every trial that the agent ran. Which moment is hit does not matter: every outcome must be right. "Given up" are trials
whose process was killed three times while it ran nothing else, as the rules of a sweep have it.
"""

import collections
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

TRIALS, AGENTS, WORKERS = 60, 3, 2
SWEEP = """
method: random
metric: {{name: val_accuracy, goal: maximize}}
run_cap: {trials}
parameters:
  learning_rate: {{distribution: log_uniform_values, min: 1.0e-4, max: 1.0e-2}}
  epochs: {{value: {epochs}}}
  batch_size: {{value: 64}}
  num_layers: {{value: 1}}
  hidden_size: {{value: 32}}
"""


def main(handloom, kills, seed):
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        total = collections.Counter()
        took = []
        sweep = epochs = None
        while total["kills"] < kills:
            epochs = epochs or calibrated(handloom, folder)
            sweep = created(handloom, folder, epochs)
            total += worked(handloom, folder, sweep, kills - total["kills"], draw)
            total += checked(handloom, folder, sweep, took)
        print(f"trials of {epochs} epochs took {sum(took) / len(took):.1f} s in the mean")
        figures = ("kills", "sweeps", "trials", "deaths", "lost", "failed", "doubled", "given_up")
        print(", ".join(f"{total[what]} {what.replace('_', ' ')}" for what in figures))
        sys.exit(1 if total["lost"] or total["failed"] or total["doubled"] else 0)


def output(handloom, folder, *words):
    ended = subprocess.run([handloom, *words], cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, (words, ended.returncode, ended.stderr)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def calibrated(handloom, folder):
    """Epochs that take about two seconds when every worker has its share of this machine."""
    (pathlib.Path(folder) / "sweep.yaml").write_text(SWEEP.format(trials=AGENTS * WORKERS, epochs=4))
    workers = str(AGENTS * WORKERS)
    events = output(handloom, folder, "sweep", "sweep.yaml", "-d", "garments", "--workers", workers, "--quiet", "--json")
    seconds = [event["seconds"] for event in events if event["event"] == "trial"]
    return max(1, round(4 * 2.0 * len(seconds) / sum(seconds)))


def created(handloom, folder, epochs):
    (pathlib.Path(folder) / "sweep.yaml").write_text(SWEEP.format(trials=TRIALS, epochs=epochs))
    # Every sweep draws other points, so that no result of an earlier one is taken.
    seed = str(random.SystemRandom().randrange(1 << 30))
    return output(handloom, folder, "sweep", "create", "sweep.yaml", "-d", "garments", "--seed", seed, "--json")[-1]["sweep"]


def worked(handloom, folder, sweep, kills, draw):
    """Kills agents until the sweep is over, at most so many times."""
    start = lambda: subprocess.Popen(
        [handloom, "sweep", "agent", sweep, "--workers", str(WORKERS), "--quiet"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    agents, count = [start() for _ in range(AGENTS)], collections.Counter(sweeps=1)
    while any(agent.poll() is None for agent in agents):
        if count["kills"] == kills:
            [agent.wait() for agent in agents]
            break
        time.sleep(draw.uniform(0.5, 2.5))
        at = draw.randrange(AGENTS)
        if agents[at].poll() is None:
            agents[at].kill()
            count["kills"] += agents[at].wait() == -9
            agents[at] = start()
    # The last one may have been killed with its trials.
    output(handloom, folder, "sweep", "agent", sweep, "--quiet", "--json")
    return count


def checked(handloom, folder, sweep, took):
    shown = output(handloom, folder, "sweep", "show", sweep, "--json")[-1]
    trials = shown["trials"]
    ends = collections.Counter()
    with sqlite3.connect(pathlib.Path(folder) / ".handloom/handloom.db") as store:
        claimed = {}
        for at_ms, text in store.execute("SELECT at_ms, entry FROM journal WHERE sweep = ? ORDER BY seq", [sweep]):
            entry = json.loads(text)
            if entry["kind"] == "claimed":
                claimed.setdefault((entry["number"], entry["attempt"]), at_ms)
            if entry["kind"] == "ended":
                ends[entry["number"]] += 1
                took.append((at_ms - claimed[entry["number"], entry["attempt"]]) / 1000)
    runs = {trial["run"] for trial in trials if trial["status"] == "finished"}
    over = [trial for trial in trials if trial["status"] == "failed"]
    # Three kills while it ran alone are reason enough to give a trial up; so many hit one only if they come more often
    # than trials end.
    given_up = [trial for trial in over if trial["why"].startswith("process killed") and trial["deaths"] >= 3]
    failed = [trial for trial in over if trial not in given_up]
    for trial in over:
        print(f"trial {trial['number']} of sweep {sweep}, {trial['deaths']} deaths: {trial['why']}")
    finished = sum(trial["status"] == "finished" for trial in trials)
    return collections.Counter(
        trials=len(trials),
        deaths=sum(trial["attempts"] - 1 for trial in trials),
        lost=TRIALS - finished - len(over),
        failed=len(failed),
        given_up=len(given_up),
        doubled=sum(count > 1 for count in ends.values()) + finished - len(runs),
    )


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
