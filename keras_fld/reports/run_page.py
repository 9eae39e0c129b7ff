"""The report of a training run as a self-contained HTML page."""

import json
from html import escape

from keras_fld.reports import curves, html_page
from keras_fld.reports.report import LIMIT, distance_label


def page(run, worst=()):
    """Returns the HTML report of a run.

    Args:
        run: a `run_folder.Run`.
        worst: the `evaluation.worst.WorstFace`s to show.

    Returns:
        The HTML page, including its pictures.

    Examples:
        >>> text = page(read_run("run"), gallery("run/model.keras", "300w", root))
    """
    parts = [_state(run), _figures(run), _regions(run), _training(run)]
    parts += [_gallery(worst), _recipe(run), _notes(run)]
    return html_page.document(f"Run {run.name}", "".join(parts))


def _state(run):
    total = run.recipe["epochs"]
    state = "Finished" if run.model_bytes is not None else "Unfinished"
    words = [f"{state}: {run.epochs} of {total} epochs"]
    if run.seconds:
        words.append(f"{_duration(run.seconds)} of training")
    if run.model_bytes is not None:
        words.append(f"model.keras of {run.model_bytes:,} bytes")
    elif run.evaluations:
        words[0] = f"{run.epochs} of {total} epochs, without model.keras"
    return f"<p>{escape(', '.join(words))}.</p>\n"


def _figures(run):
    """The table of all evaluations, and the CED curves with the first normalizer."""
    head = ("model", "subset", "normalizer", "faces", "NME %", "95 % range", "FR@10 %", "AUC@10")
    rows = [
        (
            found.name,
            row["subset"],
            row["normalizer"].replace("_", "-"),
            f"{row['faces']:,}",
            _number(row["nme"], 3),
            _range(row["interval"]),
            _number(row["failure_rate"], 2),
            _number(row["auc"], 2),
        )
        for found in run.evaluations
        for row in found.rows
    ]
    if not rows:
        return f"<h2>Figures</h2>\n<p>Not evaluated yet. {_next_step(run)}</p>\n"
    return (
        "<h2>Figures</h2>\n"
        + html_page.table(head, rows, words=3)
        + "<p>The range is a 95 % bootstrap interval of the NME over faces. FR@10 is the "
        "percentage of faces with an NME above 10 %. AUC@10 is the area under the CED "
        "curve up to 10 %.</p>\n" + _ced(run)
    )


def _next_step(run):
    if run.model_bytes is None:
        return (
            "Finish the training first: run the same <code>keras-fld train</code> command again to "
            "resume it."
        )
    root = "" if str(run.recipe.get("dataset")).startswith("synthetic") else " --root ROOT"
    return f"Run <code>keras-fld evaluate RUN{root} --out RUN</code>."


def _ced(run):
    normalizer, errors = None, {}
    for found in run.evaluations:
        for subset, columns in found.errors.items():
            normalizer = normalizer or next(iter(columns), None)
            if normalizer in columns:
                errors[f"{found.name} {subset}"] = columns[normalizer]
    if not errors or normalizer is None:
        return ""
    image = curves.ced_curves(errors, distance_label(normalizer), limit=LIMIT)
    return html_page.picture(image, 720, "cumulative error distribution", photograph=False) + "\n"


def _regions(run):
    """The NME of facial regions, and of visible and occluded landmarks, if known."""
    lines = [(x.name, subset, parts) for x in run.evaluations for subset, parts in x.parts.items()]
    columns = dict.fromkeys(part for *_, parts in lines for part in parts)
    if not columns:
        return ""
    rows = [
        (name, subset, *(_number(parts.get(column), 3) for column in columns))
        for name, subset, parts in lines
    ]
    head = ("model", "subset", *columns)
    return "<h2>Facial regions, NME %</h2>\n" + html_page.table(head, rows, words=2)


def _training(run):
    if not run.epochs:
        return "<h2>Training</h2>\n<p>No epoch has been completed yet.</p>\n"
    # A picture for each panel, so that they stand below each other on a telephone.
    panels = []
    for column in run.log:
        if column not in ("epoch", "seconds") and not column.startswith("val_"):
            log = {k: v for k, v in run.log.items() if k in ("epoch", column, f"val_{column}")}
            image = curves.training_curves(log, run.recipe["epochs"])
            alt = f"{column} over the epochs"
            panels.append(html_page.picture(image, 450, alt, photograph=False))
    return f"<h2>Training</h2>\n{''.join(panels)}\n"


def _gallery(worst):
    if not worst:
        return ""
    figures = "".join(
        html_page.picture(
            face.picture,
            290,
            face.name,
            f"{face.name}, {face.subset}: {face.error:.2f} % {face.normalizer.replace('_', '-')}",
        )
        for face in worst
    )
    return (
        "<h2>Faces with the largest errors</h2>\n"
        '<p><b class="reference">Rings: annotated</b>, <b class="model">dots: predicted</b>. '
        "The photographs belong to the dataset. Share this page only if the dataset's license "
        f"allows it.</p>\n{figures}\n"
    )


def _recipe(run):
    versions = run.about.get("versions")
    versions = versions if isinstance(versions, dict) else {}
    rows = [(f"version of {name}", str(version)) for name, version in versions.items()]
    rows += [
        (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in [*run.about.items(), *run.recipe.items()]
        if key != "versions"
    ]
    return "<h2>Recipe</h2>\n" + html_page.table(("option", "value"), rows, words=2)


def _notes(run):
    said = [f"{found.name}: {note}" for found in run.evaluations for note in found.notes]
    return "<h2>Notes</h2>\n" + html_page.notes(said) if said else ""


def _number(value, digits):
    """A figure as text, or a dash if it is unknown."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def _range(interval):
    low, high = interval
    return "–" if low != low else f"{low:.3f}–{high:.3f}"


def _duration(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
