# Shortcuts. .ci/run is what counts.
.PHONY: help demo test bench check generate

help: ## list these
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## ten real peers on this machine
	go run ./cmd/bristled demo

test: ## the tests
	go test ./...

bench: ## the figures of docs/performance.md
	go test -run '^$$' -bench . ./internal/kernel/... ./learner/nn ./learner/quant ./learner ./aggregation ./aggregation/robust ./node ./p2p ./store

check: ## the whole gate
	.ci/run

generate: ## train the embedded backbone again from its seed
	go generate ./learner
