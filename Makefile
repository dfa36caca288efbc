# `make demo` shows it, `make check` is quick, `make test` is everything.
# Nothing here needs an active virtual environment: all of it lives in .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

PIP     := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --quiet
PYTEST  := $(BIN)/python -m pytest
# In the order of folders: by their numbers of tests, the few long ones of tests/e2e would come
# last, and the others would wait. `auto` and `logical` are said in tests/distribution.py.
SPREAD  := --dist loadfile --no-loadscope-reorder --numprocesses
COMPILE := $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
           --build-deps-for editable --no-emit-options pyproject.toml

# Stamps: an installation is repeated when the lock or the project has changed since.
RUNTIME := $(VENV)/.installed
DEV     := $(VENV)/.installed-dev
SDKS    := $(VENV)/sdks/.installed
INPUTS  := pyproject.toml

VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' outdial/__init__.py)

# Quick and free of servers; the rest of the tests run in `make test`.
UNIT := $(wildcard tests/domain tests/intake tests/test_*.py)

MAKEFLAGS += --no-builtin-rules --no-print-directory
# Tests start many processes, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install check lint unit test faults soak sdks bench openapi revision wheel image dist lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## Install, then run a whole reminder campaign on embedded parts
	@$(BIN)/outdial launch campaigns/quickstart.yaml --again

install: $(RUNTIME) ## Install what running needs, from the lock

check: lint unit ## Everything quick: style, types, import rules, unit tests

lint: $(DEV) ## Style, types and import rules alone
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

unit: $(DEV)
	@$(PYTEST) --quiet -m "not slow and not faults" $(UNIT)

test: lint ## Everything but the long runs
	@$(PYTEST) --quiet -m "not slow and not faults" $(SPREAD) auto

# What measures time runs alone, after the rest has left the processors.
faults: $(DEV) $(SDKS) ## The long runs: processes killed again and again, all examples, what is measured
	@OUTDIAL_TEST_EXAMPLES=all $(PYTEST) --quiet -m "(faults or hypothesis) and not slow" \
	    $(SPREAD) logical
	@$(PYTEST) -m slow

# Some SDKs want an older pydantic than we do: they live beside us, and a child process asks them.
sdks: $(DEV) $(SDKS) ## Our adapters beside the providers' own SDKs
	@$(PYTEST) --quiet tests/sdks

soak: $(DEV) ## Thousands of random histories and canaries, hundreds of rehearsals; prints its seeds
	@OUTDIAL_TEST_HISTORIES=$${OUTDIAL_TEST_HISTORIES:-2000} \
	    OUTDIAL_TEST_STEPS=$${OUTDIAL_TEST_STEPS:-30} \
	    OUTDIAL_TEST_WORDS=$${OUTDIAL_TEST_WORDS:-all} \
	    OUTDIAL_TEST_CANARIES=$${OUTDIAL_TEST_CANARIES:-2000} \
	    OUTDIAL_TEST_CAMPAIGNS=$${OUTDIAL_TEST_CAMPAIGNS:-100} \
	    $(PYTEST) --quiet $(SPREAD) logical -m faults --override-ini faulthandler_timeout=0 \
	    tests/store/test_model_*.py tests/cases/test_thirty_calls_whole_path.py \
	    tests/rehearsal/test_agreement_*.py tests/store/test_canary_errors.py

bench: $(DEV) ## Throughput beside a bare baseline
	@$(BIN)/python -m bench.throughput

openapi: $(DEV) ## Renew schema/openapi.json and outdial.client; BREAKING=--breaking lets clients break
	@$(BIN)/python -m outdial.api.client_code $(BREAKING)
	@$(BIN)/ruff check --fix --select I --quiet outdial/client
	@$(BIN)/ruff format --quiet outdial/client

revision: $(DEV) ## Write a migration for changed tables: make revision MESSAGE="what they get"
	@$(BIN)/python -m outdial.store.db.revision "$(MESSAGE)"

wheel: $(RUNTIME) ## Build the wheel alone, into dist/
	@rm -rf build  # what an earlier build left there would go into the wheel
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build && ls dist/outdial-$(VERSION)-*.whl

image: ## Build the container image alone
	@command -v docker >/dev/null || { echo "docker is not installed: make wheel needs none"; exit 1; }
	@docker build --file deploy/Dockerfile --tag outdial:$(VERSION) .

dist: wheel image ## Build the wheel and the container image of this version

lock: | $(BIN)/python ## Renew both locks; UPGRADE=--upgrade takes newer versions
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install --quiet --quiet pip-tools==7.6.2
	@CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) $(UPGRADE) --output-file requirements.txt
	@CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) $(UPGRADE) --extra dev \
	    --constraint requirements.txt --output-file requirements-dev.txt
	@$(BIN)/python -c "import tomllib; \
	    print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['sdks'], sep='\n')" \
	    > $(VENV)/lock/sdks.in
	@CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/lock/bin/pip-compile --quiet --generate-hashes \
	    --allow-unsafe --strip-extras --no-emit-options --no-annotate $(UPGRADE) \
	    --output-file requirements-sdks.txt $(VENV)/lock/sdks.in

clean: ## Remove the environment and every cache; campaigns and their database stay
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
	    .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Outdial needs Python 3.11 or newer, and $(PYTHON) is not:" \
	         "try make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The lock holds the build backend too, so nothing is fetched that has no hash.
define install
	@echo "Installing from $< (the first time takes a minute or two)"
	@$(PIP) install --require-hashes --requirement $<
	@$(PIP) install --no-deps --no-build-isolation --editable .
endef

$(RUNTIME): requirements.txt $(INPUTS) | $(BIN)/python
	$(install)
	@touch $@

$(SDKS): requirements-sdks.txt
	@echo "Installing from $<"
	@$(PYTHON) -m venv $(VENV)/sdks
	@$(VENV)/sdks/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet \
	    install --require-hashes --only-binary :all: --requirement $<
	@touch $@

$(DEV): requirements-dev.txt $(INPUTS) | $(BIN)/python
	$(install)
	@touch $@ $(RUNTIME)
