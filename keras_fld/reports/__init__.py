"""Reports of trainings and evaluations: tables, curves and HTML pages. They do not need Keras."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

_NAMES = {
    "Report": "report",
    "SubsetResult": "report",
    "ced_auc": "report",
    "ced_curves": "curves",
    "compare": "comparison",
    "failure_rate": "report",
    "plot_ced": "report",
    "training_curves": "curves",
}

__all__ = [
    "Report",
    "SubsetResult",
    "ced_auc",
    "ced_curves",
    "compare",
    "failure_rate",
    "plot_ced",
    "training_curves",
]

if TYPE_CHECKING:  # for editors and type checkers, which cannot see lazy names
    from keras_fld.reports.comparison import compare
    from keras_fld.reports.curves import ced_curves, training_curves
    from keras_fld.reports.report import Report, SubsetResult, ced_auc, failure_rate, plot_ced

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
