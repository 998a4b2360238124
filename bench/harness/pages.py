"""Tables in Markdown, and their places in docs/performance.md."""

from .ours import ROOT

PAGE = ROOT / "docs/performance.md"


def table(head, rows):
    """Lines of a table; the first column is left-aligned, numbers are right-aligned."""

    def line(cells):
        return "| " + " | ".join(cells) + " |"

    return "\n".join([line(head), line(["---"] + ["--:"] * (len(head) - 1)), *map(line, rows)])


def write(name, text):
    """Puts `text` between the marks `<!-- name -->` and `<!-- /name -->`."""
    page = PAGE.read_text()
    before, begin, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not begin or not end:
        raise SystemExit(f"error: {PAGE.name} has no place for `{name}`")
    PAGE.write_text(f"{before}{begin}{text}\n{end}{after}")
    print(f"wrote `{name}` in {PAGE.relative_to(ROOT)}")


def seconds(value):
    """Three digits that count."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def machine_line(facts, commit, probes):
    """One paragraph: where and when the figures below it were measured. `probes`: threads -> set -> GFLOP/s."""
    peaks = "; ".join(
        f"{threads} core{'s' * (threads > 1)} " + ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
        for threads, rates in sorted(probes.items())
        if rates
    )
    return (
        f"{facts['date']}, commit {commit}, on {facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"{facts['kernel']}; {' '.join(facts['sets'])}."
        + (f" FMA peak measured beside the runs, GFLOP/s: {peaks}." if peaks else "")
    )
