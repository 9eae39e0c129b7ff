"""Summary of the rounds of each configuration as a row of the table."""

import statistics

FIGURES = ("avg_ms", "p5_ms", "median_ms", "p95_ms", "first_ms", "init_ms", "memory_mb")
PAPER = {"device": "Snapdragon 820", "statistic": "average", "frames_per_second": 120}


def summarize(rows):
    """Medians over the rounds, if all succeeded."""
    for row in rows:
        if "error" in row:
            continue
        for figure in FIGURES:
            values = [x[figure] for x in row["rounds"] if x[figure] is not None]
            row[figure] = statistics.median(values) if values else None
        row["delegated"] = row["rounds"][0]["delegated"]
        best = [x["median_ms"] or x["avg_ms"] for x in row["rounds"]]
        row["frames_per_second"] = 1000 / (row["median_ms"] or row["avg_ms"])
        row["drift"] = best[-1] / best[0] - 1 if len(best) > 1 else None


def table(rows):
    """The rows as aligned text, followed by the figure of the paper."""
    fps = PAPER["frames_per_second"]
    paper = f"paper, {PAPER['device']}"
    width = max(len(paper), *(len(row["model"]) for row in rows))
    line = (
        f"{{:<{width}}} {{:<6}}{{:>8}}{{:>11}}{{:>9}}{{:>9}}{{:>10}}{{:>10}}{{:>7}}{{:>8}}  {{}}"
    ).format
    heads = ("on", "threads", "median ms", "p95 ms", "avg ms", "frames/s", "init ms", "MB", "drift")
    lines = [line("model", *heads, "delegate runs")]

    def number(value, form="{:.3f}"):
        return "-" if value is None else form.format(value)

    for row in rows:
        start = row["model"], row["on"], row["threads"] if row["on"] == "cpu" else "-"
        if "error" in row:
            name, where, threads = start
            lines.append(f"{name:<{width}} {where:<6}{threads:>8}  {row['error']}")
            continue
        times = (number(row[name]) for name in ("median_ms", "p95_ms", "avg_ms"))
        rest = number(row["init_ms"], "{:.1f}"), number(row["memory_mb"], "{:.1f}")
        drift = number(row["drift"], "{:+.1%}")
        rate = number(row["frames_per_second"], "{:.1f}")
        lines.append(line(*start, *times, rate, *rest, drift, row["delegated"] or "not said"))
    lines.append("-" * len(lines[0]))
    lines.append(line(paper, "cpu", "-", "-", "-", f"{1000 / fps:.1f}", fps, "-", "-", "-", "-"))
    return "\n".join(lines)
