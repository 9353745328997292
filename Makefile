# Needs Python 3.11, its pip and make. Everything else comes from the locks.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help soak run test format bench contract openapi lock clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run.stamp  ## Serve the demonstration on 127.0.0.1:8000
	$(BIN)/pip-api serve --demo

test: .venv/dev.stamp $(if $(shell command -v npm),tests/peers/node_modules/.stamp)  ## Check the code and run the tests; CI=true adds a few long ones
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses=2

format: .venv/dev.stamp  ## Put the code in its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev.stamp  ## Measure the service beside its peers
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.seals

contract: .venv/dev.stamp .venv/contract.stamp tests/contract/node_modules/.stamp  ## Let tools of others judge the contract
	$(BIN)/python -m tests.contract

soak: .venv/dev.stamp  ## Run the long forms of the tests, for an hour or so
	SOAK=1 $(BIN)/pytest --numprocesses=2 -s tests/kernel/test_moments.py tests/kernel/test_snapshots.py tests/ledger/test_verification.py \
		tests/ledger/test_sealing.py tests/kernel/test_races.py tests/matrix tests/access/test_decisions.py tests/access/test_mutations.py \
		tests/db/test_pooling.py tests/db/test_wire.py

openapi: .venv/run.stamp  ## Write the committed contract anew
	@mkdir -p openapi
	$(BIN)/pip-api openapi > .venv/openapi.json
	$(BIN)/pip-api openapi --3.0 > .venv/openapi-3.0.json
	mv .venv/openapi.json .venv/openapi-3.0.json openapi/

# The flags keep every address out of the locks: a lock names versions and hashes, the machine names its registry.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version=3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command='make lock' $(if $(UPGRADE),--upgrade)

lock: .venv/dev.stamp  ## Write the locks anew; UPGRADE=1 takes newer versions
	$(COMPILE) --group=build --output-file=requirements.lock
	$(COMPILE) --group=build --group=dev --group=bench --constraints=requirements.lock --output-file=requirements-dev.lock
	$(subst pyproject.toml,,$(COMPILE)) --group=contract --output-file=tests/contract/requirements.lock

clean:  ## Remove what was made, the demonstration's data too
	rm -rf .venv tests/*/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist var

# The stamps make an unchanged environment cost nothing: `make run` then starts at once.
.venv/run.stamp: requirements.lock pyproject.toml
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

# The tools that judge the contract have an environment of their own: what they need does not go with what the service needs.
.venv/contract.stamp: .venv/run.stamp tests/contract/requirements.lock
	test -x .venv/contract/bin/pip || $(PYTHON) -m venv .venv/contract
	.venv/contract/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/contract/requirements.lock
	touch $@

tests/%/node_modules/.stamp: tests/%/package-lock.json
	npm --prefix tests/$* ci --silent
	touch $@
