# make demo [ARGS="…"]   the demo          make test [ARGS="…"]        every change: minutes
# make bench             the benchmark     make test-live [ARGS="…"]   real processes, browsers, databases
# make lock              renew the locked  make soak                   the long tests
#                        requirements      make lint                   lint, format, types, contracts
# make bundle            one file that installs bridge and agents without the internet

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: bundle demo test test-live soak bench lint lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/.run
	@$(BIN)/python -m bridge.media.shell.compile
	$(BIN)/python bridge.py demo $(ARGS)

test: $(VENV)/.dev
	BIN=$(BIN) sh tests/fast.sh $(ARGS)

test-live: $(VENV)/.dev
	sh tests/setup.sh
	BIN=$(BIN) sh tests/live.sh $(ARGS)

lint: $(VENV)/.dev
	BIN=$(BIN) sh tests/lint.sh

soak: $(VENV)/.dev
	sh tests/setup.sh
	$(BIN)/python -m pytest -m soak $(ARGS)

bench: $(VENV)/.dev
	@$(BIN)/python -m bridge.media.shell.compile
	$(BIN)/python -m benchmarks.forwarding $(ARGS)

bundle: $(VENV)/.dev
	$(BIN)/python -m installation.build $(ARGS)

$(VENV)/bin/python:
	sh tests/make-venv.sh $(PYTHON) $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.txt
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade --group dev pyproject.toml -o requirements-dev.txt

clean:
	rm -rf $(VENV) var tests/web/node_modules .mypy_cache .ruff_cache .pytest_cache
