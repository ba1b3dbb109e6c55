/* Where syscall_entry.S finds the real syscall in struct flockstat_real; real.c checks it. */
#pragma once
#define FLOCKSTAT_REAL_SYSCALL 40
