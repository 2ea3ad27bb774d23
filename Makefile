# Everything that a person or CI runs. The first use makes `.venv` from the pinned,
# hashed constraints; nothing is installed outside it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start some thousand processes of Python: none compiles our modules anew, whatever the
# environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install lint format type test run docs dashboards pictures bench bench-recovery soak clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(VENV)/.installed: constraints-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

install: $(VENV)/.installed ## Make .venv with everything pinned

lint: $(VENV)/.installed ## Check style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed ## Mend style (ruff)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(VENV)/.installed ## Check types (mypy --strict)
	$(BIN)/mypy

test: lint type ## Check style and types, run every test
	@tools/promtool.sh
	@tools/spin.sh
	@tools/chromium.sh
	$(BIN)/pytest -n 6 --dist loadgroup
	@tools/promtool.sh --note
	@tools/spin.sh --note
	@tools/chromium.sh --note

run: $(VENV)/.installed ## Run worker, beat, metrics and health; with stand-ins for what is not configured
	$(BIN)/python -m demo

docs: $(VENV)/.installed ## Write what is made from code and data: settings' page, OpenAPI, rules, Kubernetes' objects
	$(BIN)/python tools/write_configuration.py
	$(BIN)/python tools/write_openapi.py
	$(BIN)/python tools/write_slo_rules.py
	$(BIN)/python tools/write_monitoring.py

dashboards: $(VENV)/.installed ## Write monitoring/grafana/dashboards with Grafana's foundation SDK
	$(BIN)/python -m tools.dashboards

pictures: $(VENV)/.installed ## Take docs/console*.png with Chromium from a run of the demo
	$(BIN)/python tools/pictures.py

bench: $(VENV)/.installed ## Measure moves beside their peers, and what they cost Redis; writes docs/performance.md
	$(BIN)/python benchmarks/moves.py

bench-recovery: $(VENV)/.installed ## Recover from outages in virtual time beside others; writes docs/recovery.md
	$(BIN)/python benchmarks/recovery.py $(ARGS)

soak: $(VENV)/.installed ## Kill and freeze a few hundred times, some 15 minutes (SEED=…, ROUNDS=… repeat or change a run)
	SOAK_SEED=$(SEED) SOAK_ROUNDS=$(ROUNDS) $(BIN)/pytest -s -m soak tests

.PHONY: alerts
alerts: $(VENV)/.installed ## Make every alert fire once for real and end, some five minutes; writes docs/alerts.md
	@tools/promtool.sh
	$(BIN)/pytest -s -m alerts tests

.PHONY: model
model: ## Search the formal model to its end with Spin, and find what is broken on purpose
	@tools/spin.sh
	@$(PYTHON) model/check.py

clean: ## Remove what was built; .data/ (the embedded Redis) stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: image-check
image-check: $(VENV)/.installed ## Build the image without Docker, and run what is in it (as root, on Debian)
	tools/image_check.sh

.PHONY: constraints
constraints: $(VENV)/.installed ## Resolve the dependencies anew and pin them with their hashes
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra image pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o constraints-dev.txt
