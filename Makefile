# Needs Python 3.11 or newer, as $(PYTHON); everything else comes hash-locked into .venv, once per requirements.lock.
# The system's own where it will do: distributions build it with profile-guided optimisation, a fifth less CPU a certificate
# than a plain build that stands before it in PATH.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    && echo /usr/bin/python3 || echo python3)
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test lint bench coverage-of-rules mutation clean venv

LOCK := $(shell cksum < requirements.lock | tr ' ' '-')
VENV := .venv/lock-$(LOCK)
PACKAGES := acme_server ca contract_gate office sql
READY := .venv/ready
PYTEST := .venv/bin/python -m pytest -n 2 --dist worksteal -q

run: $(READY)
	@exec .venv/bin/keiyaku dev

test: lint $(READY)
	$(PYTEST) $(PYTEST_ARGS)

lint: $(VENV)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench: $(READY)
	.venv/bin/python -m bench

coverage-of-rules: $(VENV)
	.venv/bin/python -m tests.architecture.compliance
	$(PYTEST) --coverage-of-rules

# Each check switched off alone must turn a test red.
mutation: $(VENV)
	.venv/bin/python -m tests.mutation

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

venv: $(READY)

# The lock's checksum is in the name of this mark: another lock, another .venv.
$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Keiyaku needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.11")'
	@echo "Installing the locked dependencies into .venv (once per requirements.lock)"
	@rm -rf .venv
	@if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then \
	    uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv; \
	    uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock; \
	    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .; \
	else \
	    $(PYTHON) -m venv .venv || { echo "Install the venv module (Debian: apt-get install python3-venv)"; exit 1; }; \
	    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

# What no start has to do again: bytecode, and the data folder that a first start copies. Both follow the sources.
$(READY): $(VENV) $(shell find $(PACKAGES) -name '*.py' -o -name '*.sql')
	@.venv/bin/python -m compileall -q $(PACKAGES)
	@.venv/bin/python -m acme_server.dev.lay_down
	@touch $@
