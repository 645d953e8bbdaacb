PYTHON ?= python3
VENV ?= .venv
# Where pip looks for torch; empty for pip's own place. See "Set up" in README.md.
TORCH_INDEX_URL ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo setup test test-page test-portable test-all behaviour torture lint types check bench docs pictures page-pictures clean clean-all

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Set up, train on a built-in text for a minute, score, sample
	$(BIN)/charlm train builtin:python-docs --budget 60s

setup: $(INSTALLED) ## Make .venv with charlm and what its tests need

# The stamp comes last, so that a failed installation is tried again. torch's own index has torch, but only some
# versions of what torch needs: the other constraints would fail there, so they wait for the second command.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "charlm needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python has no venv module; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX_URL),$(BIN)/python -m pip install "$$(grep '^torch==' constraints.txt)" --index-url $(TORCH_INDEX_URL))
	$(BIN)/python -m pip install -e '.[dev]' -c constraints.txt
	@touch $@

# Models of a few units are computed on one thread faster than on several.
test test-portable test-all: export OMP_NUM_THREADS := 1

# A worker on each core; one that has nothing left takes over half of what another has still to do. Neighbours stay
# together, so that most of what the tests of a file share is made once.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 8 --dist worksteal

test: setup ## Set up and run the tests, on every core
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-page: setup ## Test the page of a run in Chromium, and time it there; installs the extra page-tests
	$(BIN)/python -m pip install -q -e '.[dev,page-tests]' -c constraints.txt
	$(BIN)/python -m pytest -m "slow or not slow" tests/page tests/runs/export/test_page.py
	$(BIN)/python benchmarks/page.py

# An older processor, as far as the libraries can be told to be on one: it differs in the last bits of sums, so that a
# test that passes on both has a margin.
OLDER_PROCESSOR := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE OPENBLAS_CORETYPE=Haswell
COMPUTING_TESTS := $(addprefix tests/,compression evaluation generation models ngrams runs stepping training)

test-portable: setup ## Run the tests that compute once more, as on an older processor
	$(OLDER_PROCESSOR) $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(COMPUTING_TESTS)

test-all: setup ## Run the slow tests, too; not the torture
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not torture"

behaviour: setup ## Compare tensors, scores, samples and exit codes with what was recorded
	$(BIN)/python tests/behaviour/behaviour.py check

torture: setup ## Kill, cut the power, starve, forge and meddle: half an hour of it on two cores
	$(BIN)/python -m pytest -m "torture or not torture" tests/torture

lint: setup ## Check style, formatting and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup ## Check types
	$(BIN)/mypy

check: lint types test ## All of the above

bench: setup ## Measure; writes nothing. TEXT=path/to/tinyshakespeare.txt, NANOGPT=checkout to compare with
	@test -n "$(TEXT)" || { echo "Say on which text: make bench TEXT=path/to/tinyshakespeare.txt"; exit 1; }
	$(BIN)/python benchmarks/startup.py $(TEXT)
	$(BIN)/python benchmarks/throughput.py --quick
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/busy.py $(TEXT)
	$(BIN)/python benchmarks/budgets.py $(TEXT)
	$(BIN)/python benchmarks/ngrams.py $(TEXT)
	$(if $(NANOGPT),$(BIN)/python benchmarks/time_to_loss.py $(TEXT) --nanogpt $(NANOGPT))
	$(BIN)/python benchmarks/quality.py $(TEXT) --budget 10s --repeat 3
	$(BIN)/python benchmarks/quality.py $(TEXT) --budget 75s --repeat 3
	$(BIN)/python benchmarks/quality.py $(TEXT) --budget 300s

page-pictures: setup ## Draw the pictures of docs/page.md in Chromium: with the extras page-tests and plots
	$(BIN)/python docs/generate_page_pictures.py

docs: setup ## Generate docs/cli.md from the commands' help
	$(BIN)/python docs/generate_cli.py

pictures: setup ## Draw the pictures of README.md: the commands themselves, on a terminal, a minute
	$(BIN)/python docs/generate_pictures.py

clean: ## Remove caches and build leftovers; data/, checkpoints/ and .venv stay
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find charlm tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## Remove .venv, too
	rm -rf $(VENV)
