"""Datasets cut into crops once: written by one or many processes, read while training."""
