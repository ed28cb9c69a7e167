# `make` alone lists the commands.
PORT ?= $(or $(DROPWALL_PORT),8000)
DATA ?= $(or $(DROPWALL_DATA),./data)
# A shell's own HOST is the computer's name.
HOST := $(if $(filter command line,$(origin HOST)),$(HOST),$(or $(DROPWALL_HOST),0.0.0.0))
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
# Stamps: what an install command brought stays until its list changes.
RUN_PYTHON := $(VENV)/.run
TEST_PYTHON := $(VENV)/.test
BENCH_PYTHON := $(VENV)/.bench
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
RUN_NODE := node_modules/.run
TEST_NODE := node_modules/.test
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help run sweep test check bench faults screenshots lock

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_PYTHON) $(RUN_NODE) ## Start the gallery (PORT=8000 DATA=./data HOST=0.0.0.0), Ctrl-C stops it
	@DROPWALL_PORT='$(PORT)' DROPWALL_DATA='$(DATA)' DROPWALL_HOST='$(HOST)' \
		exec $(BIN)/gunicorn --config server/gunicorn.conf.py

sweep: $(RUN_PYTHON) ## Remove what crashes left behind in DATA=./data a day ago or more
	@DROPWALL_DATA='$(DATA)' $(BIN)/dropwall sweep

test: $(TEST_PYTHON) $(TEST_NODE) ## Run the tests, installing what they need
	@$(BIN)/python -m tests.tools.install
	$(PYTEST) -m 'not slow'

# The slow tests repeat at length what those of `make test` prove; then all that acts on a gallery does
# so on PostgreSQL and an S3 server, too. One that fails keeps none of the others from running.
check: $(TEST_PYTHON) $(TEST_NODE) ## What CI runs: linters, types, audits, every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node_modules/.bin/eslint frontend tests
	node_modules/.bin/prettier --check frontend 'tests/**/*.js'
	$(BIN)/python -m tests.tools.audit
	@failed=0; \
		$(MAKE) test || failed=1; \
		$(PYTEST) -m slow || failed=1; \
		$(PYTEST) --engines scaled || failed=1; \
		exit $$failed

bench: $(BENCH_PYTHON) $(TEST_NODE) ## Measure against references in the same run (ONLY="body watchers" ENGINE=scaled)
	@$(BIN)/python -m tests.tools.install
	$(BIN)/python -m tests.benchmarks $(ONLY) $(addprefix --engine=,$(ENGINE))

faults: $(TEST_PYTHON) ## Break everything on purpose, under load (ROUNDS=20 SEED=… ONLY="S3")
	@$(BIN)/python -m tests.tools.install
	$(BIN)/python -m tests.faults $(addprefix --rounds=,$(ROUNDS)) $(addprefix --seed=,$(SEED)) \
		$(if $(ONLY),--only='$(ONLY)')

screenshots: $(TEST_PYTHON) $(TEST_NODE) ## Show the page in every state and size, in tests/screenshots
	$(BIN)/python -m tests.tools.screenshots

lock: ## Write requirements.lock anew, after a change of pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[test,bench]'
	$(BIN)/pip freeze --exclude-editable > requirements.lock

$(RUN_PYTHON): pyproject.toml requirements.lock
	@echo "Installing what the gallery needs; this takes a minute, once."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Dropwall needs Python 3.11 or newer; where it has another name: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python cannot make its environment: apt install python3-venv"; exit 1; }
	@$(PIP) --constraint requirements.lock --editable .
	@touch $@

$(TEST_PYTHON): $(RUN_PYTHON)
	@echo "Installing what the tests need, once."
	@$(PIP) --constraint requirements.lock --editable '.[test]'
	@touch $@

$(BENCH_PYTHON): $(TEST_PYTHON)
	@$(PIP) --constraint requirements.lock --editable '.[test,bench]'
	@touch $@

# Only the copies for networks without the CDN; the gallery runs without them.
$(RUN_NODE): package-lock.json
	@mkdir -p node_modules
	@if npm ci --omit=dev --silent; then touch $@; \
		else echo "npm could not install: the page needs its CDN then."; fi

# Without npm, the tests of the page are left out.
$(TEST_NODE): package-lock.json
	@mkdir -p node_modules
	@if npm ci --silent; then touch $(RUN_NODE) $@; else echo "npm could not install."; fi
