/// Which module an address is in, asked of the dynamic linker without a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <elf.h>

namespace flockstat::shim {

/// A mapped executable or shared object. Pointers are the dynamic linker's and the module's own: they are
/// good as long as the module stays loaded, which for the modules of one's own call stack it does.
struct ModuleAt {
    const char *path;             ///< as the dynamic linker knows it; the main program's is ""
    std::uintptr_t load_bias;     ///< address minus load_bias is the ELF virtual address
    std::uintptr_t start, end;    ///< first mapped byte, and one past the last
    const std::uint8_t *build_id; ///< nullptr if it has none
    std::size_t build_id_bytes;
    std::uintptr_t dynamic_section; ///< where it is mapped
};

/// Looks up _dl_find_object (glibc 2.35). Call it once, before the others and not in a signal handler. False:
/// not there; then no module is ever found.
bool module_map_init();

/// The module that holds `address`; false if none does (code made at run time, or an old libc). Takes no lock
/// (dlopen and dlclose may go on meanwhile), async-signal-safe, never faults. Some system calls: keep the
/// result by `start`.
[[nodiscard]] bool find_module(std::uintptr_t address, ModuleAt *out);

/// A module's program headers, where it is mapped.
struct ProgramHeaders {
    const Elf64_Phdr *first;
    std::size_t count;
};

/// What unwinding needs of a module.
struct UnwindModule {
    std::uintptr_t start, end, load_bias;
    std::uintptr_t eh_frame_header; ///< the module's .eh_frame_hdr, 0 for none
    ProgramHeaders headers;
};

/// As find_module, with no look at the build id.
[[nodiscard]] bool find_unwind_module(std::uintptr_t address, UnwindModule *out);

} // namespace flockstat::shim
