# Every target describes itself: `make help`. The same targets run on a laptop and in CI.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# One more than a small machine has cores: a test that waits leaves its core to another.
WORKERS ?= 3
# As images for containers set it: then every process of every test would compile again all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help compare compare-all capacity serve test unit lint types format probe pace1 fallback sensitivity kills server-memory bench bench-growth bench-readers bench-recorder gate-characteristic options options-report page-figures page-pictures controls fuzz docs soak-hour lock clean

help:  ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: .venv/run.stamp  ## Live, cached to the letter and cached on a 4 GB VM, side by side (6 minutes; needs root)
	$(BIN)/oomproof compare $(ARGS)

compare-all: .venv/run.stamp  ## The same, with live-bounded too
	$(BIN)/oomproof compare --all $(ARGS)

capacity: .venv/run.stamp  ## How many readers the VM carries live and cached, and what runs out first (about 20 minutes; needs root)
	$(BIN)/oomproof capacity live cached --most 64 $(ARGS)

serve: .venv/run.stamp  ## The complete server and a speech API beside it, to be tried by hand (no root)
	$(BIN)/oomproof serve $(ARGS)

test: lint types .venv/dev.stamp  ## Everything CI runs: ruff, mypy, all tests with coverage (needs root: it makes kernel kills)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= -m "not kernel"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-append --cov-report=term --cov-fail-under=94 -m kernel

unit: .venv/dev.stamp  ## The tests that take seconds and need no privilege
	$(BIN)/pytest -n auto -m "not slow and not kernel" $(ARGS)

lint: .venv/dev.stamp  ## ruff: style, names, docstrings, mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp  ## mypy --strict
	$(BIN)/mypy

format: .venv/dev.stamp  ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

probe: .venv/run.stamp  ## First audio of 20 blocks on an idle VM, live and cached, at pace 1 (3 minutes)
	$(BIN)/oomproof compare first-audio-live first-audio-cached $(ARGS)

pace1: .venv/run.stamp  ## The comparison in real time: ten-minute sessions (about 16 minutes)
	$(BIN)/oomproof compare --pace 1 $(ARGS)

fallback: .venv/run.stamp  ## 32 readers in cached mode on a document that has no cache (3 minutes)
	$(BIN)/oomproof run cached-without-cache $(ARGS)

sensitivity: .venv/run.stamp  ## Live with aligners of one thread, and with aligners that do not spin (5 minutes)
	-$(BIN)/oomproof run live --env OMP_NUM_THREADS=1 $(ARGS)
	-$(BIN)/oomproof run live --env OMP_WAIT_POLICY=PASSIVE $(ARGS)

kills: .venv/dev.stamp  ## Kill the server a hundred times while it makes chunks ahead (15 minutes; KILLS, SEED)
	KILLS=$${KILLS:-100} $(BIN)/pytest -s tests/system/test_kill_pregeneration.py $(ARGS)

server-memory: .venv/dev.stamp  ## What the server holds, also while it makes 200 pages ahead (15 minutes; PAGES)
	PAGES=$${PAGES:-200} $(BIN)/pytest -s tests/system/test_server_memory.py $(ARGS)

bench: .venv/run.stamp  ## What each part costs beside its peers: minutes; ARGS=--full on a quiet machine, an hour, for figures to publish (root)
	$(BIN)/python -m benchmarks.suite $(ARGS)

bench-growth: .venv/run.stamp  ## The figures of docs/guide/how-cost-grows.md, computed from reports/bench
	$(BIN)/python -m benchmarks.suite.growth

bench-readers: .venv/run.stamp  ## What thousands of readers cost the load generator, beside Locust's own users (an hour)
	$(BIN)/python -m benchmarks.readers $(ARGS)

controls: .venv/dev.stamp  ## Try the instrument on servers whose memory is known, 20 times each (20 minutes; REPEAT)
	REPEAT=$${REPEAT:-20} $(BIN)/pytest -s tests/system/test_controls.py $(ARGS)

page-figures: .venv/dev.stamp  ## How soon the page can be used and heard, and its longest silence in ten minutes (4 minutes, nothing else beside it)
	$(BIN)/python -m benchmarks.page $(ARGS)

page-pictures: .venv/dev.stamp  ## The pictures of the page that the docs show (a minute)
	SCREENSHOTS=docs/pictures $(BIN)/pytest -q tests/browser/test_pictures.py $(ARGS)

bench-recorder: .venv/run.stamp  ## What the recorder costs, and what it costs the server that it watches (about 10 minutes; needs root)
	$(BIN)/python -m benchmarks.recorder $(ARGS)

options: .venv/run.stamp  ## Every option of the plan in real time: what is missing of it (hours, see benchmarks/README.md; needs root)
	$(BIN)/python -m benchmarks.options $(ARGS)
	$(MAKE) options-report

options-report: .venv/run.stamp  ## What the options' runs show so far, and the figures that the docs quote (COMMIT, where git does not know it)
	$(BIN)/python -m benchmarks.options_report $(if $(COMMIT),--commit $(COMMIT))
	$(BIN)/python -m benchmarks.options_quote

gate-characteristic: .venv/run.stamp  ## How often the gate cries wolf, and what it finds (3 hours; what is measured stays; needs root)
	$(BIN)/python -m benchmarks.gate $(ARGS)
	$(BIN)/python -m benchmarks.gate_itself
	$(BIN)/python -m benchmarks.gate_page

soak-hour: .venv/dev.stamp  ## Cached mode for an hour against a stand-in for Fly, with oomproof soak (needs root; goes on when the terminal closes)
	$(BIN)/python -m tests.fly.hour $(ARGS)

fuzz: .venv/dev.stamp  ## Requests drawn from the server's own description, 1000 a route (FUZZ_REQUESTS)
	FUZZ_REQUESTS=$${FUZZ_REQUESTS:-1000} $(BIN)/pytest -s tests/reference_server/wire $(ARGS)

docs: .venv/dev.stamp  ## Pages of the README, docs/ and the reports, with a search, in build/docs; whatever leads nowhere is an error
	rm -rf build/docs
	$(BIN)/sphinx-build -q -E -W -n -d .cache/docs -c docs/site . build/docs $(ARGS)

lock: .venv/uv.stamp  ## Renew the hash-locked requirement files
	for name in uv run server load dev peers; do $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url $$(ls requirements/$$name.override 2>/dev/null | sed 's/^/--override /') \
	  requirements/$$name.in -o requirements/$$name.txt || exit 1; done

clean:  ## Remove the environment, the caches and the runs
	rm -rf .venv .cache build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* reports/runs *.egg-info

# A stamp is as new as what it was made from, so a second run installs nothing.
.venv/uv.stamp: requirements/uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 15) else \
	  f"oomproof: Python {v.major}.{v.minor} is not supported. Give another: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

.venv/run.stamp: .venv/uv.stamp requirements/run.txt pyproject.toml
	$(BIN)/uv pip install -q --compile-bytecode --require-hashes -r requirements/run.txt
	$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(BIN)/uv pip install -q --compile-bytecode --require-hashes -r requirements/dev.txt
	touch $@
