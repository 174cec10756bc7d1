# make demo    shows both sides of a synchronisation; needs nothing but Go and gcc
# make test    runs everything; installs Dovecot, isync and Python's test mails if it may
# make bench   measures against mbsync and OfflineIMAP: make bench BENCH='-rounds 1 -rtt 0'
# make build   builds bin/offlineimapd

GO ?= go
FUZZTIME ?= 5s
BENCH ?=

.PHONY: build demo test packages check fuzz bench clean

build:
	$(GO) build -trimpath -o bin/ ./cmd/...

demo:
	@$(GO) run ./cmd/offlineimapd demo

test: packages check
	$(GO) test -race -timeout 15m ./...
	@$(MAKE) --no-print-directory fuzz

packages:
	@sh internal/testenv/packages.sh test

check:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is needed for:" $$unformatted >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Each target runs for FUZZTIME; a package without any is not even built.
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

clean:
	rm -rf bin bench/out
