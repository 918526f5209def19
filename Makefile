# Needs GNU make and Python 3.11 or newer. Everything is installed into .venv, in the versions of constraints.txt.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=

# Where the environment has it, every process compiles all of Sluice again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/run.stamp ## Start everything on 127.0.0.1, until Ctrl-C (more options: make run ARGS="--port 9000")
	@$(BIN)/sluice up $(ARGS)

.PHONY: run-kafka
run-kafka: .venv/run.stamp ## The same with Apache Kafka as the queue (needs Java 17 and, the first time, Maven)
	@$(BIN)/sluice up --kafka $(ARGS)

.PHONY: demo
demo: .venv/run.stamp ## Fill the demo project of make run with an hour of made-up traffic (ARGS="--live": go on)
	@$(BIN)/sluice demo $(ARGS)

# A test that waits for a process leaves its core to another worker's test. The folders come in order, so that the many short
# tests of tests/unit end together.
WORKERS ?= -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: test
test: lint types ## Lint, types and all tests, on real engines (one test: make test ARGS="-n 0 -k name")
	$(BIN)/pytest $(WORKERS) $(ARGS)

.PHONY: lint
lint: .venv/test.stamp ## Style of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: .venv/test.stamp ## Types of the code
	$(BIN)/mypy

.PHONY: bench
bench: .venv/run.stamp ## Measure gateway and writer against their limits
	$(BIN)/sluice bench $(ARGS)

.PHONY: bench-peer
bench-peer: .venv/bench.stamp ## Measure beside the OpenTelemetry Collector (needs Java, and Go the first time; ARGS="--help")
	$(BIN)/python -m deploy.bench.peer $(ARGS)

.PHONY: bench-reading
bench-reading: .venv/run.stamp ## Measure what readers wait for, on 10 million logs (15 minutes; ARGS="--rows 1000000")
	$(BIN)/sluice bench reading $(ARGS)

.PHONY: soak
soak: soak-faults soak-spool soak-upgrade soak-fuzz soak-attack soak-examples soak-collector ## All that takes long: more than an hour

.PHONY: soak-faults
soak-faults: .venv/test.stamp ## Every fault alone, then mixed, on both queues (an hour; ARGS="--help" lists the options)
	$(BIN)/python -m tests.faults.soak $(ARGS)

.PHONY: soak-spool
soak-spool: .venv/test.stamp ## A gateway with a spool, Kafka away under load (15 minutes; SLUICE_SPOOL_SECONDS)
	SLUICE_SPOOL_SECONDS=$${SLUICE_SPOOL_SECONDS:-600} $(BIN)/pytest -n 0 -q -s --timeout 7200 tests/integration/test_spool.py $(ARGS)

.PHONY: soak-upgrade
soak-upgrade: .venv/test.stamp ## This version beside the one before, in both orders (10 minutes; SLUICE_UPGRADE_SECONDS)
	SLUICE_UPGRADE_SECONDS=$${SLUICE_UPGRADE_SECONDS:-60} $(BIN)/pytest -n 0 -q --timeout 7200 tests/upgrade $(ARGS)

.PHONY: soak-attack
soak-attack: .venv/test.stamp ## A gateway under attack (10 minutes; SLUICE_ATTACK_SECONDS, SLUICE_ATTACK_SEED)
	SLUICE_ATTACK_SECONDS=$${SLUICE_ATTACK_SECONDS:-600} $(BIN)/pytest -n 0 -q -s --timeout 7200 tests/attack $(ARGS)

.PHONY: soak-fuzz
soak-fuzz: .venv/test.stamp ## All routes fuzzed on both queues (15 minutes; ARGS="--minutes 60 --seed 7")
	$(BIN)/python -m tests.fuzz.soak $(ARGS)
	SLUICE_FUZZ_SECONDS=120 $(BIN)/pytest -q tests/integration/gateway/test_openapi.py

.PHONY: soak-examples
soak-examples: .venv/test.stamp ## Every property with many examples (half an hour; SLUICE_EXAMPLES_TIMES)
	SLUICE_EXAMPLES_TIMES=$${SLUICE_EXAMPLES_TIMES:-20} $(BIN)/pytest $(WORKERS) --timeout 7200 tests/unit tests/integration/gateway/query $(ARGS)

.PHONY: soak-collector
soak-collector: .venv/test.stamp ## An OpenTelemetry Collector before the gateway (needs Go; the first time six minutes to build it)
	SLUICE_TEST_REQUIRE=collector $(BIN)/pytest -n 0 -q tests/integration/test_collector.py $(ARGS)

.PHONY: clean
clean: ## Remove .venv and all caches; the data in var/ stays
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# Installed again only when what is to be installed has changed.

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: install one, or say make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e '.[local,sourcemaps]'
	@touch $@

.venv/bench.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e '.[local,sourcemaps,bench]'
	@touch $@ .venv/run.stamp

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e '.[local,sourcemaps,s3,oidc,bench,dev]'
	@touch $@ .venv/run.stamp .venv/bench.stamp
