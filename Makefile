# Needs Python 3.11 or newer; makes its own environment in .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCH := .venv/.bench

.PHONY: help demo dev test lint types architecture check bench lowest site wheel release clean
.DEFAULT_GOAL := help

help: ## Show what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: dev ## Play the whole story on a local AWS stand-in, without credentials
	$(BIN)/stillframe demo

dev: $(STAMP) ## Make the environment

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	mkdir -p .dev && ln -sfn .. .dev/stillframe
	touch $@

test: dev ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal  # one waits while two work

lint: dev ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev ## Check types
	$(BIN)/mypy

architecture: dev ## Check that arrows never turn back
	$(BIN)/lint-imports --config pyproject.toml

check: lint types architecture test ## Everything that CI runs

bench: $(BENCH) ## Measure evaluation beside other ways to do it, for about an hour; ARGS=--quick is a smoke test
	$(BIN)/python -m bench $(ARGS)

$(BENCH): $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $@

lowest: ## Try the lowest versions that are declared; PYTHON=python3.13 for another Python, ARGS=smoke for no tests
	tests/lowest.sh $(PYTHON) $(ARGS)

site: dev ## Build the documentation as a site into site/; a link that leads nowhere is an error
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: dev ## Build the wheel and the source archive
	$(BIN)/python -m build

release: dev ## Make the wheel, the source archive and the list of components in dist/, check them, and upload nothing
	tests/release.sh $(BIN)/python

clean: ## Remove what was made
	rm -rf .venv .dev .lowest build dist site *.egg-info
