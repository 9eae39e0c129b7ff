"""The results as text tables."""


def summary(report):
    """A row for each model and CPU of a report."""
    lines = [
        f"{'model':<32}{'CPU':<12}{'M instructions':>15}{'MACs each':>11}"
        f"{'integers equal':>16}{'output off':>12}  part at"
    ]
    for model in report["models"]:
        for row in model["results"]:
            integers = [x for x in row["operators"] if x.get("integer")]
            equal = sum(not x["differing"] for x in integers)
            lines.append(
                f"{model['model'][:31]:<32}{row['cpu']:<12}{row['instructions'] / 1e6:>15.3f}"
                f"{model['macs'] / row['instructions']:>11.2f}"
                f"{f'{equal} of {len(integers)}':>16}{row['output_off']:>12.5f}  {_parting(row)}"
            )
            if not row["as_expected"]:
                lines.append(f"{'':<32}{row['cpu']:<12} NOT AS EXPECTED")
    return "\n".join(lines)


def accuracy(model):
    """The NME of a model on each machine, from `nme.compare`."""
    dataset, *places = model["nme"]
    figures = [
        f"{place} {subset} {nme:.4f} %"
        for place in places
        for subset, nme in model["nme"][place].items()
    ]
    return f"{model['model']} on {model['nme'][dataset]}: {', '.join(figures)}"


def operators(model):
    """Instructions of each operator on each CPU, from a model's entry of the report."""
    heads = "".join(f"{row['cpu']:>14}" for row in model["results"])
    lines = [f"{model['model']}: instructions", f"{'':<4}{'operator':<18}{'shape':<18}{'MACs':>12}"]
    lines[1] += heads
    for index, rows in enumerate(zip(*(row["operators"] for row in model["results"]), strict=True)):
        shape = "x".join(map(str, rows[0]["shape"]))
        counts = "".join(
            f"{row['instructions']:>14,}" if "instructions" in row else f"{'-':>14}" for row in rows
        )
        operator = rows[0]["operator"]
        lines.append(f"{index:<4}{operator:<18}{shape:<18}{rows[0]['macs']:>12,}{counts}")
    return "\n".join(lines)


def _parting(row):
    """Kinds of operators that differ between the two machines, with the largest difference."""
    largest = {}
    for x in row["operators"]:
        if x.get("differing") and not x["inherited"]:
            kind = f"{x['operator']} ({'integer' if x['integer'] else 'float'})"
            largest[kind] = max(largest.get(kind, 0), x["largest"])
    return ", ".join(f"{kind} by {value:.3g}" for kind, value in largest.items()) or "nothing"
