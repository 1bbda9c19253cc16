# VLAA Notebooks. `make` lists the commands.
#
# PYTHON picks the interpreter the environment is built from:  make run PYTHON=python3.12
# NAMES  picks notebooks for run and numbers:                   make run NAMES="00 03"
# ARGS   goes to pytest:                                        make test ARGS="-k rewards"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

# After the install nothing needs a network: a look-up that slips in fails at once instead of waiting.
# What is imported is kept compiled, whatever the caller's PYTHONDONTWRITEBYTECODE says: some sixty processes import torch
# and what is around it, which takes 10 s compiled and 25 s if not.
OFFLINE := PYTHONDONTWRITEBYTECODE= HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TRANSFORMERS_OFFLINE=1 \
	HF_HUB_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

# Reads the range from pyproject.toml without tomllib, so that it can also refuse a Python that has none.
define CHECK_PYTHON
import re, sys
text = open("pyproject.toml").read()
low, high = map(int, re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups())
if sys.version_info[0] != 3 or not low <= sys.version_info[1] < high:
    sys.exit("%s is Python %d.%d; expected 3.%d to 3.%d. Name another one: make PYTHON=python3.%d %s" % (
        (sys.argv[1],) + tuple(sys.version_info[:2]) + (low, high - 1, high - 2, sys.argv[2])))
endef
export CHECK_PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test site gpu test-eval oldest test-oldest test-colab canary numbers lab format clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.installed ## run every notebook on the mini profile; results in runs/
	$(OFFLINE) $(BIN)/python -m vlaa_helpers.dev.notebooks.run run $(NAMES)

# All tests of a file on one worker, so that what they share is made once; tests/conftest.py puts the longest files first.
# (Not loadgroup: pytest-xdist 3.8 marks groups in a field that pytest 9.2 no longer reads, and silently makes none.)
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

# One thread a process: two torch processes that each take every core run some twenty times slower.
# Without ARGS this is the whole suite, and tests/conftest.py then also fails on tests that were left out.
test: $(VENV)/.installed-test ## run every test (CPU, offline)
	$(OFFLINE) OMP_NUM_THREADS=1 VLAA_WHOLE_SUITE=$(if $(ARGS),0,1) \
		$(BIN)/python -m pytest $(WORKERS) $(ARGS)

site: $(VENV)/.installed-site ## build the series as static pages and check them; build/site/index.html
	$(BIN)/python -m vlaa_helpers.dev.site.build

# Needs a CUDA GPU with 15 GB or more; without one it says so and ends with 2. Interrupted, run it again: it goes on.
gpu: $(VENV)/.installed-test ## measure steps, memory and tests on a CUDA GPU; results in runs/gpu
	$(OFFLINE) $(BIN)/python -m vlaa_helpers.dev.benchmarks.gpu_proof

# Newer releases than pyproject.toml allows, in an environment of their own: what do they break of docs/upstream.md?
CANARY := .venv-canary
UPSTREAM := accelerate bitsandbytes datasets peft transformers trl
CANARY_TESTS := tests/training/test_upstream.py tests/training/test_upstream_table.py \
	tests/training/test_grpo_minimal.py tests/training/test_grpo_loss_reference.py tests/training/test_adaptive_kl.py \
	tests/training/test_rollout_log.py tests/training/test_shared_prefix_trainer.py \
	tests/training/test_expert_prefix_trainer.py tests/training/test_weighted_sft.py \
	tests/policy/test_prefix_cache.py tests/policy/test_common_head.py tests/policy/test_decode_loop.py \
	tests/policy/test_decode_stack.py tests/policy/test_adapters.py tests/policy/test_loading.py

canary: ## run the tests that feel it first on the newest TRL, transformers, peft and bitsandbytes
	$(MAKE) VENV=$(CANARY) $(CANARY)/.installed-test
	$(subst $(BIN)/,$(CANARY)/bin/,$(INSTALL)) --upgrade $(UPSTREAM)
	@$(CANARY)/bin/python -c 'from importlib.metadata import version; import sys; \
		print(*(f"{name} {version(name)}" for name in sys.argv[1:]), sep="\n")' torch $(UPSTREAM)
	$(OFFLINE) OMP_NUM_THREADS=1 VLAA_CANARY=1 $(CANARY)/bin/python -m pytest $(WORKERS) \
		-k "not memory and not thirty" $(CANARY_TESTS)

# Colab's versions of August 2026, the oldest that pyproject.toml allows of these packages (tests/oldest.txt; the others are
# the newest), in an environment of their own.
# Needs Python 3.13, a network and about 6 GB of disk.
OLDEST := .venv-oldest
oldest: ## build the environment of Colab's versions
	$(MAKE) VENV=$(OLDEST) PYTHON=python3.13 $(OLDEST)/bin/python
	$(subst $(BIN)/,$(OLDEST)/bin/,$(INSTALL)) pip -r tests/oldest.txt

test-oldest: oldest ## run the suite on Colab's versions
	$(subst $(BIN)/,$(OLDEST)/bin/,$(INSTALL)) -e ".[test]" nbclient nbformat jupyterlab -c tests/oldest.txt
	$(OFFLINE) OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest $(WORKERS) $(ARGS)

# What Colab's own list of August 2026 has of the packages that the helpers touch (tests/colab.txt), before the setup cell;
# built anew each time, because the cell installs into it. Needs Python 3.13, a network and about 6 GB of disk.
COLAB := .venv-colab
test-colab: $(VENV)/.installed-test ## run the setup cell in a kernel of such an environment (needs a network)
	rm -rf $(COLAB)
	$(MAKE) VENV=$(COLAB) PYTHON=python3.13 $(COLAB)/bin/python
	$(subst $(BIN)/,$(COLAB)/bin/,$(INSTALL)) -r tests/colab.txt
	OMP_NUM_THREADS=1 VLAA_COLAB_PYTHON=$(COLAB)/bin/python $(BIN)/python -m pytest -m colab tests/notebooks/test_colab.py

# lmms-eval brings some ninety packages, so it has an environment of its own.
EVAL := .venv-eval

test-eval: ## let lmms-eval run a task with our model (CPU, offline)
	$(MAKE) VENV=$(EVAL) $(EVAL)/.installed-test
	$(subst $(BIN)/,$(EVAL)/bin/,$(INSTALL)) -e ".[eval]"
	$(OFFLINE) OMP_NUM_THREADS=1 $(EVAL)/bin/python -m pytest tests/evaluation/test_lmms_eval_plugin.py

numbers: $(VENV)/.installed ## list the numbers in prose that no output or table beside them holds
	$(BIN)/python -m vlaa_helpers.dev.notebooks.prose_numbers $(NAMES)

lab: $(VENV)/.installed ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

format: $(VENV)/.installed-test ## format the Python files and mend what ruff can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## remove the environment, results and caches
	rm -rf $(VENV) $(CANARY) $(OLDEST) $(COLAB) $(EVAL) runs .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found; install Python 3.12 or name one:" \
		"make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c "$$CHECK_PYTHON" $(PYTHON) "$(MAKECMDGOALS)"
ifdef UV
	uv venv --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
endif

# uv brings certificates of its own; the system's are also right behind a proxy (the option's old and new name).
INSTALL := $(if $(UV),UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 uv pip install --python $(BIN)/python,$(BIN)/python -m pip install)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(INSTALL) -e ".[lab]"
	@touch $@

$(VENV)/.installed-site: pyproject.toml | $(BIN)/python
	$(INSTALL) -e ".[lab,site]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(INSTALL) -e ".[browser,lab,site,test]"
	@touch $@ $(VENV)/.installed $(VENV)/.installed-site
