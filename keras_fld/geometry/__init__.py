"""Photograph, crop and box: one geometry for training, evaluation, prediction and the page."""
