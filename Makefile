# Doctored. On a machine with only Python 3.11 or newer, pip and make:
#   make demo    the first two minutes: no torch, no network once it is installed
#   make test    everything that has to hold before a change lands
# Another Python: make PYTHON=python3.12 test

PYTHON ?= python3
VENV ?= .venv
DEMO_VENV ?= .venv-demo
SPACE_VENV := .venv-space
DATA ?= cifake.zip
OUT ?= demo
# A process a core, but no more than four: each takes a gigabyte.
PYTEST ?= -n auto --maxprocesses=4 --dist loadfile
BENCH ?= scan_speed checks_speed resume hostile_decode hostile_cli hostile_data hostile_metadata provenance_matrix audit_cifake audit_planted audit_means audit_near_duplicates cifake_clean metrics_oracle train_vs_bare train_vs_keras train_vs_keras_full

BIN := $(VENV)/bin
# By environment, so that the build backend is pinned too: older pips heed the first name, newer ones the second.
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install -qq
MARK := .installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo space test lint bench results clean python

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Doctored needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }

$(VENV)/$(MARK): pyproject.toml constraints.txt src/doctored/version.py | python
	$(PYTHON) -m venv $(VENV)
	$(PINNED) $(VENV)/bin/python $(PIP_INSTALL) --editable '.[demo,train,track,heif,hub,dev]'
	@touch $@

$(DEMO_VENV)/$(MARK): pyproject.toml constraints.txt src/doctored/version.py | python
	$(PYTHON) -m venv $(DEMO_VENV)
	$(PINNED) $(DEMO_VENV)/bin/python $(PIP_INSTALL) --editable '.[demo]'
	@touch $@

## make demo              install core and demo extra into .venv-demo, then run the demo into ./demo
demo: $(DEMO_VENV)/$(MARK)
	$(DEMO_VENV)/bin/doctored demo --out $(OUT)

$(SPACE_VENV)/$(MARK): pyproject.toml examples/requirements.txt src/doctored/version.py | python
	$(PYTHON) -m venv $(SPACE_VENV)
	$(SPACE_VENV)/bin/python $(PIP_INSTALL) --editable '.[demo]' --requirement examples/requirements.txt
	@touch $@

## make space             install core, demo extra and Gradio into .venv-space, where the web app's test runs it
space: $(SPACE_VENV)/$(MARK)

## make setup             install everything into .venv
setup: $(VENV)/$(MARK)

## make lint              ruff, mypy, import-linter
lint: $(VENV)/$(MARK)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make test              lint, then all tests (PYTEST= for one at a time, or any options of pytest)
test: lint
	$(BIN)/python -m pytest $(PYTEST)

## make bench DATA=...    the benchmarks that need CIFAKE alone (folder or archive), on an idle machine
bench: $(VENV)/$(MARK)
	for name in $(BENCH); do $(BIN)/python -m benchmarks.$$name --data $(DATA) || exit 1; done

## make results           write docs/cli.md and the tables of the docs and the README again
results: $(VENV)/$(MARK)
	$(BIN)/python docs/generate.py

## make clean             remove the environments and everything that was built
clean:
	rm -rf $(VENV) $(DEMO_VENV) $(SPACE_VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
