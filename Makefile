# make demo      shows both sides of a synchronisation; needs nothing but Go and gcc
# make test      runs everything, as root also on a booted systemd; installs what it needs from Debian if it may
# make bench     measures against mbsync and OfflineIMAP: make bench BENCH='-rounds 1 -rtt 0'
# make bench-service measures the service under a flood of calls
# make build     builds the programs into bin/
# make deb       builds a Debian package into dist/
# make install   installs below DESTDIR and PREFIX (/usr/local)

GO ?= go
FUZZTIME ?= 20000x
BENCH ?=
PREFIX ?= /usr/local
BIN ?= bin
MAN ?= bin/man
DIST ?= dist
LDFLAGS ?=
BUILDMODE ?= default
# Later releases need modules that not every proxy has.
export NFPM ?= v2.45.0
export GO

.PHONY: build man install deb demo test packages check fuzz bench bench-service clean

build:
	$(GO) build -trimpath -buildvcs=false -buildmode=$(BUILDMODE) -ldflags "$(LDFLAGS) -X main.version=$$(sh packaging/version.sh version)" \
		-o "$(BIN)/" ./cmd/...

man:
	@mkdir -p "$(MAN)"
	@set -e; SOURCE_DATE_EPOCH=$$(sh packaging/version.sh epoch); export SOURCE_DATE_EPOCH; \
	for page in packaging/man/*.scd; do \
		scdoc <$$page >"$(MAN)/$$(basename $$page .scd)"; \
	done

install: build man
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BIN="$(BIN)" MAN="$(MAN)" sh packaging/install.sh

deb:
	@sh packaging/deb/build.sh "$(DIST)"

demo:
	@$(GO) run ./cmd/offlineimapd demo

test: packages check
	$(GO) test -race -timeout 25m ./...
	@$(MAKE) --no-print-directory fuzz

packages:
	@sh internal/testenv/packages.sh test

check:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is needed for:" $$unformatted >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Each target runs FUZZTIME inputs; a package without any is not even built. A
# count, not a time: at the end of a time the tool may take its own deadline for
# a finding (golang/go issue 75804).
fuzz:
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n 1 dirname | sort -u); do \
		for target in $$($(GO) test -list '^Fuzz' $$dir | grep '^Fuzz'); do \
			echo "fuzz $$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

bench: build
	@sh internal/testenv/packages.sh bench
	$(GO) run ./bench $(BENCH)

# How much a flood of calls slows the service down, on a booted systemd; as root.
bench-service: packages
	$(GO) test -run '^$$' -bench . -benchtime 3x -timeout 15m ./packaging

clean:
	rm -rf bin dist bench/out
