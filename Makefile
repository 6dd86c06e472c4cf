# Tunesmith. `make help` says what there is.

PYTHON ?=
VENV := .venv
RUN := $(VENV)/bin/python
EXIT ?=
PORT ?=
HOST ?=
ARGS ?=
export PORT HOST
export TUNESMITH_DEMO_STARTED_AT := $(shell date +%s)
export HF_HUB_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test test-fast test-servers bench lint types borders format migrations lock install install-dev clean

help: ## this list
	@echo "Tunesmith: train, compare and keep adapters of language models."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=8001 gives the port (else a free one is chosen); TUNESMITH_STATE=folder gives the place of all data."

demo: install ## everything at once: install, start, train a real adapter, show it (EXIT=1 ends then)
	@$(RUN) manage.py demo $(if $(filter 1,$(EXIT)),--exit)

up: install ## start Tunesmith on this machine; Ctrl-C stops it
	@$(RUN) manage.py up

test: install-dev ## install what the tests need and run all of them on the embedded default
	@.ci/tests $(ARGS)

test-fast: install-dev ## the tests without a browser and without a whole product; ARGS= goes to pytest
	@HF_HUB_OFFLINE=1 $(RUN) -m pytest -m "not e2e and not browser" $(ARGS)

test-servers: install-dev ## the tests that touch them, on real PostgreSQL and Redis servers
	@HF_HUB_OFFLINE=1 $(RUN) .ci/servers.py $(RUN) -m pytest -m "not e2e and not browser" tests/webapp tests/workers \
		--ignore=tests/workers/engine --ignore=tests/workers/reader $(ARGS)

bench: install-dev ## how fast the catalog is with 100,000 adapters (see benchmarks/README.md); takes minutes
	@$(RUN) -m benchmarks.catalog $(ARGS)

lint: install-dev ## style of Python and of templates
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@find templates -name "*.html" -print0 | xargs -0 $(VENV)/bin/djade --check --target-version 5.2

types: install-dev ## mypy
	@$(RUN) -m mypy webapp workers

borders: install-dev ## which room may know which
	@$(VENV)/bin/lint-imports

migrations: install-dev ## fail when a model has changed without a migration
	@$(RUN) manage.py makemigrations --check --dry-run

format: install-dev ## put Python and templates into shape
	@$(RUN) -m ruff check --fix --quiet .
	@$(RUN) -m ruff format .
	@find templates -name "*.html" -print0 | xargs -0 $(VENV)/bin/djade --target-version 5.2

lock: install ## renew requirements/*.txt from pyproject.toml (for maintainers; asks the package index)
	@$(RUN) -m venv .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet pip-tools
	@.venv-lock/bin/pip-compile $(LOCK_OPTIONS) --extra ml --extra postgres --extra s3 --output-file requirements/run.txt pyproject.toml
	@.venv-lock/bin/pip-compile $(LOCK_OPTIONS) --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt pyproject.toml
	@sed -i.old '/^# WARNING: The following packages were not pinned/,$$d' requirements/run.txt requirements/dev.txt && rm requirements/*.old

LOCK_OPTIONS := --quiet --generate-hashes --strip-extras --unsafe-package torch --constraint requirements/torch.txt \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

install:
	@PYTHON="$(PYTHON)" requirements/install.sh run

install-dev:
	@PYTHON="$(PYTHON)" requirements/install.sh dev

clean: ## remove what make installed; data under state/ stays
	rm -rf $(VENV) .venv-lock .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
