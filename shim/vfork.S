/* vfork(2). Its child runs in our memory and on our stack until it execs or exits, so the wrappers that it calls must change
 * nothing: they look at ThreadSlot::in_vfork, which counts how many children this thread's memory is lent to.
 *
 * The return address is kept in a register: the child returns from here first, and its calls overwrite our frame
 * (as sysdeps/unix/sysv/linux/x86_64/vfork.S of glibc has to, for the same reason). */
#if defined(__x86_64__)
#include <sys/syscall.h>

        .text
        .globl  vfork
        .type   vfork, @function
        .p2align 4
vfork:
        .cfi_startproc
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rdi
        movq    flockstat_thread_slot@gottpoff(%rip), %rsi
        incl    %fs:(%rsi)
        lock incl flockstat_forks_under_way(%rip)
        lock incl flockstat_fork_epoch(%rip)
        movl    $SYS_vfork, %eax
        syscall                         /* keeps rsi and rdi */
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rip, 0
        testl   %eax, %eax
        jz      1f                      /* the child: marked until it is gone */
        decl    %fs:(%rsi)
        lock decl flockstat_forks_under_way(%rip)
        cmpq    $-4095, %rax
        jae     2f
1:      ret
2:      negl    %eax
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        call    __errno_location@PLT
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        movl    %edx, (%rax)
        movq    $-1, %rax
        ret
        .cfi_endproc
        .size   vfork, .-vfork

        .section .note.GNU-stack, "", @progbits
#endif
