"""Crops, boxes and transforms, shared by training, evaluation, prediction and the web page."""
