# The hashes of small trainings against their history. Sourced by `run`.
# shellcheck shell=bash

# Under one number of `NUMERICS` no hash that was ever committed may change: others rely on equal numbers giving equal bits.
numerics() {
    command -v python3 >/dev/null || skip "no python3"
    [[ $(git rev-parse --is-shallow-repository) == false ]] || skip "the clone has no history"
    python3 - <<'PYTHON'
import json, subprocess, sys

path = "crates/engine/goldens/weights.json"
git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout
now = {entry["numerics"]: entry for entry in json.load(open(path))}
wrong, versions = [], git("log", "--format=%H", "--", path).split()
for commit in versions:
    for entry in json.loads(git("show", f"{commit}:{path}")):
        for kind in ("fused", "unfused"):
            for case, sha256 in entry[kind].items():
                if now.get(entry["numerics"], {}).get(kind, {}).get(case) != sha256:
                    wrong.append(f"{commit[:9]}: {case} ({kind}) under NUMERICS {entry['numerics']}")
print(f"{len(versions)} versions of {path} agree" if not wrong else "changed or gone:\n" + "\n".join(sorted(set(wrong))))
sys.exit(bool(wrong))
PYTHON
}

step "weights hashes and their history" numerics
