# Two commands that need only Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# TensorFlow's start-up messages say nothing about the package.
export TF_CPP_MIN_LOG_LEVEL = 3

# Of each kind of work, in `make kills`; of each reader, in `make fuzz`.
KILLS ?= 50
SECONDS_EACH ?= 600
# Readers that `make fuzz` gives to a process each at the same time.
JOBS ?= 1
# Two processes for the tests, a file's in one: each takes up to 3 GB with TensorFlow. The order is
# that of tests/conftest.py: the longest files first.
PARALLEL ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test nightly slow soak kills long fuzz mutation test-backends test-light test-beam test-oldest bench \
	tables arm docs lint clean

demo: $(VENV)/installed
	$(BIN)/keras-fld demo --out demo $(if $(FACES),--faces "$(FACES)") $(if $(EPOCHS),--epochs $(EPOCHS))

# With COVERAGE=1 it counts the lines of keras_fld that the tests run as well, in the processes that they
# start too: at least 95 %, and some of every public function. So nothing may be skipped for what is
# not in `all`.
test: $(VENV)/$(if $(COVERAGE),complete,installed) lint
	$(BIN)/python -m pytest -q $(PARALLEL) $(if $(COVERAGE),--cov --cov-report=term \
		--cov-report=html:build/coverage --cov-report=json:build/coverage.json)
	$(if $(COVERAGE),$(BIN)/python -m tests.untested build/coverage.json)

# The checks that take too long for every change, one after the other; `make fuzz` alone takes ten
# minutes a reader, with JOBS=2 half of it. `make -k nightly` goes on after one that fails, and still
# fails in the end.
nightly: slow test-backends mutation soak
	$(MAKE) arm ARM_JSON=build/arm.json

# The tests that `make test` leaves out.
slow: $(VENV)/installed
	$(BIN)/python -m pytest -q $(PARALLEL) -m nightly

soak: kills fuzz long

# The same tests of faults as in `make test`, with many more kills.
kills: $(VENV)/installed
	KERAS_FLD_KILLS=$(KILLS) KERAS_FLD_KILL_NOTES=build/faults.json \
		$(BIN)/python -m pytest -q -m '' tests/faults

# 100,000 predictions, as many in eight threads for ten minutes, a video of an hour, a million training
# samples: memory must stay flat, and the threads' results be those of one. SHARE=0.1 is a tenth of it.
SHARE ?= 1
long: $(VENV)/installed
	$(BIN)/python tests/long_runs.py --share $(SHARE) --json build/long.json

# Looks for files that a reader does not refuse as it should; `make test` has those found before.
fuzz: $(VENV)/installed
	$(BIN)/python -m pip install --quiet 'atheris>=3,<4'
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(SECONDS_EACH) --jobs $(JOBS) --json build/fuzz.json

# Changes one place of a module at a time; the tests must notice. What a run that was stopped has found
# is in build/mutation; MUTATION="--fresh" forgets it, MUTATION=keras_fld/geometry is a part.
mutation: $(VENV)/installed
	$(BIN)/python -m pip install --quiet 'cosmic-ray>=8.7,<9' '$(PACKAGE_torch)'
	KERAS_BACKEND=torch $(BIN)/python -m tests.mutation.run $(MUTATION) --json build/mutation.json

# Losses, metrics, networks and one fit on each backend. PyTorch is the release whose plain wheel is
# the CPU build; others bring gigabytes of CUDA.
BACKENDS ?= tensorflow jax torch
BACKEND_TESTS := tests/losses tests/test_metrics.py tests/test_optimizers.py tests/models \
	tests/data/test_batches.py tests/test_backends.py
PACKAGE_tensorflow := tensorflow>=2.20,<2.22
PACKAGE_jax := jax>=0.7,<0.11
PACKAGE_torch := torch==2.13.0

test-backends: $(BACKENDS:%=test-on-%)

test-on-%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet '$(PACKAGE_$*)'
	KERAS_BACKEND=$* $(BIN)/python -m pytest -q $(BACKEND_TESTS)

# The wheel in a clean environment without a backend; skips where no package registry is reached.
test-light: $(VENV)/installed
	$(BIN)/python -m pytest -q tests/light_install.py

# Preparation by Apache Beam's local runner, which is not in `all`: an environment of its own.
test-beam:
	$(PYTHON) -m venv build/beam
	build/beam/bin/python -m pip install --quiet '.[beam]' pytest
	build/beam/bin/python -m pytest -q tests/data/prepared/test_beam.py

# The lower bounds of pyproject.toml, in an environment of their own; needs a package registry.
test-oldest:
	$(PYTHON) tests/oldest.py

# Speed, in ratios within one run.
bench: $(VENV)/installed
	$(BIN)/python tests/benchmarks/bench_training.py
	$(BIN)/python tests/benchmarks/bench_backends.py
	$(BIN)/python tests/benchmarks/bench_data.py --json build/bench_data.json

# The documentation, in build/site; a warning is an error.
docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The tables of README.md and docs/, from the JSON in results/.
tables: $(VENV)/installed
	$(BIN)/python -m tests.docs.tables

# The aarch64 interpreter under QEMU. Without MODEL: the presets, the face score and the main preset in
# every mode, converted anew, into the kept figures. FACES is a 300W tree, on whose test faces the NME
# of what has integers is compared as well.
ARM_FILES := build/arm_files
ARM_JSON ?= results/arm/arm.json
ARM_RUN = $(BIN)/python tflite/arm/run.py
ARM_NME = $(if $(FACES),--nme "300w=$(FACES)")
arm: $(VENV)/installed
ifdef MODEL
	$(ARM_RUN) $(MODEL) $(ARM_NME) --json build/arm.json
else
	rm -rf $(ARM_FILES)
	$(BIN)/keras-fld export --preset trnet20_300w --all --out $(ARM_FILES)
	for mode in float32 float16 dynamic int8_full; do \
		mv $(ARM_FILES)/model_$$mode.tflite $(ARM_FILES)/trnet20_300w_$$mode.tflite || exit; done
	$(ARM_RUN) $(wildcard keras_fld/zoo/*_int8.tflite) \
		$(ARM_FILES)/trnet20_300w_int8_full.tflite --operators \
		$(ARM_NME) --json $(ARM_JSON)
	$(ARM_RUN) keras_fld/zoo/face_score.tflite --json $(ARM_JSON) \
		$(foreach mode,float32 float16 dynamic,$(ARM_FILES)/trnet20_300w_$(mode).tflite)
endif

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	touch $@

$(VENV)/complete: $(VENV)/installed
	$(BIN)/python -m pip install --quiet '$(PACKAGE_jax)' '$(PACKAGE_torch)' 'dlib-bin>=20,<21'
	touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info
