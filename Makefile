# Reprise: everything that a contributor runs. `make` lists the targets.

SEEDS ?= 10000
TIME  ?= 30s
PKGS  ?= ./...

# The linters are pinned in a modfile of their own, so that they never reach a user's module graph.
TOOL := go tool -modfile=tools/go.mod

# An awk pattern: the dots stand for slashes.
MODULE := github.com.reprise-dst.reprise

# Packages whose tests import $(1) (an awk pattern), one line each.
importing = go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' $(PKGS) | awk '/[[ ]$(1)[] ]/ {print $$1}'

.DEFAULT_GOAL := help
.PHONY: help demo test race lint vet fmt golden sim kernels mutants fuzz bench cover ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: SEEDS=$(SEEDS) TIME=$(TIME) PKGS=$(PKGS)"

demo: ## see it work: killed processes, simulated worlds, a planted bug and its report
	@go run ./internal/demo

test: ## all tests (under two minutes on two cores)
	go test $(PKGS)

race: ## all tests under the race detector
	go test -race $(PKGS)

lint: ## formatting, vet and staticcheck; the house rules are a test, internal/tidy
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then \
		echo "Not formatted, run make fmt:"; echo "$$unformatted"; exit 1; \
	fi
	go vet $(PKGS)
	$(TOOL) staticcheck $(PKGS)

vet: ## our own analyzer of workflow code, over ours
	go run ./cmd/reprisevet $(PKGS)

fmt: ## format all Go code (gofumpt)
	$(TOOL) gofumpt -w .

golden: ## accept what the tests produce as the new golden files and transcripts; then read git diff
	@pkgs=$$($(call importing,$(MODULE).internal.(golden|plantedtest))); \
	go test ./internal/golden $$pkgs -update
	@pkgs=$$($(call importing,github.com.cockroachdb.datadriven)); \
	[ -z "$$pkgs" ] || go test $$pkgs -rewrite

sim: ## sweep SEEDS=n seeds over every simulated test
	@pkgs=$$($(call importing,$(MODULE).(sim|properties))); \
	[ -z "$$pkgs" ] || go test -p 1 -timeout 0 -count 1 $$pkgs -sim.runs=$(SEEDS)

kernels: ## the yardstick: find every bug kernel, and sweep SEEDS=n seeds of each fixed twin
	go test ./properties/kernels -count 1 -timeout 0 -v -sim.runs=$(SEEDS)

fuzz: ## run every native fuzz target for TIME=duration each
	@targets=$$(go test -list '^Fuzz' $(PKGS)) || { echo "$$targets"; exit 1; }; \
	echo "$$targets" | \
	awk '/^Fuzz/ {target[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, target[i]; n = 0}' | \
	while read -r pkg target; do \
		echo "== $$pkg $$target"; \
		go test "$$pkg" -run '^$$' -fuzz "^$$target$$" -fuzztime $(TIME) < /dev/null || exit 1; \
	done

mutants: ## break the engine in many ways, one by one, and see that the simulator notices each
	@go run ./internal/mutants

bench: ## all benchmarks, with allocations; a million sleeping runs and a million queued ones among them
	go test -run '^$$' -bench . -benchmem $(PKGS)
	go test ./durable -run '^$$' -bench 'Sleepers|Queue' -benchtime 1x -sleepers 1000000 -items 1000000

cover: ## coverage of all packages by all tests, as a table and as cover.html
	go test -coverpkg=$(PKGS) -coverprofile=cover.out $(PKGS)
	@go tool cover -func=cover.out | tail -n 1
	@go tool cover -html=cover.out -o cover.html

ci: lint vet test race ## what must pass before a commit
