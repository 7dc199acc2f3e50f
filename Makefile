# Kitamae: `make run` shows the city, `make test` proves it. Everything happens in .venv.
.DEFAULT_GOAL := help
PY ?= python3
BIN := .venv/bin
UV = $$(command -v uv || echo $(BIN)/uv)
.PHONY: help env run vendor test check bench faults conformance docs lock clean interop fuzz

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.run: requirements/run.txt requirements/uv.txt pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Kitamae needs Python 3.11 or newer.'; exit 1; }
	@$(PY) -c 'import venv, ensurepip' 2>/dev/null || { echo 'The venv module is missing. As root: apt-get install python3-venv'; exit 1; }
	@test -x $(BIN)/python || $(PY) -m venv .venv
	@command -v uv >/dev/null || test -x $(BIN)/uv || { echo 'Getting uv ...'; $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt; }
	@echo 'Installing what Kitamae needs ...'
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@echo 'Installing what the tests need ...'
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

lock:  ## resolve the versions anew into requirements/*.txt
	@$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --extra build pyproject.toml -o requirements/run.txt
	@$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --extra build --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	@$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements/conformance.in -o requirements/conformance.txt
	@$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements/interop.in -o requirements/interop.txt
	@echo uv | $(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header - -o requirements/uv.txt

env: .venv/.run  ## the environment, from the lock file

run: env vendor  ## serve Smart City Kaga on this machine; the data stays in ./data
	@$(BIN)/kitamae up --city cities/kaga

vendor: node_modules/.vendored  ## copy the map and the design tokens for the browser (npm is needed; nothing is built)

node_modules/.vendored: package-lock.json package.json .venv/.run
	@if ! command -v npm >/dev/null; then \
	  echo 'npm is missing: every page works, without maps. As root: apt-get install npm, then make vendor'; \
	elif npm ci --ignore-scripts --silent && $(BIN)/python -m kitamae.web.vendor; then touch $@; \
	else echo 'The npm packages could not be copied: every page works, without maps. Try again: make vendor'; fi

check: .venv/.dev  ## what a reviewer would run: lint, types, the direction of imports, papers, locks
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >.venv/imports.log || { cat .venv/imports.log; exit 1; }
	@$(BIN)/kitamae check --city cities/kaga
	@$(BIN)/python -m pytest -q tests/architecture

test: .venv/.dev vendor  ## every test that this machine can run; what is skipped is named, with its reason
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

bench: .venv/.dev  ## measure every claim on this machine (wrk is needed); the table goes to docs/bench.md
	@$(BIN)/python -m benchmarks --write docs/bench.md

build/conformance/.robot: requirements/conformance.txt .venv/.dev
	@echo 'Installing what the ETSI suite runs on ...'
	@$(PY) -m venv build/conformance/robot
	@$(UV) pip install --quiet --python build/conformance/robot/bin/python --require-hashes -r requirements/conformance.txt
	@touch $@

conformance: build/conformance/.robot  ## the ETSI suite: SUITE=its checkout, PART=TP or IOP, GROUP=one folder of it, STORE=postgresql
	@test -d '$(SUITE)/TP' || { echo 'Say where the checkout of the suite is: make conformance SUITE=...'; exit 1; }
	@$(BIN)/python -m tests.conformance '$(SUITE)' build/conformance/robot/bin/python --part $(or $(PART),TP) --group '$(GROUP)' $(if $(STORE),--store $(STORE)) $(if $(CONTEXTS),--contexts '$(CONTEXTS)')

.venv/.interop: requirements/interop.txt .venv/.run
	@echo 'Installing clients that other people wrote ...'
	@$(PY) -m venv .venv/interop
	@$(UV) pip install --quiet --python .venv/interop/bin/python --require-hashes -r requirements/interop.txt
	@touch $@

tests/interop/openid/node_modules/.package-lock.json: tests/interop/openid/package-lock.json
	@cd tests/interop/openid && npm ci --ignore-scripts --silent && touch node_modules/.package-lock.json

interop: .venv/.interop .venv/.dev tests/interop/openid/node_modules/.package-lock.json  ## programs that other people wrote do their rounds with ours: filip, ngsildclient, oidc-provider
	@.venv/interop/bin/python -m pytest -c tests/interop/pytest.ini tests/interop
	@$(BIN)/python -m pytest -c tests/interop/openid/pytest.ini tests/interop/openid

faults: .venv/.dev  ## break everything that can break while it is used, and count: nothing may be missing (STORE=postgresql: two servers on one)
	@PYTHONPATH=tests $(BIN)/python -m faults $(if $(STORE),--store $(STORE)) $(FAULTS)

FUZZ ?= 300
fuzz: .venv/.dev  ## whatever a stranger may send, many times over: FUZZ examples of each kind
	@KITAMAE_FUZZ=$(FUZZ) $(BIN)/python -m pytest -q tests/fuzz

docs: .venv/.dev  ## the documentation as plain HTML in build/docs; nothing is fetched
	@$(BIN)/python -m docs.build build/docs

clean:  ## forget everything that was made; ./data stays
	@rm -rf .venv node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
