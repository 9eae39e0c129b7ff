"""Preparation of datasets: faces are cropped once, by one or many processes, and then read."""
