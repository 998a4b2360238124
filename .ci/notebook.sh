# The notebook of the assignment, from top to bottom in Jupyter, on the built-in data. Sourced by `run` after `exports.sh`, which knows
# how packages are had.
# shellcheck shell=bash

notebook_runs() {
    command -v python3 >/dev/null || skip "no python3"
    local folder=$scratch/notebook
    packages jupyter nbclient nbformat ipykernel
    mkdir -p "$folder"
    HANDLOOM=$handloom HANDLOOM_DATASET=garments HANDLOOM_MINUTES=0.3 HANDLOOM_SEEDS=3 \
        "$scratch/jupyter/bin/python" - examples/assignment.ipynb "$folder" <<'PYTHON'
import sys

import nbformat
from nbclient import NotebookClient

path, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
assert not any(cell.get("outputs") for cell in notebook.cells), "the notebook is committed without outputs"
NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
pictures = [
    output
    for cell in notebook.cells
    for output in cell.get("outputs", [])
    if "image/svg+xml" in output.get("data", {})
]
print(f"{len(notebook.cells)} cells, {len(pictures)} pictures")
assert len(pictures) >= 10, "pictures are missing"
text = "".join(str(cell.get("outputs")) for cell in notebook.cells)
for said in ["combinations agree", "test accuracy", "Question 10"]:
    assert said in text, f"the notebook does not say `{said}`"
PYTHON
}

step "the assignment's notebook" notebook_runs
