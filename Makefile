# Circle. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
STAMP := .setup
WEB_SOURCES := $(shell find web/src web/public sdk/typescript/src -type f 2>/dev/null) web/index.html web/graphiql.html web/vite.config.ts web/package.json sdk/typescript/package.json

.PHONY: help setup run test check schema codegen bench fmt clean lock

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(STAMP)/python $(STAMP)/web ## Set up everything that serving needs (incremental)

run: setup ## Set up and serve on http://localhost:8000 (CIRCLE_PORT, CIRCLE_DATA_DIR)
	@exec $(VENV)/bin/circle serve

test: setup $(STAMP)/dev ## Run all tests
	npm test --silent --workspace sdk/typescript
	npm test --silent --workspace web
	scripts/test_python.sh

check: $(STAMP)/dev $(STAMP)/node $(STAMP)/codegen ## Check format, lint, types, import rules and generated files
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	PYTHONPATH=.:sdk/python $(VENV)/bin/lint-imports --no-logo
	npm run --silent check --workspace sdk/typescript
	npm run --silent check --workspace web
	$(PY) scripts/check_tree.py
	scripts/check_generated.sh

schema: $(STAMP)/dev ## Write schema.graphql from the code
	$(VENV)/bin/circle schema > schema.graphql.new && mv schema.graphql.new schema.graphql

codegen: schema $(STAMP)/codegen $(STAMP)/node ## Write the SDKs' types and operations from schema.graphql
	npm run --silent codegen --workspace sdk/typescript
	scripts/codegen_python.sh

bench: setup $(STAMP)/dev $(STAMP)/peers ## Measure against floors, peers and budgets (bench/results.json)
	$(PY) -m bench

fmt: $(STAMP)/dev $(STAMP)/node ## Format the code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean: ## Remove what setup and builds made (never ./data)
	rm -rf $(VENV) .venv-codegen $(STAMP) node_modules bench/peers/node_modules web/dist web/node_modules sdk/typescript/node_modules

lock: ## Lock Python dependencies anew: names, versions, hashes, no addresses
	scripts/lock.sh

$(STAMP):
	mkdir -p $(STAMP)

$(VENV)/bin/python: | $(STAMP)
	scripts/make_venv.sh $(VENV)

$(STAMP)/python: requirements/base.txt pyproject.toml sdk/python/pyproject.toml scripts/make_venv.sh | $(VENV)/bin/python
	@echo 'Installing Python packages...'
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e sdk/python
	@touch $@

$(STAMP)/dev: requirements/dev.txt $(STAMP)/python
	@echo 'Installing what checks and tests need...'
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt -r requirements/dev.txt
	@touch $@

$(STAMP)/codegen: requirements/codegen.txt | $(STAMP)
	scripts/make_venv.sh .venv-codegen
	.venv-codegen/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/codegen.txt
	@touch $@

$(STAMP)/node: package-lock.json package.json web/package.json sdk/typescript/package.json | $(STAMP)
	@scripts/need_node.sh
	@echo 'Installing web packages...'
	npm ci --silent --no-audit --no-fund
	@touch $@

$(STAMP)/peers: bench/peers/package-lock.json bench/peers/package.json | $(STAMP)
	@scripts/need_node.sh
	@echo 'Installing what is measured against...'
	npm ci --silent --no-audit --no-fund --prefix bench/peers
	@touch $@

$(STAMP)/web: $(STAMP)/node $(WEB_SOURCES)
	@echo 'Building the web client...'
	npm run --silent build --workspace web
	@touch $@
