.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help compare test lint docs bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: $(VENV)/offline ## G-Loss against cross-entropy on BBC News with MiniLM, offline, about 3 minutes on two cores
	$(RUN) -m gloss_pyg.compare

test: $(VENV)/dev ## the test suite
	$(RUN) -m pytest -n auto

lint: $(VENV)/dev ## style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: $(VENV)/docs ## the documentation as a site, docs/build/index.html; a warning is an error
	$(RUN) -m sphinx -W --keep-going -q -b html docs docs/build
	@echo "docs/build/index.html"

bench: $(VENV)/dev ## every benchmark, about an hour on two cores; exit status 1 where one misses its bar
	$(RUN) benchmarks/run_all.py

$(VENV)/python: 
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gloss_pyg needs Python 3.11 or newer; name one: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	@touch $@

$(VENV)/offline: $(VENV)/python pyproject.toml constraints.txt
	@echo "Installing gloss_pyg and what it needs into $(VENV) (once, a few minutes) ..."
	$(RUN) -m pip install --quiet -c constraints.txt -e ".[offline]"
	@touch $@

$(VENV)/dev: $(VENV)/python pyproject.toml constraints.txt
	@echo "Installing gloss_pyg with its test tools into $(VENV) (once, a few minutes) ..."
	$(RUN) -m pip install --quiet -c constraints.txt -e ".[offline,dev]"
	@touch $@

$(VENV)/docs: $(VENV)/python pyproject.toml constraints.txt
	@echo "Installing gloss_pyg with what its documentation is built by into $(VENV) (once, a few minutes) ..."
	$(RUN) -m pip install --quiet -c constraints.txt -e ".[offline,docs]"
	@touch $@
