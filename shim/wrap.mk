# Functions that libunwind calls and libunwind_wraps.cpp replaces at link time (names; the Makefile makes
# --wrap options of them): what would open a pipe in the program, map memory, allocate, or take a lock.
UNWIND_ARCH := $(shell uname -m)
SHIM_WRAP := \
    _U$(UNWIND_ARCH)_init_mem_validate \
    _UI$(UNWIND_ARCH)__mempool_init \
    _UI$(UNWIND_ARCH)__mempool_alloc \
    _UI$(UNWIND_ARCH)__mempool_free \
    calloc
