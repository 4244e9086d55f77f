# Everything there is to do here, one word each; `make` alone lists them. Needs Python 3.11 to 3.13, make, and a package
# index that pip can reach. Written for GNU make 3.81 and later; the folder's path may hold spaces.
#
#   DATA=FILE               make demo on your own labelled events
#   PYTHON=/path/to/python  the interpreter to build with
#   VENV=FOLDER             the environment's folder
#   DATABASE=postgresql     make test over PostgreSQL instead of SQLite
#   SECONDS=600 SEED=1      how long make soak goes on, and with which faults; how long make fuzz tries each target
#   TIMES=10                how many times as many requests as in the tests make fuzz generates
#   ARGS='-k events'        further words for pytest, eventsieve up or the benchmarks

VENV ?= .venv
export VENV
# The set-up scripts of experiments fill these, and their libraries would come before the pinned ones.
unexport PYTHONHOME PYTHONPATH

# Debian packages for tests: installed by `make test` where it runs as root beside an apt-get, named and left elsewhere.
DEBIAN_PACKAGES ?= chromium

# Tests run side by side, those of a file in one process; WORKERS= runs them one after another.
WORKERS ?= --numprocesses logical --maxprocesses 4 --dist loadfile

BIN := "$(VENV)/bin"
ENVIRONMENT := @sh tools/environment.sh

# What fuzzes is compiled for few systems, so it has an environment of its own.
FUZZ_VENV ?= .venv-soak

.DEFAULT_GOAL := help
.NOTPARALLEL: # two of these would install into one environment at once
.PHONY: help demo up test coverage mutants lint audit soak fuzz load bench docs messages pins migration clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: ## events to predictions: four classifiers, three outcomes, one report (DATA=FILE for your own events)
	$(ENVIRONMENT) run
	@$(BIN)/eventsieve demo $${DATA:+--data "$$DATA"}

up: ## start server and web pages
	$(ENVIRONMENT) web
	@$(BIN)/eventsieve up $(ARGS)

test: ## run the tests
	$(ENVIRONMENT) web test
	@sh tools/debian.sh $(DEBIAN_PACKAGES)
	$(if $(DATABASE),EVENTSIEVE_TEST_DATABASE=$(DATABASE)) $(BIN)/python -m pytest $(WORKERS) $(ARGS)

coverage: ## run the tests of the core and see how much of it they run; fails below 95 %
	$(ENVIRONMENT) web test
	@mkdir -p build/coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(WORKERS) $(or $(ARGS),tests/unit tests/integration tests/api)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutants: ## change one thing after another and see whether tests notice, hours for all (ARGS='training/engine' for one module)
	$(ENVIRONMENT) web test
	@$(BIN)/python tools/mutants.py $(ARGS)

lint: ## style, types, who imports whom, pins
	$(ENVIRONMENT) web test lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_pins.py
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml deploy/compose.oidc.yaml

audit: ## are the pins still what they were, not withdrawn, free to use, without known holes?
	$(ENVIRONMENT) web lint
	@$(BIN)/python tools/audit.py

soak: ## faults at random against a real server, every promise checked after each (SECONDS=600 SEED=1)
	$(ENVIRONMENT) web test
	@sh tools/debian.sh $(DEBIAN_PACKAGES)
	@PYTHONPATH=tests $(BIN)/python -m faults.soak --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: ## readers, names, cuts and documents against inputs made up to break them, then both APIs (SECONDS=60 TIMES=10)
	@VENV="$(FUZZ_VENV)" sh tools/environment.sh run test soak
	@PYTHONPATH=tests "$(FUZZ_VENV)/bin/python" -m fuzz --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) $(ARGS)
	FUZZ_TIMES=$(or $(TIMES),10) "$(FUZZ_VENV)/bin/python" -m pytest $(WORKERS) tests/api/test_fuzz.py tests/api/v2/test_fuzz.py \
		tests/api/test_fuzz_access.py tests/integration/test_mutations.py

load: ## fifty people at work on a server for ten minutes: no errors, quick answers, flat memory (USERS=50 SECONDS=600)
	@VENV="$(FUZZ_VENV)" sh tools/environment.sh run test soak
	@PYTHONPATH=tests "$(FUZZ_VENV)/bin/python" -m load --users $(or $(USERS),50) --seconds $(or $(SECONDS),600) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

bench: ## measure against named rivals, some half an hour (ARGS='predict events' for a part)
	$(ENVIRONMENT) run
	$(BIN)/python -m benchmarks $(ARGS)

docs: ## build the documentation into site/
	$(ENVIRONMENT) docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site

messages: ## bring the web pages' catalogues up to date with the code, and say what is not translated
	$(ENVIRONMENT) web
	@$(BIN)/python tools/messages.py

# Each file is bound by those before it, so that all of them fit into one environment. One version of a package serves
# every Python (`fewest`): a model trained on 3.11 meets the same libraries on 3.13. To take newer releases:
# make pins PINS=--upgrade
COMPILE = @$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make pins' $(PINS)

pins: ## compile requirements/*.txt anew from pyproject.toml (PINS=--upgrade for newer releases)
	$(ENVIRONMENT) pins
	$(COMPILE) pyproject.toml --extra fast --output-file requirements/run.txt
	$(COMPILE) --group build -c requirements/run.txt --output-file requirements/build.txt
	$(COMPILE) pyproject.toml --extra fast --extra web -c requirements/run.txt -c requirements/build.txt \
		--output-file requirements/web.txt
	$(COMPILE) --group test -c requirements/run.txt -c requirements/build.txt -c requirements/web.txt \
		--output-file requirements/test.txt
	$(COMPILE) --group lint -c requirements/run.txt -c requirements/build.txt -c requirements/web.txt \
		-c requirements/test.txt --output-file requirements/lint.txt
	$(COMPILE) --group docs -c requirements/run.txt -c requirements/build.txt -c requirements/web.txt \
		-c requirements/test.txt -c requirements/lint.txt --output-file requirements/docs.txt
	$(COMPILE) pyproject.toml --extra fast --extra postgresql --extra s3 --extra oidc -c requirements/run.txt \
		-c requirements/build.txt -c requirements/web.txt -c requirements/test.txt --output-file requirements/server.txt
	$(COMPILE) --group page -c requirements/run.txt -c requirements/web.txt --output-file requirements/page.txt
	$(COMPILE) --group soak -c requirements/run.txt -c requirements/build.txt -c requirements/web.txt \
		-c requirements/test.txt --output-file requirements/soak.txt
	$(COMPILE) --group pins --output-file requirements/pins.txt
	$(BIN)/python tools/check_pins.py

migration: ## write the registry's next migration from rows.py (MESSAGE="what it changes")
	$(ENVIRONMENT) run
	@$(BIN)/python tools/migration.py "$$MESSAGE"

clean: ## remove what the others leave behind, save the environment, models and logs
	rm -rf site demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -path './.venv*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
