# Every target first sets up .venv if that has not happened yet; a second call installs nothing.
SHELL := bash
.DEFAULT_GOAL := help

# The first Python that will do; or say which: make book PYTHON=/path/to/python3.12
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
    $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# Real corpora for the tests, if they lie beside the checkout; without them those tests are skipped.
ifndef COURSE_MIRROR
ifneq ($(wildcard ../shared/mirror),)
export COURSE_MIRROR := $(abspath ../shared/mirror)
endif
endif

# A thread that waits spins for some microseconds and then sleeps. Spinning on, as the library does by default, slows
# two trainings beside each other; sleeping at once slows one alone. See benchmarks/NOTES.md.
export GOMP_SPINCOUNT ?= 10000

# Two test processes on two cores: one thread each.
PYTEST := OMP_NUM_THREADS=1 .ci/offline pytest -n 2 --dist loadfile
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 300

.PHONY: help lab book serve test test-fast notebooks transfer results bench bench-growth mutants lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

$(READY): requirements.lock pyproject.toml book/package-lock.json
	@if [ -z "$(PYTHON)" ]; then \
	    echo "Python 3.11, 3.12 or 3.13 with venv is needed. Say where: make PYTHON=/path/to/python"; exit 1; fi
	$(PYTHON) -m venv $(VENV)
	python -m pip install -r requirements.lock
	python -m pip install --no-deps -e .
	npm ci --prefix book --ignore-scripts --no-audit --no-fund
	touch $@

lab: $(READY)  ## open the notebooks in JupyterLab
	jupyter lab notebooks

book: $(READY)  ## run copies of all notebooks and build the book from them: _build/html
	python -m course_utils.notebooks --into _build/notebooks
	sphinx-build -b html -nW --keep-going -q -c book -d _build/doctrees _build/notebooks _build/html
	@echo "The book is in _build/html. To read it: make serve"

serve:  ## show the book at http://127.0.0.1:8000
	@test -e _build/html/index.html || { echo "There is no book yet: make book"; exit 1; }
	python -m http.server --bind 127.0.0.1 --directory _build/html 8000

test: $(READY)  ## every test: style, types, package, notebooks, book
	ruff check .
	ruff format --check .
	mypy course_utils
	$(PYTEST) $(NBVAL) course_utils tests notebooks

test-fast: $(READY)  ## without slow tests and notebooks
	$(PYTEST) -m "not slow"

notebooks: $(READY)  ## run all notebooks and write their outputs into the repository
	python -m course_utils.notebooks

transfer: $(READY)  ## train on Eastmere and on real corpora, test on the other (hours; needs COURSE_MIRROR or the internet)
	python benchmarks/transfer.py

results: $(READY)  ## train on the course's own and on real corpora, three seeds: figures and the transfer table (hours; COURSE_MIRROR=…)
	python benchmarks/corpora.py
	python benchmarks/conclusions.py

bench: $(READY)  ## speed of training beside the Trainer's, on this CPU (about 20 minutes)
	course bench --json benchmarks/results/bench.json

bench-growth: $(READY)  ## how time and memory grow with the number and length of examples
	python benchmarks/growth.py

mutants: $(READY)  ## change the code in 300 places and count how many changes the tests notice (about 45 minutes)
	python tests/mutants.py

lock: $(READY)  ## write the versions in .venv to requirements.lock
	python .ci/lock.py > requirements.lock.new
	mv requirements.lock.new requirements.lock
	touch $(READY)

clean:  ## remove what was built; .venv stays
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache
