# Two commands that need only Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# TensorFlow's start-up messages say nothing about the package.
export TF_CPP_MIN_LOG_LEVEL = 3
export MPLBACKEND = Agg

.PHONY: demo test lint clean

demo: $(VENV)/installed
	$(BIN)/keras-fld demo --out demo $(if $(FACES),--faces "$(FACES)") $(if $(EPOCHS),--epochs $(EPOCHS))

test: $(VENV)/installed lint
	$(BIN)/python -m pytest -q

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
