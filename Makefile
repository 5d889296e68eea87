# Twelve targets at most. `make demo` and `make test` are all a newcomer needs; both make and use .venv.
PYTHON ?= python3
BIN := .venv/bin
PLAN ?= premium

.PHONY: demo test test-all test-s3 dev up lint types docs bench install clean

install: .venv/installed                ## make .venv with the exact versions of constraints.txt

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (about two minutes, 2.5 GB) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' 2> .venv/install.log || { cat .venv/install.log; exit 1; }
	@touch $@

demo: install                           ## the whole road on a simulated market: fetch .. ranking, report, lineage
	@$(BIN)/gogoku demo --plan $(PLAN)

test: install                           ## style, types, contracts and every test that is not marked slow
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy & types=$$!; \
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow" -q; tests=$$?; \
	wait $$types && exit $$tests

test-all: install                       ## also the slow suites: daemon, browser, two markets end to end
	@$(BIN)/python -m pytest -q

test-s3: install                        ## the store and the whole road on real servers: Ceph's S3 gateway and PostgreSQL
	@tests/servers/install.sh
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgres]'
	@$(BIN)/python -m pytest -q tests/unit/store tests/flow/test_s3_road.py tests/flow/test_production_storage.py

up:                                     ## docker compose: S3, PostgreSQL, code location, web pages, daemon
	@docker compose up --detach --build

dev: install                            ## the Dagster UI on http://127.0.0.1:3000 (the demo's data until a key is set)
	@$(BIN)/gogoku ui

lint: install                           ## repair style where a machine can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: install                          ## mypy strict below the Dagster wall
	@$(BIN)/mypy

docs: install                           ## regenerate features.md, tables.md, targets.md and presets.md in docs/
	@$(BIN)/gogoku features --write docs/features.md
	@$(BIN)/gogoku describe --all --write docs/tables.md
	@$(BIN)/gogoku describe targets --write docs/targets.md
	@$(BIN)/gogoku describe presets --write docs/presets.md

bench: install                          ## the table of goals against named peers, outputs proved equal first; then each benchmark
	@$(BIN)/python -m benchmarks.goals
	@for name in features index_growth limiter raw_to_table full_size networks; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

clean:                                  ## forget the demo and every cache; .venv stays
	@rm -rf .gogoku .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
