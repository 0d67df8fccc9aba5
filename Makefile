# Every target does its own set-up; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install dev demo test redis check sanitize fuzz bench accuracy gazetteer train protos lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.lock pyproject.toml hatch_build.py $(wildcard sidecar/detection/native/*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed ## put pii-sidecar, the model and Envoy into .venv

dev: $(VENV)/.dev ## the same, plus what tests and checks need

demo: install ## offline: what was sent, what the provider saw, what came back
	$(BIN)/pii-sidecar demo

test: dev redis ## all tests, through a real Envoy and the real model
	$(BIN)/python -m pytest

# The one thing that tests need and pip cannot give: the real server of the conversation store.
redis:
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y -qq --no-install-recommends redis-server >/dev/null; } \
	|| echo "make: NO redis-server, and it cannot be installed here: tests of the conversation store will fail" >&2

check: dev ## format, lint, types, layers, generated code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py --check

# The kernel built with assertions, and with sanitizers that end the program at the first finding.
FUZZ_SECONDS ?= 600
FUZZ_TEXTS   ?= ../shared/data
SANITIZED    := $(VENV)/sanitized/_kernel.abi3.so
SANITIZERS   := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ = LD_PRELOAD="$$($${CC:-gcc} -print-file-name=libasan.so) $$($${CC:-gcc} -print-file-name=libubsan.so)" \
  ASAN_OPTIONS=detect_leaks=0 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m

$(SANITIZED): $(VENV)/.dev hatch_build.py $(wildcard sidecar/detection/native/*.[ch])
	@mkdir -p $(@D)
	$(BIN)/python hatch_build.py $@ -O1 -g $(SANITIZERS)

sanitize: $(SANITIZED) ## the native kernel under ASan and UBSan on annotated texts (some minutes)
	$(FUZZ) tests.detection.fuzz_native_ner $(SANITIZED) --texts $(FUZZ_TEXTS) --seconds 30
	$(FUZZ) tests.detection.fuzz_native_words $(SANITIZED) --seconds 30
	$(FUZZ) tests.detection.fuzz_signs $(SANITIZED) --seconds 30

fuzz: $(SANITIZED) ## the same on random models, documents, words and signs for ten minutes each, or FUZZ_SECONDS
	$(FUZZ) tests.detection.fuzz_native_ner $(SANITIZED) --seconds $(FUZZ_SECONDS)
	$(FUZZ) tests.detection.fuzz_native_words $(SANITIZED) --seconds $(FUZZ_SECONDS)
	$(FUZZ) tests.detection.fuzz_signs $(SANITIZED) --seconds $(FUZZ_SECONDS)

bench: dev ## speed against peers, with goals; BENCH=--full takes longer, BENCH=streams measures a part
	$(BIN)/python -m benchmarks $(BENCH)

accuracy: dev ## leak and over-redaction on annotated texts
	$(BIN)/python -m benchmarks.accuracy

ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 BLIS_NUM_THREADS=1

train: dev ## train our NER model anew (needs ../shared/data; 7 minutes of one core)
	$(PIP) --require-hashes --only-binary :all: -r requirements-train.lock
	$(ONE_THREAD) $(BIN)/python -m training.train
	$(BIN)/python -m training.evaluate

gazetteer: dev ## distill the lists of names and places anew (needs npm and node)
	$(BIN)/python training/build_gazetteer.py

protos: dev ## generate sidecar/extproc/pb from protos/
	$(BIN)/python protos/generate.py

EXPORT := uv export --quiet --format requirements-txt --no-emit-project --no-header

lock: ## resolve pyproject anew into the lock files (needs uv)
	uv lock --upgrade
	$(EXPORT) --all-extras --no-default-groups --group build -o requirements.lock
	$(EXPORT) --all-extras --group dev -o requirements-dev.lock
	$(EXPORT) --extra store --no-default-groups -o requirements-image.lock
	$(EXPORT) --only-group build -o requirements-build.lock
	$(EXPORT) --only-group train -o requirements-train.lock

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
