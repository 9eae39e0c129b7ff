"""Rows, columns and numbers of the paper's Tables 2 to 5, and the alphas of its Figure 4.

The paper does not specify the optimizer, schedule, batch size, alpha and learning rates. The values
of alpha and the learning rates are set here; `--search` searches the learning rates. Everything
else is the default of `training.Recipe`.
"""

from dataclasses import dataclass, field
from typing import cast

# Peak learning rates of AdamW. Its steps do not depend on the size of the gradient, so L2 needs no
# larger rate, although its gradient is about 1/sqrt(N) of the others' (Eq. 1). Each rate was the
# best of three or four after 8 epochs with batch size 32 on 300W (docs/experiments.md). `--search`
# compares SEARCH_FACTORS times the rate on held-out training faces. If the best rate is the lowest
# or highest, it continues beyond it.
LEARNING_RATES = {
    "cnn6": dict.fromkeys(("l2", "l1", "nme", "wing", "le", "enme"), 1.5e-3),
    "trnet20": {"enme": 3e-3},
}
SEARCH_FACTORS = (0.3, 1.0, 3.0)
SEARCH_STEP = 3.0
SEARCH_MOST = 6
# Fraction of the training faces that a search holds out.
SEARCH_VALIDATION = 0.1


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        key: identifier of the column in `Row.paper`.
        title: title of the column.
        dataset: name of the dataset.
        subset: name of the test subset.
        normalizer: name of the normalizer of the NME.
        variant: whether the paper's number is in the previous column.
    """

    key: str
    title: str
    dataset: str
    subset: str
    normalizer: str
    variant: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table: a method.

    Args:
        method: name of the method in the paper.
        paper: key of a column to the paper's NME in percent.
        network: name of the network to train. None for methods of other papers.
        loss: name of the loss.
        loss_options: arguments of the loss.
        refined: whether the refined module is applied.
        learning_rate: peak learning rate of AdamW. None uses `LEARNING_RATES`.
    """

    method: str
    paper: dict[str, float] = field(default_factory=dict)
    network: str | None = None
    loss: str | None = None
    loss_options: dict = field(default_factory=dict)
    refined: bool = False
    learning_rate: float | None = None

    @property
    def key(self):
        """Name of the training run. Rows with the same key share the run, refined or not."""
        options = [f"{name}{value:g}" for name, value in self.loss_options.items()]
        return "-".join([*self._trained, *options])

    @property
    def rate(self):
        """Peak learning rate without a search."""
        network, loss = self._trained
        return self.learning_rate or LEARNING_RATES[network][loss]

    @property
    def _trained(self):
        """Network and loss of a trained row. Other rows have neither `key` nor `rate`."""
        return cast("tuple[str, str]", (self.network, self.loss))


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Args:
        name: name of the table, such as "table2".
        title: shortened caption.
        columns: its columns.
        rows: its rows in order.
        reference: a method with which each row before it is compared, in addition to the
            comparisons of neighboring rows.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    reference: str | None = None

    @property
    def datasets(self):
        """Names of the datasets in the paper's table."""
        return list(dict.fromkeys(column.dataset for column in self.columns))


AFLW = (Column("aflw", "AFLW", "aflw", "full", "face_box"),)
NORMALIZER_NOTE = (
    "cofw: Section 2.1 of the paper divides by the inter-pupil distance, Section 4.1 by the "
    "inter-ocular one; both are measured"
)
COFW = (
    Column("cofw", "COFW, inter-ocular", "cofw", "test", "inter_ocular"),
    Column("cofw_pupil", "COFW, inter-pupil", "cofw", "test", "inter_pupil", variant=True),
)
W300 = (
    Column("common", "300W common", "300w", "common", "inter_pupil"),
    Column("challenge", "300W challenge", "300w", "challenge", "inter_pupil"),
    Column("full", "300W full", "300w", "full", "inter_pupil"),
)
WFLW = (Column("wflw", "WFLW", "wflw", "test", "inter_ocular"),)
COLUMNS = {"aflw": AFLW, "cofw": COFW, "300w": W300, "wflw": WFLW}

# Wing: the values of the Wing paper. The paper does not give alpha; its Figure 4 varies that of LE.
WING = {"omega": 10.0, "epsilon": 2.0}
ALPHA = {"alpha": 2.0}
OURS_300W = {"common": 3.86, "challenge": 7.81, "full": 4.63}


def _ours(paper):
    return Row("TRNet-20 + ENME + RM", paper, "trnet20", "enme", ALPHA, refined=True)


TABLE2 = Table(
    "table2",
    "Networks and losses",
    AFLW + COFW,
    (
        Row("CNN-6 + L2", {"aflw": 2.41, "cofw": 7.03}, "cnn6", "l2"),
        Row("CNN-6 + L1", {"aflw": 2.00, "cofw": 6.70}, "cnn6", "l1"),
        Row("CNN-6 + NME", {"aflw": 1.88, "cofw": 6.60}, "cnn6", "nme"),
        Row("CNN-6 + Wing", {"aflw": 1.88, "cofw": 6.59}, "cnn6", "wing", WING),
        Row("CNN-6 + LE", {"aflw": 1.87, "cofw": 6.59}, "cnn6", "le", ALPHA),
        Row("CNN-6 + ENME", {"aflw": 1.83, "cofw": 6.49}, "cnn6", "enme", ALPHA),
        Row("TRNet-20 + ENME", {"aflw": 1.60, "cofw": 5.48}, "trnet20", "enme", ALPHA),
        # The figures on 300W are from Table 5, which has only this one of the rows here.
        _ours({"aflw": 1.57, "cofw": 5.39, **OURS_300W}),
    ),
    reference="CNN-6 + ENME",
)
TABLE3 = Table(
    "table3",
    "State of the art on COFW",
    COFW,
    (
        Row("ESR", {"cofw": 11.2}),
        Row("TCDCN", {"cofw": 8.05}),
        Row("MCNet", {"cofw": 6.08}),
        Row("DU-Net", {"cofw": 5.55}),
        _ours({"cofw": 5.39}),
    ),
)
TABLE4 = Table(
    "table4",
    "State of the art on AFLW",
    AFLW,
    (
        Row("DSRN", {"aflw": 1.86}),
        Row("SAN", {"aflw": 1.85}),
        Row("AAN", {"aflw": 1.73}),
        Row("FEC", {"aflw": 1.70}),
        Row("Wingloss", {"aflw": 1.65}),
        _ours({"aflw": 1.57}),
    ),
)
TABLE5 = Table(
    "table5",
    "State of the art on 300W",
    W300,
    (
        Row("ESR", {"common": 5.28, "challenge": 17.00, "full": 7.58}),
        Row("MCNet", {"challenge": 8.87}),
        Row("LDFFA", {"common": 4.10, "challenge": 9.99, "full": 5.26}),
        Row("CVAE", {"common": 4.96, "challenge": 8.87, "full": 5.22}),
        Row("AAN", {"common": 4.38, "challenge": 9.44, "full": 5.39}),
        Row("DSRN", {"common": 4.12, "challenge": 9.68, "full": 5.21}),
        Row("RF-CHN", {"common": 4.18, "challenge": 7.39, "full": 4.81}),
        _ours(OURS_300W),
    ),
)

# CNN-6 with LE for several alphas. Those of the figure are not readable. Alpha 0 is L1 (Eq. 9).
ALPHAS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def figure4(alphas=ALPHAS):
    """Returns Figure 4 as a table with one row for each alpha. The paper gives no numbers.

    Args:
        alphas: values of alpha, from 0.

    Returns:
        A `Table`.

    Raises:
        ValueError: an alpha is below 0.
    """
    rows = []
    for alpha in sorted(set(alphas)):
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0. Got: {alpha:g}")
        rows.append(Row(f"CNN-6 + LE, alpha {alpha:g}", {}, "cnn6", "le", {"alpha": alpha}))
    return Table("figure4", "CNN-6 with LE for different alpha", AFLW + COFW, tuple(rows))


FIGURE4 = figure4()
TABLES = {table.name: table for table in (TABLE2, TABLE3, TABLE4, TABLE5, FIGURE4)}
