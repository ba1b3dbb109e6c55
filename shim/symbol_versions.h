// Included before everything else in the shim's C and C++ files (see the Makefile).
//
// glibc 2.34 took libpthread and libdl in and gave their functions a new version, which the linker picks
// where it is there. The functions are the same; but a preloaded object that asks for GLIBC_2.34 stops every
// program on an older system. So they are asked for by their first version. Only functions that the shim
// calls and does not interpose may stand here.
#pragma once

#if defined(__x86_64__)
#define FLOCKSTAT_FIRST_VERSION "GLIBC_2.2.5"
#define FLOCKSTAT_CLEANUP_VERSION "GLIBC_2.3.3"
#elif defined(__aarch64__)
#define FLOCKSTAT_FIRST_VERSION "GLIBC_2.17"
#define FLOCKSTAT_CLEANUP_VERSION "GLIBC_2.17"
#else
#error "which version did glibc begin with here?"
#endif

#define FLOCKSTAT_OLD(function, version) __asm__(".symver " function "," function "@" version)

FLOCKSTAT_OLD("dladdr", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("dlsym", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("dlvsym", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_getspecific", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_key_create", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_key_delete", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_once", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_setspecific", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_sigmask", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("pthread_testcancel", FLOCKSTAT_FIRST_VERSION);
FLOCKSTAT_OLD("__pthread_register_cancel", FLOCKSTAT_CLEANUP_VERSION);
FLOCKSTAT_OLD("__pthread_unregister_cancel", FLOCKSTAT_CLEANUP_VERSION);
FLOCKSTAT_OLD("__pthread_unwind_next", FLOCKSTAT_CLEANUP_VERSION);

#undef FLOCKSTAT_OLD
#undef FLOCKSTAT_FIRST_VERSION
#undef FLOCKSTAT_CLEANUP_VERSION
