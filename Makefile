# What a person types. How it is done stands in CMakeLists.txt and scripts/.
BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)

.PHONY: all run test verify bench soak docs generated format install uninstall clean
all: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja:
	scripts/setup run
	cmake -S . -B $(BUILD) -G Ninja

# The example gateway with its audit trail; see examples/gateway/README.md.
run:
	scripts/setup run
	cmake -S . -B $(BUILD) -G Ninja
	cmake --build $(BUILD) -j $(JOBS) --target gateway traffic audittrail
	exec env BUILD_DIR=$(BUILD) scripts/run

# Everything that a change must pass: normal, ASan+UBSan and TSan builds, fuzzers for a moment.
test:
	scripts/test

# Everything but the long campaigns: the same, and clang, clang-tidy, the fuzzers' full count.
verify:
	scripts/test verify

# Ratios against what stands beside us; see scripts/bench for its options.
bench:
	scripts/setup bench
	scripts/bench

# The long campaigns: 10,000 kills, every damaged byte, 200 power cuts, retention under load, 1,000 crashes of a
# PostgreSQL server in the middle of a batch. Hours.
soak:
	scripts/setup test
	cmake -S . -B $(BUILD) -G Ninja -DAUDITTRAIL_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) -L '^long$$' --verbose --no-tests=error

# The manual as a site, in build/site.
docs:
	scripts/setup docs
	mkdocs build -q -f docs/mkdocs.yml -d $(CURDIR)/build/site
	@echo "docs: open build/site/index.html"

# Write the pages that the command prints: .env.example, docs/docs/reference/settings.md.
generated: all
	cmake -DCOMMAND=$(BUILD)/bin/audittrail -DROOT=. -DUPDATE=ON -P tests/generated/settings.cmake

format:
	scripts/setup test
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

install:
	scripts/setup run
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build $(BUILD) -j $(JOBS)
	cmake --install $(BUILD)
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then PATH="$$PATH:/usr/sbin:/sbin" ldconfig; fi

# What the last `make install` of this build directory put there; DESTDIR as it was then.
uninstall:
	sed 's|^|$(DESTDIR)|' $(BUILD)/install_manifest.txt | tr '\n' '\0' | xargs -0 rm -fv

clean:
	rm -rf $(BUILD)
