# Two commands do everything: `make run` and `make test`. The others are their parts.

GO      ?= go
STUDIO  := server/studio
VERSION ?= 0.1.0-dev
ARGS    ?=

.PHONY: run test soak build studio lint bench fuzz check-go check-studio check-types check-packages check-browser check-readme check-disk clean

## run: build everything and start Reprise on the example scripts
run: build
	./reprise dev $(ARGS)

## build: the studio, then the one binary ./reprise
build: studio
	$(GO) build -trimpath -ldflags "-s -w -X reprise/cli.Version=$(VERSION)" -o reprise .

studio: $(STUDIO)/dist/index.html

$(STUDIO)/node_modules/.package-lock.json: $(STUDIO)/package-lock.json
	npm ci --prefix $(STUDIO) --no-audit --no-fund --loglevel=error
	@touch $@

$(STUDIO)/dist/index.html: $(STUDIO)/node_modules/.package-lock.json $(shell find $(STUDIO)/src $(STUDIO)/public $(STUDIO)/index.html $(STUDIO)/vite.config.ts -type f 2>/dev/null)
	npm run --silent --prefix $(STUDIO) build

## test: everything that has to hold, in a few minutes
test: check-go check-studio check-types check-packages check-browser check-readme
	@echo "make test: all passed"

## soak: the long versions, the linters, and one round of every benchmark
soak: lint fuzz
	$(GO) test -race -count=1 -timeout 30m -tags soak $$($(GO) list ./... | grep -v -e '/bench$$' -e '/crashtest$$' -e '/replaytest$$' -e '/hostiletest$$')
	$(GO) test -race -count=1 -timeout 30m ./runtime/crashtest
	$(GO) test -count=1 -timeout 30m -tags soak ./runtime/crashtest ./runtime/vm/replaytest ./runtime/vm/hostiletest
	$(GO) test -count=1 -timeout 30m -tags soak ./bench
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...
	@if mount -t tmpfs tmpfs /mnt 2>/dev/null && umount /mnt; then $(MAKE) check-disk; \
	else echo "not run: make check-disk, which needs the right to mount a disk"; fi
	@echo "make soak: all passed"

## check-disk: a disk that fills, and one that can not be written to; needs the right to mount
check-disk:
	$(GO) test -count=1 -timeout 10m -tags mount -run 'Disk|ReadOnly' ./bench

check-go: studio
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) mod verify >/dev/null
	$(GO) test -race -count=1 -timeout 10m $$($(GO) list ./... | grep -v -e '/bench$$' -e '/hostiletest$$' -e '/crashtest$$')
	$(GO) test -count=1 -timeout 10m ./bench ./runtime/vm/hostiletest ./runtime/crashtest # two measure what the race detector takes; the third has its turn with it in soak

check-studio: studio
	npm run --silent --prefix $(STUDIO) check
	npm run --silent --prefix $(STUDIO) test

check-types: build
	.ci/types

check-packages: build
	.ci/packages

check-browser: build
	.ci/browser

check-readme:
	.ci/readme

## lint: golangci-lint, installed into .tools at a pinned version
lint: .tools/golangci-lint
	.tools/golangci-lint run ./...

.tools/golangci-lint:
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

## fuzz: every fuzz target for a short while
fuzz:
	.ci/fuzz 5s

## bench: the benchmarks, for people to read
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

clean:
	rm -rf reprise .tools $(STUDIO)/node_modules $(STUDIO)/dist/assets $(STUDIO)/dist/index.html*
