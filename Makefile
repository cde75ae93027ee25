# Everything runs from .venv, which make fills itself: Python >= 3.11 and make are all it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SOURCE ?=
TESTS  ?=
# Parallel test processes, each with servers of its own: a test mostly waits.
# Folder order starts the long e2e tests before the short ones at the end.
BESIDE ?= -n 4 --dist loadfile --no-loadscope-reorder
# The inner loop. Left to `make test`: whole clean-ups, ranking on collections, plans on large
# tables, sessions that vanish, huge pages; each takes longer than the rest of its folder. So are
# four of five examples of Hypothesis.
FAST   := --hypothesis-profile fast tests/domain tests/contracts/test_requests.py tests/text tests/stores \
	$(addprefix --ignore tests/,stores/blobs stores/test_retention.py stores/test_large_runs.py stores/test_pool.py \
	stores/test_selection.py stores/search stores/test_index_following.py stores/test_index_rebuild.py stores/test_near_duplicates.py stores/test_clusters.py text/test_extract_fuzz.py text/test_huge_nodes.py text/test_flat_pages.py) \
	--deselect tests/stores/test_search.py::test_no_hostile_query_breaks_the_sql \
	--deselect tests/stores/test_search.py::test_ranking_quality_holds \
	--deselect tests/text/test_extract.py::test_fifty_thousand_nested_elements_lose_no_text \
	tests/e2e/test_sync.py::test_a_site_is_synced_searched_changed_and_synced_again

# Some containers forbid Python to keep bytecode. Then every process that a test starts compiles
# Atlas and its libraries again, and every test process the tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-docs test-slow coverage check docs format wheel up down bench quality lock clean compose-test

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

$(STAMP): requirements-uv.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Atlas needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP) ## sync a small site end to end on the embedded stack (SOURCE=https://... for a real one)
	$(BIN)/python -m starter.demo $(if $(SOURCE),--source '$(SOURCE)')

test: $(STAMP) ## run the tests (real Temporal, PostgreSQL, HTTP and S3 servers)
	$(BIN)/python -m pytest $(BESIDE)

test-fast: $(STAMP) ## the inner loop: pure rules, text, stores, one sync end to end (under 90 seconds)
	$(BIN)/python -m pytest $(BESIDE) $(FAST)

coverage: $(STAMP) ## run the tests with coverage and print what no test reaches (TESTS=... for some of them)
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest $(BESIDE) $(TESTS) --cov --cov-report=term

test-docs: $(STAMP) ## run the commands of the documentation as written, from a fresh clone and an empty home
	$(BIN)/python -m pytest tests/docs -m 'slow or not slow' --timeout 1800

test-slow: $(STAMP) ## run the long tests as well: whole manuals, kills, 10,000 pages
	$(BIN)/python -m pytest -m 'slow or not slow' --timeout 1800

check: $(STAMP) ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP) ## write docs/cli.md, docs/json.md, docs/state-machine.md, docs/sources.schema.json, .env.example, the tables of settings and of limits from the code
	$(BIN)/python -m atlas.settings.reference
	$(BIN)/python -m starter.cli.reference.write

# Offline: setuptools is among the locked requirements. A stale build/ would put deleted modules in.
wheel: $(STAMP) ## build dist/atlas_corpus-*.whl, to install Atlas into other projects
	rm -rf build
	$(BIN)/uv build --quiet --wheel --offline --no-build-isolation --python $(BIN)/python --out-dir dist .

format: $(STAMP) ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

up: $(STAMP) ## start the embedded stack in the background
	$(BIN)/atlas up -d

down: $(STAMP) ## stop the embedded stack
	$(BIN)/atlas down

bench: $(STAMP) ## run the benchmarks; each prints a ratio against its baseline
	$(BIN)/python -m benchmarks

quality: $(STAMP) ## print how good texts, metadata, rankings and copies are, beside others; fails if a figure dropped
	$(BIN)/python -m benchmarks.quality

compose-test: $(STAMP) ## build the image, start docker-compose.yml, and test it: sync, scale, kill, restart (needs docker)
	$(BIN)/python -m pytest -m slow -s --timeout 2400 tests/deploy/test_compose.py

lock: $(STAMP) ## recompile the hashed requirements from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra embedded pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraint requirements.txt pyproject.toml -o requirements-worker.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras pyproject.toml -o requirements-dev.txt
	echo 'uv' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements-uv.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist .coverage .coverage.*
