#include "shim/module_map.h"

#include "shim/unwind_memory.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>

namespace flockstat::shim {
namespace {

/// struct dl_find_object of <dlfcn.h>, which libcs before 2.35 do not declare; its first members are ABI.
struct FoundObject {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    link_map *map;
    void *eh_frame;
    unsigned long long reserved[8];
};

using FindObject = int (*)(void *, FoundObject *);
FindObject find_object = nullptr;

/// The linker maps a module's ELF header and program headers with its first segment. Where that is not so (an
/// odd linker script), the module has none for us.
bool find_program_headers(const FoundObject &object, ProgramHeaders *out) {
    const auto start = reinterpret_cast<std::uintptr_t>(object.map_start);
    const std::uintptr_t bytes = reinterpret_cast<std::uintptr_t>(object.map_end) - start;
    if (bytes < sizeof(Elf64_Ehdr) || !range_is_readable(start, sizeof(Elf64_Ehdr)))
        return false;
    const auto *header = reinterpret_cast<const Elf64_Ehdr *>(start);
    if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_phentsize != sizeof(Elf64_Phdr))
        return false;
    const std::size_t table_bytes = header->e_phnum * sizeof(Elf64_Phdr);
    if (header->e_phoff > bytes || table_bytes > bytes - header->e_phoff ||
        header->e_phoff % alignof(Elf64_Phdr) != 0 ||
        !range_is_readable(start + header->e_phoff, table_bytes))
        return false;
    *out = {reinterpret_cast<const Elf64_Phdr *>(start + header->e_phoff), header->e_phnum};
    return true;
}

std::size_t padded(std::size_t bytes, std::size_t alignment) {
    return (bytes + alignment - 1) & ~(alignment - 1);
}

/// Looks for NT_GNU_BUILD_ID (elf(5), notes) among the `bytes` readable bytes of a PT_NOTE.
bool find_build_id(const std::uint8_t *notes, std::size_t bytes, std::size_t alignment, ModuleAt *out) {
    while (bytes >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        std::memcpy(&note, notes, sizeof note);
        const std::size_t description = padded(sizeof note + note.n_namesz, alignment);
        const std::size_t next = padded(description + note.n_descsz, alignment);
        if (description + note.n_descsz > bytes)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            std::memcmp(notes + sizeof note, "GNU", 4) == 0) {
            out->build_id = notes + description;
            out->build_id_bytes = note.n_descsz;
            return true;
        }
        if (next >= bytes)
            return false;
        notes += next;
        bytes -= next;
    }
    return false;
}

void find_build_id(const ProgramHeaders &headers, ModuleAt *out) {
    for (std::size_t i = 0; i < headers.count; ++i) {
        const Elf64_Phdr &header = headers.first[i];
        const std::uintptr_t address = out->load_bias + header.p_vaddr;
        if (header.p_type != PT_NOTE || address < out->start || address >= out->end ||
            header.p_memsz > out->end - address || !range_is_readable(address, header.p_memsz))
            continue;
        const std::size_t alignment = header.p_align == 8 ? 8 : 4;
        if (find_build_id(reinterpret_cast<const std::uint8_t *>(address), header.p_memsz, alignment, out))
            return;
    }
}

bool find(std::uintptr_t address, FoundObject *out) {
    return find_object != nullptr && find_object(reinterpret_cast<void *>(address), out) == 0;
}

} // namespace

bool module_map_init() {
    // Looked up, not linked: a program on an older libc would not start.
    find_object = reinterpret_cast<FindObject>(dlsym(RTLD_DEFAULT, "_dl_find_object"));
    return find_object != nullptr;
}

bool find_module(std::uintptr_t address, ModuleAt *out) {
    FoundObject object;
    if (!find(address, &object))
        return false;
    *out = {.path = object.map->l_name,
            .load_bias = object.map->l_addr,
            .start = reinterpret_cast<std::uintptr_t>(object.map_start),
            .end = reinterpret_cast<std::uintptr_t>(object.map_end),
            .build_id = nullptr,
            .build_id_bytes = 0,
            .dynamic_section = reinterpret_cast<std::uintptr_t>(object.map->l_ld)};
    ProgramHeaders headers;
    if (find_program_headers(object, &headers))
        find_build_id(headers, out);
    return true;
}

bool find_unwind_module(std::uintptr_t address, UnwindModule *out) {
    FoundObject object;
    if (!find(address, &object))
        return false;
    *out = {.start = reinterpret_cast<std::uintptr_t>(object.map_start),
            .end = reinterpret_cast<std::uintptr_t>(object.map_end),
            .load_bias = object.map->l_addr,
            .eh_frame_header = reinterpret_cast<std::uintptr_t>(object.eh_frame),
            .headers = {nullptr, 0}};
    return find_program_headers(object, &out->headers);
}

} // namespace flockstat::shim
