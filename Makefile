# Every recipe works on a clean clone; a second run only repeats what changed.
PYTHON ?= python3
VENV := .venv
CLIENTS := .venv-clients
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-clients test-versions servers servers-stop check lint types imports wheel docs clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/installed ## install without torch, index Python's own documentation, search it
	$(BIN)/latent-terms demo

test: check test-clients ## install everything, run the checks, then the whole suite
	$(BIN)/python -m pytest -q

test-clients: $(CLIENTS)/installed ## rerank with other projects' clients, unmodified
	$(CLIENTS)/bin/python -m pytest -q tests/clients

servers: $(VENV)/installed-dev ## start OpenSearch and Elasticsearch on loopback: Java 21 and Maven
	$(BIN)/python -m tests.servers start

servers-stop: ## stop them
	@test ! -x $(BIN)/python || $(BIN)/python -m tests.servers stop

# Older servers with the newest clients, then the oldest clients with the newest servers.
test-versions: $(VENV)/installed-dev ## what every engine must do, on the other supported versions
	env -u OPENSEARCH_URL -u ELASTICSEARCH_URL OPENSEARCH_VERSION=2.19.1 \
	  ELASTICSEARCH_VERSION=8.19.13 $(BIN)/python -m pytest -q tests/contract
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target .servers/oldest-clients \
	  'elasticsearch==8.14.*' 'opensearch-py==2.6.*'
	PYTHONPATH=.servers/oldest-clients $(BIN)/python -m pytest -q tests/contract

check: lint types imports ## lint, types and import rules

lint: $(VENV)/installed-dev ## ruff
	$(BIN)/ruff check .

types: $(VENV)/installed-dev ## mypy --strict on the three packages
	$(BIN)/mypy

imports: $(VENV)/installed-dev ## who may import whom
	$(BIN)/lint-imports --no-logo

wheel: $(VENV)/installed-dev ## build the wheel and look at what it holds
	rm -rf dist
	$(BIN)/uv build --quiet --wheel --out-dir dist .
	$(BIN)/python tests/check_wheel.py dist/*.whl

docs: $(VENV)/installed-dev ## write docs/cli.md again
	$(BIN)/python docs/generate.py

clean: servers-stop ## remove the environment, the servers and the caches
	rm -rf $(VENV) $(CLIENTS) .servers dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# torch is large: uv fetches and unpacks it several times faster than pip does.
$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	@touch $(VENV)/installed $@

# An environment of its own: these packages bring many more, and hold back what ours use.
$(CLIENTS)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(CLIENTS)
	$(BIN)/uv pip install --quiet --python $(CLIENTS)/bin/python --editable '.[clients]'
	@touch $@
