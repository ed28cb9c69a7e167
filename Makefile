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
RUN_NODE := node_modules/.run
TEST_NODE := node_modules/.test
ALL_CORES := --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help run sweep test check bench faults screenshots lock

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: $(RUN_PYTHON) $(RUN_NODE) ## Start the gallery (PORT=8000 DATA=./data HOST=0.0.0.0), Ctrl-C stops it
	@DROPWALL_PORT='$(PORT)' DROPWALL_DATA='$(DATA)' DROPWALL_HOST='$(HOST)' \
		exec $(BIN)/gunicorn --config server/gunicorn.conf.py

sweep: $(RUN_PYTHON) ## Remove what crashes left behind in DATA=./data a day ago or more
	@DROPWALL_DATA='$(DATA)' $(BIN)/dropwall sweep

# First with SQLite and a folder, then what acts on a gallery with PostgreSQL and SeaweedFS, too. The
# stories of interrupted uploads hang on the clock of the page: none but these run beside them.
test: $(TEST_PYTHON) $(TEST_NODE) ## Run every test, installing what they need
	$(BIN)/python -m tests.support.browser
	$(BIN)/python -m tests.support.programs
	$(BIN)/python -m tests.support.postgresql
	$(BIN)/python -m pytest $(ALL_CORES) tests/page/test_resuming.py
	$(BIN)/python -m pytest $(ALL_CORES) --ignore tests/page/test_resuming.py
	$(BIN)/python -m pytest $(ALL_CORES) --engines scaled tests/page/test_resuming.py
	$(BIN)/python -m pytest $(ALL_CORES) --engines scaled --ignore tests/page/test_resuming.py

check: $(TEST_PYTHON) $(TEST_NODE) ## What CI runs: linters, types, audits, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npx eslint frontend
	npx prettier --check frontend
	$(BIN)/python -m tests.tools.audit
	$(MAKE) test

bench: $(TEST_PYTHON) $(TEST_NODE) ## Measure against references in the same run (ONLY="body watchers" ENGINE=scaled)
	$(BIN)/python -m tests.benchmarks $(ONLY) $(addprefix --engine=,$(ENGINE))

faults: $(TEST_PYTHON) ## Break everything on purpose, under load (ROUNDS=20 SEED=… ONLY="S3")
	$(BIN)/python -m tests.support.programs
	$(BIN)/python -m tests.support.postgresql
	$(BIN)/python -m tests.faults $(addprefix --rounds=,$(ROUNDS)) $(addprefix --seed=,$(SEED)) \
		$(if $(ONLY),--only='$(ONLY)')

screenshots: $(TEST_PYTHON) $(TEST_NODE) ## Show the page in every state and size, in tests/screenshots
	$(BIN)/python -m tests.tools.screenshots

lock: ## Write requirements.lock anew, after a change of pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[test]'
	$(BIN)/pip freeze --exclude-editable > requirements.lock

$(RUN_PYTHON): pyproject.toml requirements.lock
	@echo "Installing what the gallery needs; this takes a minute, once."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python cannot make its environment: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --constraint requirements.lock --editable .
	@touch $@

$(TEST_PYTHON): $(RUN_PYTHON)
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[test]'
	@touch $@

# Only the copies for networks without the CDN; the gallery runs without them.
$(RUN_NODE): package-lock.json
	@mkdir -p node_modules
	@if npm ci --omit=dev --silent; then touch $@; \
		else echo "npm could not install: the page needs its CDN then."; fi

$(TEST_NODE): package-lock.json
	npm ci --silent
	@touch $(RUN_NODE) $@
