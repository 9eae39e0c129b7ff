"""Output of a measured table as Markdown and JSON, and of Figure 4 as a picture."""

from keras_fld._internal.files import replacing, write_json
from keras_fld._internal.plots import new_figure
from keras_fld.reports.report import DISTANCES


def write(result, out):
    """Writes NAME.md and NAME.json, and for Figure 4 also NAME.png.

    Args:
        result: the result of `table.reproduce`.
        out: the output folder, a `Path`.
    """
    name = result["table"]
    write_json(out / f"{name}.json", result)
    with replacing(out / f"{name}.md") as temporary:
        temporary.write_text(markdown(result), "utf-8")
    if name == "figure4" and any(row["measured"] for row in result["rows"]):
        plot_alphas(result, out / f"{name}.png")


def markdown(result):
    """Returns the table as Markdown, with the paper's figures next to the measured ones."""
    heads, cells = ["Method"], [[row["method"]] for row in result["rows"]]
    for column in result["columns"]:
        key, title = column["key"], column["title"]
        if any(key in row["paper"] for row in result["rows"]):
            heads.append(f"{title.partition(',')[0]}, paper")
            for row, line in zip(result["rows"], cells, strict=True):
                line.append(_number(row["paper"].get(key)))
        if not _shown(result, column):
            continue
        heads.append(f"{title}, measured")
        for row, line in zip(result["rows"], cells, strict=True):
            line.append(_measured(row, key))
    lines = [f"# {result['table']}: {result['title']}", ""]
    if result["synthetic"]:
        lines += ["**A trial with generated faces and a minute of training, not a result.**", ""]
    lines += ["NME in percent. " + _explained(result), "", _line(heads)]
    lines += [_line(["---"] * len(heads)), *map(_line, cells)]
    lines += _steps(result) + _trained(result)
    if result["notes"]:
        lines += ["", *(f"- {note}" for note in result["notes"])]
    return "\n".join(lines) + "\n"


def _shown(result, column):
    """Whether a column has measured figures or may still get some."""
    if column["dataset"] not in result["datasets"]:
        return not result["datasets"]
    runs = [run for row in result["rows"] for run in row["runs"]]
    runs = [run for run in runs if run["dataset"] == column["dataset"]]
    return not runs or any(column["key"] in run["figures"] for run in runs)


def _steps(result):
    """The section with the differences between rows."""
    if not result["steps"]:
        return []
    titles = {column["key"]: column["title"] for column in result["columns"]}
    papers = {row["method"]: row["paper"] for row in result["rows"]}
    lines = [
        "",
        "## From row to row",
        "",
        "Differences of the NME in percentage points; negative is better. Brackets: 95 % bootstrap "
        "interval over the faces, with errors averaged over the seeds. The last column lists the "
        "differences of the single seeds.",
        "",
        _line(["from", "to", "on", "paper", "measured", "by seed"]),
        _line(["---"] * 6),
    ]
    for step in result["steps"]:
        key, (low, high) = step["column"], step["interval"]
        before, after = (papers[step[side]].get(key) for side in ("before", "after"))
        paper = "" if before is None or after is None else f"{after - before:+.2f}"
        measured = f"{step['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
        seeds = ", ".join(f"{value:+.3f}" for value in step["by_seed"].values())
        lines.append(_line([step["before"], step["after"], titles[key], paper, measured, seeds]))
    return lines


def _trained(result):
    """The settings with which the measured rows were trained."""
    rows = [row for row in result["rows"] if row["runs"]]
    if not rows:
        return []
    changed = ", ".join(f"{key} {value}" for key, value in result["recipe"].items())
    lines = [
        "",
        f"Trained on the {result['backend']} backend with "
        + (f"{changed}, and otherwise " if changed else "")
        + "the defaults of `keras_fld.training.Recipe`. Rounds of the refined module: "
        f"{result['rounds']}. Peak learning rates:",
        "",
    ]
    for row in rows:
        for name in dict.fromkeys(run["dataset"] for run in row["runs"]):
            rates = {run["learning_rate"] for run in row["runs"] if run["dataset"] == name}
            said = ", ".join(f"{rate:g}" for rate in sorted(rates))
            search = row["searches"].get(name)
            if search and rates == {search["learning_rate"]}:
                tried = search["candidates"]
                said += ", the best of " + ", ".join(sorted(tried, key=float))
                said += " on held-out training faces"
            lines.append(f"- {row['method']}, {name}: {said}")
    return lines


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _number(value):
    return "" if value is None else f"{value:.2f}"


def _measured(row, key):
    if not row["measured_here"]:
        return "not measured"
    figure = row["measured"].get(key)
    if figure is None:
        return "–"
    if figure["spread"] is not None:
        return f"{figure['nme']:.2f} ± {figure['spread']:.2f}"
    low, high = figure["interval"]
    return f"{figure['nme']:.2f} [{low:.2f}, {high:.2f}]"


def _explained(result):
    seeds = result["seeds"]
    if len(seeds) == 1:
        return f"Brackets: 95 % bootstrap interval over the test faces; one run, seed {seeds[0]}."
    return (
        f"Mean ± standard deviation of {len(seeds)} runs, seeds {', '.join(map(str, seeds))}. "
        "Brackets: 95 % bootstrap interval over the faces, where only one run is complete so far."
    )


def plot_alphas(result, path):
    """Draws the NME over alpha, with one panel per measured dataset.

    Args:
        result: the result of `table.reproduce` for Figure 4.
        path: the PNG to write.
    """
    # A dataset's protocol is its first column.
    columns = {column["dataset"]: column for column in reversed(result["columns"])}
    panels = {}
    for column in columns.values():
        points = [
            (row["loss_options"]["alpha"], row["measured"][column["key"]])
            for row in result["rows"]
            if column["key"] in row["measured"]
        ]
        if points:
            panels[column["title"]] = column, points
    figure = new_figure(figsize=(5 * len(panels), 4))
    for index, (title, (column, points)) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, len(panels), index)
        alphas, nme = zip(*[(alpha, found["nme"]) for alpha, found in points], strict=True)
        axes.errorbar(alphas, nme, yerr=_bars(points), marker="o", capsize=3)
        axes.set(
            title=f"CNN-6 with LE, {title}" + (" (generated)" if result["synthetic"] else ""),
            xlabel="alpha",
            ylabel=f"NME in % of {DISTANCES[column['normalizer']]}",
            xticks=alphas,
        )
        axes.grid(alpha=0.3)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _bars(points):
    """Lengths of the error bars below and above: the spread of the seeds, or a run's interval."""
    below, above = [], []
    for _, found in points:
        low, high = found["interval"] or (
            found["nme"] - found["spread"],
            found["nme"] + found["spread"],
        )
        below.append(found["nme"] - low)
        above.append(high - found["nme"])
    return below, above
