# The doors into the project: `make help` lists them.

GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME = 10s
# Examples whose libraries would weigh on the module are modules of their own. A test in examples builds and runs them.
NESTED = $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: ## build the static binary bin/watchtower
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/watchtower ./cmd/watchtower

deps: # Without CI=true what is missing is said, and what needs it is skipped by the tests themselves.
	@scripts/deps.sh test || [ "$$CI" != true ]

test: deps install-test ## vet, and test everything, on a real engine and a real registry
	@dockerd --version || true
	go vet ./...
	@for m in $(NESTED); do echo "go -C $$m vet ./..."; go -C $$m vet ./... || exit; done
	go test -race -shuffle=on -timeout 20m ./...

install-test: deps ## test install.sh on an engine of its own
	scripts/test-install.sh

demo: ## show the main job on a real engine, step by step
	@scripts/demo.sh

lint: ## gofmt, go vet and golangci-lint
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(GOLANGCI_LINT) run
	@for m in $(NESTED); do (cd $$m && echo "lint $$m" && go vet ./... && $(GOLANGCI_LINT) run) || exit; done

tidy: ## go mod tidy in the examples that are modules of their own
	@for m in $(NESTED); do go -C $$m mod tidy || exit; done

api: ## compare the public API with that of the last release, or of BASE=commit
	@scripts/test-apidiff.sh
	@scripts/apidiff.sh $(BASE)

# What is printed for people, without what tests say of themselves.
READABLY = | grep --line-buffered -vE '^=== |^ *--- PASS|TLS handshake error'
sweep cost compare: SHELL = bash
sweep cost compare: .SHELLFLAGS = -o pipefail -c
sweep: deps ## interrupt updates at every call in every way, and kill the engine (minutes)
	WATCHTOWER_SWEEP=all go test -v -count=1 -p 1 -timeout 90m ./internal/sweep ./internal/selfupdate $(READABLY)

bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

cost: build deps ## measure whole checks by the program: time, requests, engine calls, memory
	WATCHTOWER_COST=all WATCHTOWER_COST_PROGRAM=$(CURDIR)/bin/watchtower go test -v -count=1 -run Cost ./internal/checkbench $(READABLY)

compare: ## measure other programs of the same interface beside ours: PEERS="name=path ..."
	@[ -n "$(PEERS)" ] || { echo 'usage: make compare PEERS="name=/path/to/program ..."' >&2; exit 2; }
	@$(MAKE) --no-print-directory build deps
	WATCHTOWER_COST_PEERS="$(PEERS)" WATCHTOWER_COST_PROGRAM=$(CURDIR)/bin/watchtower go test -v -count=1 -run Compare ./internal/checkbench $(READABLY)

docs: ## write what in docs is made from tables and from the code
	UPDATE_DOCS=1 go test -count=1 -run '^(TestSettingsPage|TestMetricsPage|TestThePageOfEndpointsIsOfThisList|TestTheArchitecturePageShowsTheArrows)$$' . ./cmd/watchtower ./cmd/watchtower/internal/metrics ./lifecycle/dockerengine

fuzz: ## run each fuzz target for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: help build deps test install-test demo lint tidy api sweep bench cost compare docs fuzz
