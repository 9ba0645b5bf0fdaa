# Each target does its own set-up: Python 3.11 or later, make and git are enough.

PYTHON ?= $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11,\
            $(shell $(each) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(each))))
BIN := .venv/bin
# What it takes to run the exporter, and what it takes to work on it.
RUNNABLE := .venv/.runnable
READY := .venv/.ready

.PHONY: demo run test lint soak bench dashboards rules deploy prove pictures manual dist audit release clean

demo: $(RUNNABLE) ## Exporter and simulated cloud: look at http://127.0.0.1:10065
	@$(BIN)/csr-exporter demo

run: $(RUNNABLE) ## The daemon, with the configuration in config.yml
	@$(BIN)/csr-exporter run --config.file=config.yml

# More processes than cores, for most of a test's time is waiting; one for all tests of a file, which share set-ups.
test: $(READY) ## All tests
	@$(BIN)/pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder

lint: $(READY) ## Style, format, types and spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/codespell

SECONDS := 180
soak: $(READY) ## A daemon under faults at random for three minutes, or SECONDS=…
	@$(BIN)/python -W error -m tests.soak $(SECONDS)

bench: $(READY) ## Benchmarks: ratios against named alternatives, measured in one run
	@$(BIN)/python -m bench

dashboards: $(READY) ## The dashboards in grafana/, from their code
	@$(BIN)/python -m grafana

rules: $(READY) ## Alert rules, their unit tests and their pages in docs/, from deploy/prometheus/
	@$(BIN)/python -m deploy.prometheus

deploy: $(READY) ## The Helm chart's rules, schema and dashboards, and the manifests in deploy/kubernetes (needs helm)
	@$(BIN)/python -m deploy.helm
	@$(BIN)/python -m deploy.kubernetes

prove: $(READY) ## What a running Prometheus raises while the simulated cloud fails, into docs/alerts-proof.md
	@$(BIN)/python -m tests.prove

pictures: $(READY) ## The pictures of the status page in docs/pictures/, with Debian's chromium
	@$(BIN)/python -m tests.pictures

manual: $(READY) ## Man pages, shell completions and the JSON Schema of the configuration, from the code
	@$(BIN)/python -m release manual

dist: $(READY) ## All artefacts, in dist/; BILL=… makes those of a published release again
	@rm -rf dist
	@$(BIN)/python -m release dist $(if $(BILL),--bill=$(BILL))

audit: $(READY) ## Advisories on what the release in dist/ depends on
	@$(BIN)/python -m release audit

release: ## All that is published of a version, audited, from what is committed: docs/releasing.md
	@test -z "$$(git status --porcelain)" || { echo "make release: there are changes that are not committed" >&2; exit 1; }
	@$(MAKE) --no-print-directory dist
	@$(MAKE) --no-print-directory audit

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

$(RUNNABLE): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; name one with PYTHON=…" >&2; exit 1; }
	@echo "setting up .venv with $(PYTHON)" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(READY): $(RUNNABLE)
	@echo "adding the tools for tests and checks" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
