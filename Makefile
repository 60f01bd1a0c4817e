# Set-up and checks. Everything is installed into .venv, always with constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest
DEMO := demo

.PHONY: demo web milvus test test-long check results clean

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
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web; \
	else echo "npm is not there: the page will search, but not draw boxes or zoom (install nodejs, then make web)"; fi
	$(BIN)/python -m sherd.demo --out $(DEMO)

# The page's modules, from web/ into the package. Node 20.19 or newer.
web:
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

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

# The tables of docs/results.md, docs/performance.md and the model card, from the reports in benchmarks/results.
results: $(VENV)/dev
	$(BIN)/python benchmarks/tables.py

# The real Milvus standalone server, which `make test-long` starts by itself once it is here; in an environment of its own.
.venv-milvus/ready:
	test -x .venv-milvus/bin/python || $(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/python -m pip install --quiet --disable-pip-version-check 'milvus==2.3.5'
	@touch $@

# Starts that server for trying it by hand: sherd ingest ... --vectors milvus://127.0.0.1
milvus: .venv-milvus/ready $(VENV)/dev
	$(BIN)/python -m tests.milvus_server milvus-data 19530

clean:
	rm -rf $(VENV) $(DEMO) web/node_modules src/sherd/server/static/built
