"""The paper's tables and its Figure 4 as commands: what it gives beside what is measured here."""

from keras_fld.reproduce.tables import FIGURE4, TABLES

__all__ = ["FIGURE4", "TABLES"]
