"""Reproduction of the paper's tables and its Figure 4: published next to measured figures."""

from keras_fld.reproduce.tables import FIGURE4, TABLES

__all__ = ["FIGURE4", "TABLES"]
