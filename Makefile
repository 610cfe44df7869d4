# dwell. `make` alone tells what there is.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

PREFIX ?= $(HOME)/.local
DESTDIR ?=
SEED ?= 1
STEPS ?= 1000000
ROUNDS ?= 500
MINUTES ?= 20
SERVICES ?= 30,100,300
FUZZ ?= 100000
ROWS ?=
WRITE ?=
BUILD ?= release
EVENTS ?= 1000000
ROUNDS_OF_BENCH ?= 5

# Passed on in the environment, where spaces are safe.
export PREFIX DESTDIR

# As people install it.
RELEASE_FLAGS = $(shell grep -Ev '^(\#|$$)' tools/release-flags.txt)

OURS := Package.swift Sources Tests migrations

.PHONY: help setup build demo test check format install simulate simulate-mutants clocks recipe-ec2 fuzz coverage transitions model power-loss torture audit-times bench bench-instructions load soak sanitize clean

help: ## Tell what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Check for Swift and install missing system packages (as root), or say how
	@tools/setup.sh

build: setup ## Build for development: .build/debug/dwell
	swift build --product dwell

demo: build ## Show the whole life of a controller, from up to autostop, through a crash (half a minute, and some minutes of building the first time)
	@tools/demo.sh

# The end-to-end tests watch real processes in real time: nothing else runs meanwhile.
test: setup ## Run every test, the end-to-end ones with the real binary
	swift build --build-tests
	swift build --product dwell
	swift test --skip-build --parallel --skip '^EndToEnd\.'
	swift test --skip-build --parallel --filter '^EndToEnd\.'

check: setup ## Lint the format, and fail on any compiler warning and on stale mutants
	swift format lint --strict --parallel --recursive $(OURS)
	tools/check-warnings.sh
	tools/mutants/run.py --check

format: ## Format the sources in place
	swift format --in-place --parallel --recursive $(OURS)

install: setup ## Install the release build as PREFIX/bin/dwell (PREFIX=~/.local, DESTDIR=)
	@tools/install.sh

simulate: setup ## Run the laws against a world where everything goes wrong (SEED=1 STEPS=1000000)
	swift build -c release --product Simulate
	"$$(swift build -c release --show-bin-path)/Simulate" --seed $(SEED) --steps $(STEPS)

simulate-mutants: setup ## Put deliberate faults into the core, one at a time; the simulation must find each
	tools/mutants/run.py --table docs/simulation.md

clocks: build ## Real controllers on clocks that jump, drift and sleep (a minute)
	tools/torture/clocks.py

recipe-ec2: build ## Try the EC2 line of docs/hooks.md against moto's server (installs it by pip, once)
	tools/recipes/ec2-moto.sh

fuzz: setup ## Files, rows of the database and requests over the wire, changed at random (FUZZ=100000 of each kind, a tenth of it rows)
	swift build --build-tests
	DWELL_FUZZ=$(FUZZ) swift test --skip-build --filter "HeadFuzzTests|FileFuzzTests"
	DWELL_FUZZ=$$(($(FUZZ) / 10)) swift test --skip-build --filter RowFuzzTests

coverage: setup ## Lines of the core that its tests run; below 95 % of Lifecycle or EventLog fails
	tools/coverage.py

transitions: setup ## Write docs/transitions.md from the code
	swift build --build-tests
	DWELL_WRITE_DOCS=1 swift test --skip-build --filter TransitionsDocumentTests

model: ## Have spin check the model of the lifecycle in every order of steps
	@tools/setup.sh model
	docs/model/check.py

power-loss: setup ## Crash images at every step of the disk, and not a sample of them (about a quarter of an hour)
	swift build --build-tests
	DWELL_POWER_LOSS=all swift test --skip-build --filter PowerLossTests

torture: build ## Kill the real program at random moments, round after round (ROUNDS=500)
	tools/torture/run.py --rounds $(ROUNDS)

bench: setup ## Measure dwell against its peers and write docs/benchmarks.md (ROWS=append,fold for some; half an hour)
	@tools/bench/run.py "$(ROWS)" --rounds $(ROUNDS_OF_BENCH)

audit-times: setup ## Time every view and every question of tools/audit on a log of EVENTS=1000000 made up for it
	swift build -c release --product GenerateHistory
	rm -rf .build/audit
	"$$(swift build -c release --show-bin-path)/GenerateHistory" --home .build/audit --events $(EVENTS)
	tools/audit/time.py .build/audit/dwell.db
	rm -rf .build/audit

bench-instructions: setup ## Count the instructions of the hot paths; 5 % more than is written down fails (BUILD=release, debug; WRITE=--write keeps them)
	@tools/setup.sh instructions
	$(if $(filter debug,$(BUILD)),swift build --product dwell)
	$(if $(filter debug,$(BUILD)),swift build --product Bench)
	@tools/bench/instructions.py $(if $(filter debug,$(BUILD)),--debug) $(WRITE)

load: setup ## Many services on one controller; writes its figures to docs/load.md (SERVICES=30,100,300; the last may take minutes)
	swift build $(RELEASE_FLAGS) --product dwell
	tools/load/load.py --services $(SERVICES) --write

soak: setup ## A day in minutes: memory and descriptors of what stays must not grow (MINUTES=20); writes docs/load.md
	swift build $(RELEASE_FLAGS) --product dwell
	tools/load/soak.py --minutes $(MINUTES) --write

sanitize: setup ## The unit tests with the thread sanitizer
	tools/sanitize.sh

clean: ## Remove what was built
	rm -rf .build
