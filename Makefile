# Set-up and checks. Everything is installed into .venv, always with constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest
DEMO := demo

.PHONY: demo test test-long check results clean

$(VENV)/core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/core

# A small museum of rendered relics: searched in the terminal, shown on demo/contact_sheet.png and demo/report.html.
demo: $(VENV)/core
	$(BIN)/python -m sherd.demo --out $(DEMO)

test: $(VENV)/dev
	$(PYTEST) -m "not slow and not gpu and not network"

# Crash loops, the whole corpus of malformed files, training runs killed and resumed: a few minutes.
test-long: $(VENV)/dev
	$(PYTEST) -m "slow" --timeout 1800

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) tests/docs

# The tables of docs/results.md, from the reports in benchmarks/results.
results: $(VENV)/dev
	$(BIN)/python benchmarks/tables.py

clean:
	rm -rf $(VENV) $(DEMO)
