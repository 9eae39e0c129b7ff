"""The wheel's packages: those in keras_fld/, and the cards of datasets/ as keras_fld.cards."""

from setuptools import find_namespace_packages, setup

cards = ["keras_fld.cards", *(f"keras_fld.cards.{d}" for d in find_namespace_packages("datasets"))]
setup(packages=[*find_namespace_packages(include=["keras_fld*"]), *cards])
