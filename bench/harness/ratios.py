"""Raw lines of `../run` made into tables."""

from statistics import median

from . import machine, pages
from .peers import label
from .workloads import IMAGES, WORKLOADS


def warm(line, key="train_s"):
    """Epochs after the first, which compiles and warms up."""
    return line[key][1:] or line[key]


def brief(line):
    """One run in one line."""
    head = f"{line['workload']} {line['threads']}t {line['peer']:20}"
    if "error" in line:
        return f"{head} FAILED: {line['error']}"
    seconds = warm(line)
    probes = "/".join(f"{rate:.0f}" for name in ("fma_before", "fma_after") for rate in line[name].values())
    return (
        f"{head} {median(seconds):8.3f} s ({min(seconds):.3f}-{max(seconds):.3f})  first {line['train_s'][0]:.2f}  "
        f"validation {median(warm(line, 'val_s')):.3f}  accuracy {line['val_acc'][-1]:.3f}  "
        f"{line['peak_rss_mb']} MB  noise {line['noise']:.2f}  fma {probes}"
    )


class Group:
    """The runs of one tool at one workload and number of threads."""

    def __init__(self, lines):
        self.lines = lines
        self.seconds = [second for line in lines for second in warm(line)]

    def of(self, key):
        return median(line[key] for line in self.lines)

    def ratio(self, other):
        """How much longer this takes than `other`: the median over rounds, in each of which both ran."""
        rounds = {line["round"]: median(warm(line)) for line in other.lines}
        return median(median(warm(line)) / rounds[line["round"]] for line in self.lines if line["round"] in rounds)

    def peaks(self):
        """Median FMA rate beside these runs, by instruction set."""
        probes = [line[key] for line in self.lines for key in ("fma_before", "fma_after")]
        return {name: median(probe[name] for probe in probes) for name in probes[0]}


def text(lines):
    """The page: machine, summary, and a table for each workload and number of threads."""
    # Several files may be joined: the first one's head speaks for all, and rounds of different files are different.
    head, files = lines[0], 0
    for line in lines:
        files += "machine" in line
        line["round"] = (files, line.get("round"))
    lines = [line for line in lines if "machine" not in line]
    runs = [line for line in lines if "error" not in line]
    keys = sorted({(line["workload"], line["threads"]) for line in runs})
    groups = {key: grouped([line for line in runs if (line["workload"], line["threads"]) == key]) for key in keys}
    probes = {}
    for (_, threads), tools in groups.items():
        probes.setdefault(threads, []).append(Group([line for group in tools.values() for line in group.lines]).peaks())
    probes = {threads: {name: median(p[name] for p in all_) for name in all_[0]} for threads, all_ in probes.items()}
    versions = {line["peer"]: line["version"] for line in runs}
    parts = [pages.machine_line(head["machine"], head["commit"], probes), how(head), summary(groups)]
    parts += ["How many times as long as Handloom each tool takes for an epoch:", ratios(groups)]
    for (workload, threads), tools in groups.items():
        parts.append(f"**{workload}, {threads} thread{'s' * (threads > 1)}** ({WORKLOADS[workload]})")
        parts.append(detail(tools))
    parts.append(
        "Versions: "
        + "; ".join(f"{name(peer)} {version.removeprefix('handloom ')}" for peer, version in sorted(versions.items()))
        + "."
    )
    failed = [
        f"{line['workload']} {line['threads']}t {name(line['peer'])}: {line['error']}"
        for line in lines
        if "error" in line
    ]
    missing = [f"{tool}: {reason}" for tool, reason in head["skipped"].items()] + failed
    if missing:
        parts.append("Not measured: " + "; ".join(missing) + ".")
    return "\n\n".join(filter(None, parts))


def how(head):
    """How the runs were made, as the raw lines have it since they say so."""
    flushed = {True: "Peers' subnormal numbers were flushed to zero.", False: "Peers kept their subnormal numbers."}
    said = [f"One run: {head['how']}, the first of which is left out." if "how" in head else None]
    return " ".join(filter(None, [*said, flushed.get(head.get("flushes"))]))


def ratios(groups):
    """Each peer against ours, one column for each workload and number of threads."""
    peers = sorted({peer for tools in groups.values() for peer in tools if peer != "handloom"}, key=name)
    columns = {key: tools for key, tools in groups.items() if "handloom" in tools}

    def cell(tools, peer):
        return f"{tools[peer].ratio(tools['handloom']):.2f}" if peer in tools else "–"

    return pages.table(
        ["", *(f"{workload}, {threads}t" for workload, threads in columns)],
        [[name(peer), *(cell(tools, peer) for tools in columns.values())] for peer in peers],
    )


def grouped(lines):
    """Groups by tool, the fastest first."""
    tools = {peer: Group([line for line in lines if line["peer"] == peer]) for peer in {line["peer"] for line in lines}}
    return dict(sorted(tools.items(), key=lambda item: median(item[1].seconds)))


def name(peer):
    return "Handloom" if peer == "handloom" else label(peer)


def summary(groups):
    """Ours against the best of theirs."""
    rows = []
    for (workload, threads), tools in groups.items():
        if "handloom" not in tools:
            continue
        ours = tools["handloom"]
        isa = machine.peak_set(ours.lines[0]["isa"])
        peak = ours.peaks().get(isa)
        gflop = WORKLOADS[workload].flops(IMAGES) / 1e9
        rate = gflop / median(ours.seconds)
        best = next((peer for peer in tools if peer != "handloom"), None)
        rows.append(
            [
                f"{workload}, {threads}t",
                f"**{pages.seconds(median(ours.seconds))}**",
                f"{rate:.0f}",
                f"{rate / peak:.0%} of {isa}" if peak else "–",
                pages.seconds(gflop / peak) if peak else "–",
                f"{name(best)} {pages.seconds(median(tools[best].seconds))}" if best else "–",
                f"**{tools[best].ratio(ours):.2f} x**" if best else "–",
            ]
        )
    return pages.table(
        [
            "",
            "Handloom, s an epoch",
            "GFLOP/s",
            "share of the FMA peak",
            "floor, s",
            "best peer, s",
            "Handloom is faster by",
        ],
        rows,
    )


def detail(tools):
    rows, ours = [], tools.get("handloom")
    for peer, group in tools.items():
        seconds = group.seconds
        low, high = pages.seconds(min(seconds)), pages.seconds(max(seconds))
        rows.append(
            [
                f"**{name(peer)}**" if peer == "handloom" else name(peer),
                f"{pages.seconds(median(seconds))} ({low}–{high}, {len(seconds)})",
                f"{group.ratio(ours):.2f}" if ours else "–",
                pages.seconds(median(second for line in group.lines for second in warm(line, "val_s"))),
                f"{group.of('cpu_s'):.1f} / {group.of('wall_s'):.1f}",
                f"{group.of('peak_rss_mb'):.0f}",
                f"{median(line['val_acc'][-1] for line in group.lines):.3f}",
                f"{max(line['noise'] for line in group.lines):.2f}",
            ]
        )
    return pages.table(
        [
            "",
            "s an epoch: median (range, epochs)",
            "x Handloom",
            "validation, s",
            "CPU s / wall s of the process",
            "peak RSS, MB",
            "validation accuracy",
            "noise, cores",
        ],
        rows,
    )
