# Everything a developer of the operator does, one target each: `make help`.
# Python tools come from the lock in requirements/, Go tools from the modules in hack/tools/; both are
# installed outside the tree (but .venv) when first needed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
LOCKED := $(VENV)/.locked-$(shell cksum < requirements/dev.txt | tr ' ' '-')
BENCHED := $(VENV)/.benched-$(shell cksum < requirements/bench.txt | tr ' ' '-')
COMPILE := $(VENV)/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
STORY ?= *
CLUSTER ?= local
JOBS ?= 2
SEEDS ?= 1000
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try
.PHONY: demo
demo: venv ## Bring up a cluster, the operator and a sample Registry; push and pull (CLUSTER=current: your own cluster)
	@$(RUN) -m hack.demo up --cluster $(CLUSTER)

.PHONY: demo-down
demo-down: venv ## Take the demo down and show that nothing is left
	@$(RUN) -m hack.demo down

##@ Prove
.PHONY: unit
unit: venv ## Run the unit, conformance and behaviour tests (seconds)
	@$(RUN) -m pytest -q -n $(JOBS) -m "not integration" tests/unit tests/conformance tests/behaviour $(ARGS)

.PHONY: integration
integration: venv ## Run the integration tests (a real control plane)
	@$(RUN) -m pytest -q -m "integration and not e2e" tests $(ARGS)

.PHONY: e2e
e2e: venv ## Run Chainsaw stories on the full local cluster (STORY=registry-* picks by name)
	@$(RUN) -m hack.e2e --story "$(STORY)" $(ARGS)

.PHONY: availability
availability: venv ## Push and pull at 60 requests a second through rolls, drains and outages; needs an idle machine
	@$(RUN) -m pytest -q -rP -m load tests/e2e $(ARGS)

.PHONY: lint
lint: venv ## Check style, types, imports and generated files
	@$(RUN) -m hack.tiers lint types

.PHONY: test
test: venv ## Run everything: lint, types, unit, simulation, integration, end to end; a table of results at the end
	@$(RUN) -m hack.tiers

.PHONY: simulate
simulate: venv ## Play whole operators through faults under SEEDS=1000 seeds, on both cores
	@$(RUN) -m hack.simulate --seeds $(SEEDS) $(ARGS)

.PHONY: mutants
mutants: venv ## Show that the simulation sees deliberate mistakes in the runtime, each by a seed of its own
	@$(RUN) -m hack.mutants check $(ARGS)

.PHONY: bench
bench: $(BENCHED) ## Print one JSON line per figure: value, baselines, target, whether it holds (20 minutes)
	@$(RUN) -m hack.bench run $(ARGS)

.PHONY: bench-plots
bench-plots: $(BENCHED) ## Draw the plots of docs/performance.md from docs/performance/results.json
	@$(RUN) -m hack.bench plot $(ARGS)

##@ Make
.PHONY: venv
venv: $(LOCKED) ## Make .venv from the lock

$(LOCKED): requirements/dev.txt
	@bash hack/venv.sh "$(PYTHON)" "$(VENV)" "$@" requirements/dev.txt

$(BENCHED): requirements/bench.txt | venv
	@bash hack/venv.sh "$(PYTHON)" "$(VENV)" "$@" requirements/bench.txt

.PHONY: generate
generate: venv ## Write CRDs, RBAC and tables of the documentation from the code
	@$(RUN) -m hack.generate

.PHONY: lock
lock: venv ## Lock the dependencies of pyproject.toml anew (no index is named in the lock)
	@$(COMPILE) pyproject.toml --output-file requirements/run.txt
	@$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt

.PHONY: clean
clean: ## Remove .venv and what tools leave in the tree
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
