# Each target sets up what it needs. It takes Python 3.11 or later, make and git, and on Debian python3-venv.

PYTHON ?= $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11,\
            $(shell $(each) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(each))))
BIN := .venv/bin
# Marks of an environment that can run the exporter, and of one for working on it.
RUNNABLE := .venv/.runnable
READY := .venv/.ready

.PHONY: demo run test packages recipes lint soak bench dashboards rules deploy prove pictures manual dist audit release clean

demo: $(RUNNABLE) ## Exporter and simulated cloud, at http://127.0.0.1:10065
	@$(BIN)/csr-exporter demo

run: $(RUNNABLE) ## The daemon, with the configuration in config.yml
	@$(BIN)/csr-exporter run --config.file=config.yml

# More processes than cores, because tests mostly wait. The tests of a file share fixtures, so they share a process.
test: $(READY) ## All tests; those of a release and of docs/recipes are targets of their own
	@$(BIN)/pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder --ignore=tests/release --ignore=tests/recipes

packages: $(READY) ## Make a release, and install and run its packages and image in a Debian
	@$(BIN)/pytest tests/release

recipes: $(READY) ## Try the recipes of docs/recipes with their programs, which `.ci/run recipes` installs
	@$(BIN)/pytest tests/recipes

lint: $(READY) ## Style, format, types and spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/codespell

SECONDS := 180
soak: $(READY) ## A daemon under random faults for three minutes, or SECONDS=…
	@$(BIN)/python -W error -m tests.soak $(SECONDS)

bench: $(READY) ## Benchmarks: ratios against named alternatives, measured in one run
	@$(BIN)/python -m bench

dashboards: $(READY) ## Write the dashboards in grafana/, from their code
	@$(BIN)/python -m grafana

rules: $(READY) ## Write the alert rules, their unit tests and their pages in docs/
	@$(BIN)/python -m deploy.prometheus

deploy: $(READY) ## Write the chart's rules, schema and dashboards, and the manifests in deploy/kubernetes (needs helm)
	@$(BIN)/python -m deploy.helm
	@$(BIN)/python -m deploy.kubernetes

prove: $(READY) ## Record in docs/alerts-proof.md what Prometheus raises while the simulated cloud fails
	@$(BIN)/python -m tests.prove

pictures: $(READY) ## Take the pictures of the status page in docs/pictures/ (needs chromium)
	@$(BIN)/python -m tests.pictures

manual: $(READY) ## Write man pages, shell completions and the JSON Schema of the configuration
	@$(BIN)/python -m release manual

dist: $(READY) ## All artefacts, in dist/; BILL=… rebuilds those of a published release
	@rm -rf dist
	@$(BIN)/python -m release dist $(if $(BILL),--bill=$(BILL))

audit: $(READY) ## Look for advisories on the dependencies of the release in dist/
	@$(BIN)/python -m release audit

release: ## Everything that is published of a version, audited, from a clean commit: docs/releasing.md
	@test -z "$$(git status --porcelain)" || { echo "make release: there are uncommitted changes" >&2; exit 1; }
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
