/* syscall(3). Calls that are none of ours jump on with registers and stack as they were. A child that a raw clone makes returns
 * through here on its copy of the stack, or past it on a stack of its own. */
#if defined(__x86_64__)
#include "shim/real_offset.h"

#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

        .text
        .globl  syscall
        .type   syscall, @function
        .p2align 4
syscall:
        .cfi_startproc
        cmpq    $SYS_flock, %rdi
        je      1f
        cmpq    $SYS_fcntl, %rdi
        je      1f
        cmpq    $SYS_close, %rdi
        je      1f
        cmpq    $SYS_dup, %rdi
        je      1f
        cmpq    $SYS_dup2, %rdi
        je      1f
        cmpq    $SYS_dup3, %rdi
        je      1f
        cmpq    $SYS_close_range, %rdi
        je      1f
        cmpq    $SYS_pidfd_getfd, %rdi
        je      1f
        cmpq    $SYS_exit_group, %rdi
        je      1f
        cmpq    $SYS_execve, %rdi
        je      1f
        cmpq    $SYS_execveat, %rdi
        je      1f
        cmpq    $SYS_clone, %rdi
        je      3f
        cmpq    $SYS_fork, %rdi
        je      3f
        cmpq    $SYS_clone3, %rdi
        je      3f
2:      movq    flockstat_real+FLOCKSTAT_REAL_SYSCALL(%rip), %rax
        testq   %rax, %rax
        jz      1f                      /* earlier than our constructor */
        jmp     *%rax
1:      jmp     flockstat_syscall
3:      movq    flockstat_real+FLOCKSTAT_REAL_SYSCALL(%rip), %rax
        testq   %rax, %rax
        jz      1b
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        pushq   %rdx
        .cfi_adjust_cfa_offset 8
        pushq   %rcx
        .cfi_adjust_cfa_offset 8
        pushq   %r8
        .cfi_adjust_cfa_offset 8
        pushq   %r9
        .cfi_adjust_cfa_offset 8
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        call    flockstat_before_clone
        popq    %rax
        .cfi_adjust_cfa_offset -8
        popq    %r9
        .cfi_adjust_cfa_offset -8
        popq    %r8
        .cfi_adjust_cfa_offset -8
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        lock incl flockstat_forks_under_way(%rip)
        lock incl flockstat_fork_epoch(%rip) /* the child may share open file descriptions (fork_epoch.h) */
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    *%rax                   /* none of these has an argument on the stack */
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        testq   %rax, %rax
        jz      4f                      /* the child */
        lock decl flockstat_forks_under_way(%rip)
4:      ret
        .cfi_endproc
        .size   syscall, .-syscall

        .section .note.GNU-stack, "", @progbits
#endif
