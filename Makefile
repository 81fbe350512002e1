# `make demo` and `make test` need nothing but Python 3.11-3.13 and make: they fetch uv and the environment themselves.
PYTHON ?= python3
DEMO   ?= demo-run
TOOLS  := .tools
UV     := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN    := $(UV) run --frozen

.DEFAULT_GOAL := help
.PHONY: help demo test lint format sync bench clean

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(TOOLS)/bin/uv:
	$(PYTHON) -m venv $(TOOLS) || $(PYTHON) -m pip install --prefix $(TOOLS) uv
	test -x $(TOOLS)/bin/uv || $(TOOLS)/bin/python -m pip install --quiet uv

sync: $(if $(findstring $(TOOLS),$(UV)),$(UV)) ## make the environment from the lock
	$(UV) sync --frozen --quiet $(EXTRAS)

demo: sync ## the main job on the built-in demo objects; ends with the path of its report
	$(RUN) photosynth demo --out $(DEMO)

test: EXTRAS = --all-extras
test: sync lint ## the whole gate, with every optional engine
	$(RUN) pytest

lint: sync ## style, format, import rules
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) lint-imports

format: sync ## put the code in shape
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: sync ## rendering speed on this machine
	$(RUN) python benchmarks/render.py

clean: ## remove the environment and the demo
	rm -rf .venv $(TOOLS) $(DEMO) $(DEMO)-objects
