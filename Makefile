# flockstat: `make help` lists what there is to make.
#
# Sources are found by wildcard: a new file needs no line here.
#   shim/, reporter/record/, reporter/summary/   -> build/libflockstat.so  (no exceptions, no RTTI)
#   reporter/**                                  -> build/flockstat
#   reporter/write/html/                         -> build/web/html_page.html, which is put into build/flockstat
#   reporter/monitor/                            -> build/libflockstat-monitor.a  (and its headers install)
#   tests/unit/, tests/support/ + objects        -> build/unit_tests
#   tests/e2e/, tests/support/                   -> build/e2e_tests
#   tests/programs/NAME.{c,cpp}                  -> build/tests/programs/NAME    (libNAME.* -> libNAME.so)
#   tests/bench/NAME.{c,cpp}                     -> build/bench/NAME
#   tests/fuzz/ + objects by clang               -> build/fuzz/NAME_fuzzer, build/fuzz/pack_run
# A program under tests/programs or tests/bench may hold a line `// build: FLAGS` with flags of its own.
#
# make SANITIZE=address,undefined unit   builds in build-sanitize/ and runs the unit tests there.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

# As many jobs as there are processors, unless the caller said how many.
ifeq (,$(filter -j% --jobserver%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory

SANITIZE ?=
BUILD := $(if $(SANITIZE),build-sanitize,build)
PREFIX ?= /usr/local
DESTDIR ?=
V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

CC := gcc
CXX := g++

# ---------------------------------------------------------------- flags

warnings := -Wall -Wextra -Wshadow -Wconversion -Werror
sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
includes := -I. -isystem build/deps/libunwind/include
# No path of the building machine in what is built.
common := -g -D_GNU_SOURCE $(includes) $(warnings) $(sanitize) -ffile-prefix-map=$(CURDIR)=. -MMD -MP

# What the shim may use is decided by its life inside foreign programs: no exceptions (the program's own
# unwinder would meet ours), no run-time type information, initial-exec thread-locals (no allocation on
# first use), frame pointers (cheap keys of the stack cache), nothing visible that is not exported.
shim_common := $(common) -O2 -fPIC -pthread -fvisibility=hidden -ftls-model=initial-exec \
    -fno-omit-frame-pointer -fno-reorder-blocks-and-partition -ffunction-sections -fdata-sections -DFMT_HEADER_ONLY \
    $(if $(SANITIZE),,-flto=auto -ffat-lto-objects)
shim_cxxflags := $(shim_common) -std=c++20 -fvisibility-inlines-hidden -fno-exceptions -fno-rtti \
    -fno-threadsafe-statics $(if $(SANITIZE),-fno-sanitize=vptr)
shim_cflags := $(shim_common) -std=gnu11
# Linked as C, without libstdc++: what its headers inline is welcome, a call into the library is a link error.
shim_ldflags := -shared -pthread -static-libgcc -Wl,--version-script=shim/exports.map \
    -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,--as-needed

reporter_cxxflags := $(common) -O2 -std=c++20 -pthread
reporter_libs := -lfmt -ldw -ldl -lz -lncursesw -ltinfo

test_cxxflags := $(common) -O0 -std=c++20 -pthread
# libFuzzer is clang's. Warnings are gcc's business. Watching comparisons would halve the speed, and tells little
# where the inputs are damaged with knowledge of the format.
fuzz_cxxflags := -g1 -D_GNU_SOURCE $(includes) -ffile-prefix-map=$(CURDIR)=. -MMD -MP -O1 -std=c++20 -pthread \
    -fsanitize=address,undefined -fno-sanitize-recover=all
test_cflags := $(common) -O1 -std=gnu11 -pthread

# shim/wrap.mk may set SHIM_WRAP: functions that libunwind calls and the shim replaces at link time.
comma := ,
SHIM_WRAP :=
-include shim/wrap.mk
# Which versions of libc's functions the shim asks for, where the newest is not the one.
symbol_versions := $(wildcard shim/symbol_versions.$(shell uname -m))
wrap := $(addprefix -Wl$(comma)--wrap=,$(SHIM_WRAP))

# ---------------------------------------------------------------- sources and objects

reporter_cpp := $(shell find reporter -name node_modules -prune -o -name '*.cpp' -print 2>/dev/null | LC_ALL=C sort)
both_cpp := $(filter reporter/record/% reporter/summary/%,$(reporter_cpp))
shim_own := $(wildcard shim/*.cpp shim/*.c shim/*.S)
unit_cpp := $(wildcard tests/unit/*.cpp)
e2e_cpp := $(wildcard tests/e2e/*.cpp)
support_cpp := $(wildcard tests/support/*.cpp)
fuzz_cpp := $(wildcard tests/fuzz/*.cpp)
programs := $(wildcard tests/programs/*.c tests/programs/*.cpp)
benches := $(wildcard tests/bench/*.c tests/bench/*.cpp)

objects = $(patsubst %,$(BUILD)/obj/$(1)/%.o,$(2))
built = $(patsubst $(1)/%,$(BUILD)/$(2)/%$(4),$(basename $(3)))
program_names = $(call built,$(1),$(2),$(filter-out $(1)/lib%,$(3))) \
    $(call built,$(1),$(2),$(filter $(1)/lib%,$(3)),.so)

shim_objects := $(call objects,shim,$(shim_own) $(both_cpp))
reporter_objects := $(call objects,reporter,$(reporter_cpp) reporter/write/html_page.S)
reporter_main := $(call objects,reporter,reporter/cli/main.cpp)
# Interposers define flock, fcntl, close, ...: in a test program they would interpose the test itself. And
# there libstdc++ throws.
testable_shim := $(call objects,shim,$(filter-out shim/interpose_% shim/library_throws.cpp %.S,$(shim_own)))
unit_objects := $(call objects,test,$(unit_cpp) $(support_cpp))
e2e_objects := $(call objects,test,$(e2e_cpp) $(support_cpp))
program_files := $(call program_names,tests/programs,tests/programs,$(programs))
# What the fuzzers are made of is watched for coverage, what drives them is not.
fuzzers := $(patsubst tests/fuzz/%.cpp,%,$(filter %_fuzzer.cpp,$(fuzz_cpp)))
fuzz_parts := $(filter-out %_fuzzer.cpp tests/fuzz/pack_run.cpp,$(fuzz_cpp)) \
    $(addprefix tests/support/,every_format.cpp output_rules.cpp gzip_file.cpp places.cpp)
fuzz_objects := $(call objects,fuzz,$(filter-out reporter/cli/main.cpp,$(reporter_cpp)))
fuzz_parts_objects := $(call objects,fuzz-driver,$(fuzz_parts))
fuzz_seeds := $(wildcard tests/data/runs/*.flk.gz tests/data/damaged/*.flk.gz)
fuzz_files := $(fuzzers:%=$(BUILD)/fuzz/%) $(BUILD)/fuzz/seeds
# The HTML report's page: its own sources, and the npm packages that are built into it or check it.
page := reporter/write/html
page_sources := $(filter-out $(page)/node_modules% $(page)/pictures/%,$(shell find $(page) -name node_modules -prune -o -type f -print 2>/dev/null))
npm_scope := $(if $(filter test unit e2e soak check format screenshots %/e2e_tests,$(MAKECMDGOALS)),tools,build)
npm := $(page)/node_modules/.$(npm_scope)
bench_files := $(call program_names,tests/bench,bench,$(benches))

libunwind := build/deps/libunwind/lib/libunwind.a
unwind_libs := -Wl,--start-group build/deps/libunwind/lib/libunwind-x86_64.a $(libunwind) -Wl,--end-group

# ---------------------------------------------------------------- what people make

.PHONY: all test unit e2e fuzz soak demo bench screenshots check format tidy install clean distclean help deps

all: $(BUILD)/libflockstat.so $(BUILD)/flockstat ## build build/libflockstat.so and build/flockstat (default)

test: all $(BUILD)/unit_tests $(BUILD)/e2e_tests $(program_files) $(fuzz_files) ## build and run all tests, and the fuzzers for a short time
	$(Q)scripts/test $(BUILD) page unit_tests e2e_tests fuzz

unit: $(BUILD)/unit_tests $(npm) ## build and run the unit tests only
	$(Q)scripts/test $(BUILD) page unit_tests

e2e: all $(BUILD)/e2e_tests $(program_files) ## build and run the end-to-end tests only
	$(Q)scripts/test $(BUILD) e2e_tests

soak: all $(BUILD)/e2e_tests $(program_files) ## try every fault of README's table, in some minutes
	$(Q)scripts/soak $(BUILD)

fuzz: $(fuzz_files) ## feed the reporter damaged recordings and text: FUZZ_SECONDS=60 each
	$(Q)scripts/fuzz $(BUILD) $(or $(FUZZ_SECONDS),60)

demo: all ## profile real programs that contend for locks, and show the report
	$(Q)scripts/demo

bench: all $(bench_files) ## measure what flockstat costs
	$(Q)scripts/bench

screenshots: all $(npm) ## make the pictures in README: the HTML report of a demo run
	$(Q)scripts/screenshots

check: all $(npm) ## format, lint, include arrows, exports, paths, shell scripts
	$(Q)MAKE="$(MAKE)" scripts/check

format: $(npm) | deps ## format all sources in place
	$(Q)git ls-files -co --exclude-standard -- '*.cpp' '*.h' '*.c' | xargs -r clang-format -i
	$(Q)cd $(page) && node_modules/.bin/prettier --log-level warn --write . ../../../tests/page ../../../tests/browser

install: all $(BUILD)/libflockstat-monitor.a ## install below $(DESTDIR)$(PREFIX), PREFIX=/usr/local
	install -D -m 755 $(BUILD)/flockstat $(DESTDIR)$(PREFIX)/bin/flockstat
	install -D -m 644 $(BUILD)/libflockstat.so $(DESTDIR)$(PREFIX)/lib/flockstat/libflockstat.so
	install -D -m 644 reporter/write/flockstat.schema.json $(DESTDIR)$(PREFIX)/share/flockstat/flockstat.schema.json
	install -D -m 644 $(BUILD)/libflockstat-monitor.a $(DESTDIR)$(PREFIX)/lib/libflockstat-monitor.a
	install -d $(DESTDIR)$(PREFIX)/include/flockstat/monitor $(DESTDIR)$(PREFIX)/lib/pkgconfig
	$(Q)for header in reporter/monitor/*.h; do \
	    sed 's|"reporter/monitor/|"flockstat/monitor/|' $$header >$(DESTDIR)$(PREFIX)/include/flockstat/monitor/$${header##*/}; done
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' reporter/monitor/flockstat-monitor.pc.in \
	    >$(DESTDIR)$(PREFIX)/lib/pkgconfig/flockstat-monitor.pc

clean: ## remove what was built (but not build/deps: packages are not built anew)
	$(Q)shopt -s nullglob dotglob; for f in build/*; do [[ $$f == build/deps ]] || rm -rf -- "$$f"; done
	$(Q)rm -rf build-sanitize

distclean: ## remove everything that was built or downloaded
	rm -rf build build-sanitize $(page)/node_modules

help: ## show this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/\1 \2/p' Makefile | \
	    while read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

# Packages: one call with all the groups that the goals need, fast when nothing is missing.
groups := build
ifneq (,$(filter test unit e2e soak screenshots %/unit_tests %/e2e_tests,$(MAKECMDGOALS)))
groups += test
endif
ifneq (,$(filter soak,$(MAKECMDGOALS)))
groups += soak
endif
ifneq (,$(filter test fuzz %_fuzzer,$(MAKECMDGOALS)))
groups += fuzz
endif
ifneq (,$(filter demo bench screenshots,$(MAKECMDGOALS)))
groups += demo
endif
ifneq (,$(filter check tidy format,$(MAKECMDGOALS)))
groups += check
endif

deps:
	@scripts/install-deps $(groups)

$(libunwind): scripts/build-libunwind | deps
	@scripts/build-libunwind

# ---------------------------------------------------------------- linking

# The shim's own objects are optimised as one, because the way of a lock call goes through many of them.
# libunwind joins afterwards: its archive has members that only the section garbage collection of a plain
# link can leave out.
$(BUILD)/obj/shim.o: $(shim_objects) $(symbol_versions)
	$(call say,LTO,$@)
	$(Q)$(CC) $(sanitize) -O2 -fPIC -pthread -fno-reorder-blocks-and-partition -ffunction-sections $(if $(SANITIZE),,-flto=auto -flinker-output=nolto-rel) \
	    -r -o $@ $(shim_objects)
	$(Q)$(if $(symbol_versions),objcopy --redefine-syms=$(symbol_versions) $@,true)

ifneq (,$(SANITIZE))
# A sanitizer wants to be there before the program: what is preloaded into programs is plain, as they are. The
# unit tests have the shim's objects with it.
$(BUILD)/libflockstat.so: FORCE
	$(Q)$(MAKE) SANITIZE= BUILD=build build/libflockstat.so
	$(Q)mkdir -p $(@D); cp build/libflockstat.so $@
.PHONY: FORCE
else
$(BUILD)/libflockstat.so: $(BUILD)/obj/shim.o shim/exports.map $(wildcard shim/wrap.mk) $(libunwind)
	$(call say,LINK,$@)
	$(Q)$(CC) $(sanitize) $(shim_ldflags) $(wrap) -o $@ $< $(unwind_libs)
endif

$(BUILD)/flockstat: $(reporter_objects)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(sanitize) -pthread -o $@ $^ $(reporter_libs)

# The library that others link: flockstat::monitor.
$(BUILD)/libflockstat-monitor.a: $(call objects,reporter,$(filter reporter/monitor/%,$(reporter_cpp)))
	$(call say,AR,$@)
	$(Q)rm -f $@; ar rcs $@ $^

# Tests take from the archive what they use (q: two folders may have a file of the same name); the shim's objects come without their interposers.
$(BUILD)/libreporter.a: $(filter-out $(reporter_main),$(reporter_objects))
	$(Q)mkdir -p $(@D); rm -f $@; ar qcs $@ $^

$(BUILD)/unit_tests: $(unit_objects) $(testable_shim) $(BUILD)/libreporter.a $(libunwind)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(sanitize) -fno-lto -pthread $(wrap) -o $@ $(unit_objects) $(testable_shim) \
	    $(BUILD)/libreporter.a $(unwind_libs) $(reporter_libs)

$(BUILD)/e2e_tests: $(e2e_objects) $(BUILD)/libreporter.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(sanitize) -pthread -o $@ $^ $(reporter_libs)

$(BUILD)/fuzz/libreporter.a: $(fuzz_objects)
	$(Q)mkdir -p $(@D); rm -f $@; ar qcs $@ $^

$(fuzzers:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/obj/fuzz-driver/tests/fuzz/%.cpp.o $(fuzz_parts_objects) $(BUILD)/fuzz/libreporter.a \
    $(call objects,reporter,reporter/write/html_page.S)
	$(call say,LINK,$@)
	$(Q)clang++ -fsanitize=fuzzer,address,undefined -pthread -o $@ $^ $(reporter_libs)

# Writes inputs only, so it needs no fuzzer.
$(BUILD)/fuzz/pack_run: $(call objects,test,tests/fuzz/pack_run.cpp tests/fuzz/packed_run.cpp $(addprefix tests/support/,every_format.cpp output_rules.cpp gzip_file.cpp places.cpp)) \
    $(BUILD)/libreporter.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D); $(CXX) $(sanitize) -pthread -o $@ $^ $(reporter_libs)

$(BUILD)/fuzz/seeds: $(BUILD)/fuzz/pack_run $(fuzz_seeds)
	$(Q)rm -rf $@; mkdir -p $@; $< $@ $(fuzz_seeds)

# ---------------------------------------------------------------- compiling

# $(1) object folder, $(2) source suffix, $(3) compiler and flags. What others link may go into their shared objects.
define compile
$(BUILD)/obj/$(1)/%.$(2).o: %.$(2) Makefile | deps $(libunwind)
	$$(call say,$(4),$$<)
	$$(Q)mkdir -p $$(@D); $(3) $$(if $$(findstring /monitor/,$$<),-fPIC) -c -o $$@ $$<
endef
$(eval $(call compile,shim,cpp,$(CXX) $(shim_cxxflags),SHIM))
$(eval $(call compile,shim,c,$(CC) $(shim_cflags),SHIM))
$(eval $(call compile,shim,S,$(CC) $(shim_common),SHIM))
$(eval $(call compile,reporter,cpp,$(CXX) $(reporter_cxxflags),CXX))
$(eval $(call compile,test,cpp,$(CXX) $(test_cxxflags),TEST))
$(eval $(call compile,fuzz,cpp,clang++ $(fuzz_cxxflags) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp$(comma)trace-div$(comma)trace-gep,FUZZ))
$(eval $(call compile,fuzz-driver,cpp,clang++ $(fuzz_cxxflags),FUZZ))

$(BUILD)/obj/reporter/reporter/write/html_page.S.o: reporter/write/html_page.S $(BUILD)/web/html_page.html Makefile
	$(call say,PAGE,$<)
	$(Q)mkdir -p $(@D); $(CC) -I$(BUILD)/web -c -o $@ $<

$(BUILD)/web/html_page.html: $(page_sources) $(npm)
	$(call say,PAGE,$@)
	$(Q)mkdir -p $(@D); node $(page)/build.js $@

$(npm): $(page)/package-lock.json scripts/install-npm | deps
	@scripts/install-npm $(npm_scope)

# Programs to be profiled: built plainly, as somebody else's program would be, never sanitized.
# $(1) source folder, $(2) folder below $(BUILD), $(3) source suffix, $(4) compiler and flags
define program
$(BUILD)/$(2)/lib%.so: $(1)/lib%.$(3) Makefile | deps
	$$(call say,PROG,$$<)
	$$(Q)mkdir -p $$(@D); $(4) -MF $$@.d -shared -fPIC -o $$@ $$< $$$$(sed -n 's|^// build: ||p' $$<) -ldl
$(BUILD)/$(2)/%: $(1)/%.$(3) Makefile | deps
	$$(call say,PROG,$$<)
	$$(Q)mkdir -p $$(@D); $(4) -MF $$@.d -o $$@ $$< $$$$(sed -n 's|^// build: ||p' $$<) -ldl
endef
program_cflags := $(filter-out -fsanitize% -fno-sanitize%,$(test_cflags))
program_cxxflags := $(filter-out -fsanitize% -fno-sanitize%,$(subst -O0,-O1,$(test_cxxflags)))
bench_cflags := $(subst -O1,-O2,$(program_cflags))
bench_cxxflags := $(subst -O1,-O2,$(program_cxxflags))
$(eval $(call program,tests/programs,tests/programs,c,$(CC) $(program_cflags)))
$(eval $(call program,tests/programs,tests/programs,cpp,$(CXX) $(program_cxxflags)))
$(eval $(call program,tests/bench,bench,c,$(CC) $(bench_cflags)))
$(eval $(call program,tests/bench,bench,cpp,$(CXX) $(bench_cxxflags)))

# ---------------------------------------------------------------- clang-tidy

# One stamp a source, newer than its object: the object is made anew when the source or a header of it
# changes, and then the stamp is. What both sides compile is looked at once, as the reporter compiles it.
# Catch2's mains hold nothing of ours.
tidy_shim := $(filter %.cpp %.c,$(shim_own))
tidy_stamps := $(patsubst %,$(BUILD)/tidy/shim/%,$(tidy_shim)) $(patsubst %,$(BUILD)/tidy/reporter/%,$(reporter_cpp)) \
    $(patsubst %,$(BUILD)/tidy/test/%,$(support_cpp) $(fuzz_cpp) $(filter-out %/main.cpp,$(unit_cpp) $(e2e_cpp)))
for_tidy = $(filter -I% -D% -std=% -fno-exceptions -fno-rtti,$(1)) -isystem build/deps/libunwind/include

tidy: $(tidy_stamps)

# $(1) object folder, $(2) source suffix, $(3) flags
define tidy_rule
$(BUILD)/tidy/$(1)/%.$(2): %.$(2) $(BUILD)/obj/$(1)/%.$(2).o .clang-tidy tests/.clang-tidy
	$$(call say,TIDY,$$<)
	$$(Q)mkdir -p $$(@D); scripts/checks/tidy-file $$< $(3) && touch $$@
endef
$(eval $(call tidy_rule,shim,cpp,$(call for_tidy,$(shim_cxxflags))))
$(eval $(call tidy_rule,shim,c,$(call for_tidy,$(shim_cflags))))
$(eval $(call tidy_rule,reporter,cpp,$(call for_tidy,$(reporter_cxxflags))))
$(eval $(call tidy_rule,test,cpp,$(call for_tidy,$(test_cxxflags))))

-include $(patsubst %.o,%.d,$(shim_objects) $(reporter_objects) $(unit_objects) $(e2e_objects) $(fuzz_objects) \
    $(fuzz_parts_objects) $(call objects,fuzz-driver,$(fuzz_cpp)) $(call objects,test,$(fuzz_cpp)))
-include $(addsuffix .d,$(program_files) $(bench_files))
