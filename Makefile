# `make` alone lists the commands.
PORT ?= $(or $(DROPWALL_PORT),8000)
DATA ?= $(or $(DROPWALL_DATA),./data)
# A shell's own HOST is the computer's name.
HOST := $(if $(filter command line,$(origin HOST)),$(HOST),$(or $(DROPWALL_HOST),0.0.0.0))
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
# Stamp files: an installation is repeated only when its list of packages has changed.
RUN_PYTHON := $(VENV)/.run
TEST_PYTHON := $(VENV)/.test
BENCH_PYTHON := $(VENV)/.bench
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
RUN_NODE := node_modules/.run
TEST_NODE := node_modules/.test
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses auto --dist worksteal
# In `make check` what fails runs once more, without the others: only a test that fails twice refuses
# a change, and both results are printed. Status 1 says that tests failed, any other that
# pytest hasn't run them all.
AGAIN := --last-failed --last-failed-no-failures none
run_tests = $(PYTEST) $(1)$(if $(RERUN), || { [ $$? = 1 ] && $(PYTEST) $(1) $(AGAIN); })

.DEFAULT_GOAL := help
.PHONY: help run sweep wheel test lint check bench faults screenshots lock

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_PYTHON) $(RUN_NODE) ## Start the gallery (PORT=8000 DATA=./data HOST=0.0.0.0), Ctrl-C stops it
	@DROPWALL_PORT='$(PORT)' DROPWALL_DATA='$(DATA)' DROPWALL_HOST='$(HOST)' \
		exec $(BIN)/gunicorn --config server/gunicorn.conf.py

sweep: $(RUN_PYTHON) ## Remove files that a crash left behind a day ago or earlier (DATA=./data)
	@DROPWALL_DATA='$(DATA)' $(BIN)/dropwall sweep

wheel: $(RUN_PYTHON) $(RUN_NODE) ## Build a wheel that has the page and its libraries in it, in dist
	@rm -rf build
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@rm -rf build

test: $(TEST_PYTHON) $(TEST_NODE) ## Run the tests, installing what they need
	@$(BIN)/python -m tests.tools.install
	@$(call run_tests,-m 'not slow')

lint: $(TEST_PYTHON) $(TEST_NODE) ## Run the linters and the type checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node_modules/.bin/eslint frontend tests
	node_modules/.bin/stylelint 'frontend/**/*.css'
	node_modules/.bin/prettier --check frontend 'tests/**/*.js'
	node_modules/.bin/tsc --project frontend/jsconfig.json

# The slow tests repeat at length what `make test` proves; then all tests of a gallery run again on
# PostgreSQL and an S3 server. All of them run even if one fails.
check: export RERUN := yes
check: lint ## Run what CI runs: linters, types, audits, every test
	$(BIN)/python -m tests.tools.audit
	@failed=0; \
		$(MAKE) test || failed=1; \
		{ $(call run_tests,-m slow); } || failed=1; \
		{ $(call run_tests,--engines scaled); } || failed=1; \
		exit $$failed

bench: $(BENCH_PYTHON) $(TEST_NODE) ## Measure against references in the same run (ONLY="body watchers" ENGINE=scaled)
	@$(BIN)/python -m tests.tools.install
	$(BIN)/python -m tests.benchmarks $(ONLY) $(addprefix --engine=,$(ENGINE))

faults: $(TEST_PYTHON) ## Break everything on purpose, under load (ROUNDS=20 SEED=1 ONLY="S3")
	@$(BIN)/python -m tests.tools.install
	$(BIN)/python -m tests.faults $(addprefix --rounds=,$(ROUNDS)) $(addprefix --seed=,$(SEED)) \
		$(if $(ONLY),--only='$(ONLY)')

screenshots: $(TEST_PYTHON) $(TEST_NODE) ## Take screenshots of the page in every state and size, in tests/screenshots
	$(BIN)/python -m tests.tools.screenshots

lock: ## Renew the locks after a change of pyproject.toml or package.json
	npm install --package-lock-only --omit-lockfile-registry-resolved --silent
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[test,bench]'
	$(BIN)/pip freeze --exclude-editable > requirements.lock

$(RUN_PYTHON): pyproject.toml requirements.lock
	@echo "Installing what the gallery needs; this takes a minute, once."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Dropwall needs Python 3.11 or newer. If yours has another name: make PYTHON=python3.12 run"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python can't create a virtual environment: apt install python3-venv"; exit 1; }
	@$(PIP) --constraint requirements.lock --editable .
	@touch $@

$(TEST_PYTHON): $(RUN_PYTHON)
	@echo "Installing what the tests need, once."
	@$(PIP) --constraint requirements.lock --editable '.[test]'
	@touch $@

$(BENCH_PYTHON): $(TEST_PYTHON)
	@$(PIP) --constraint requirements.lock --editable '.[test,bench]'
	@touch $@

# These copies are for networks without the CDN only: a failure doesn't stop the gallery.
$(RUN_NODE): package-lock.json
	@mkdir -p node_modules
	@if npm ci --omit=dev --silent; then touch $@; \
		else echo "npm couldn't install the page's libraries: without them it needs the internet."; fi

# Without npm the tests of the page are skipped.
$(TEST_NODE): package-lock.json
	@mkdir -p node_modules
	@if npm ci --silent; then touch $(RUN_NODE) $@; else echo "npm couldn't install what the tests of the page need."; fi
