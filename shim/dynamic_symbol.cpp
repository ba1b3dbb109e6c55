#include "shim/dynamic_symbol.h"

#include "shim/unwind_memory.h"

#include <cstring>
#include <elf.h>

namespace flockstat::shim {
namespace {

/// Reads only inside the module, and there only what is mapped.
class ModuleReader {
public:
    explicit ModuleReader(const ModuleAt &module) : module_(module) {}

    template<typename Value>
    [[nodiscard]] bool read(std::uintptr_t address, Value *out) {
        if (address < module_.start || address >= module_.end || module_.end - address < sizeof *out ||
            !pages_.contains(address, sizeof *out)) {
            return false;
        }
        std::memcpy(out, reinterpret_cast<const void *>(address), sizeof *out);
        return true;
    }

    [[nodiscard]] bool text_is(std::uintptr_t address, std::string_view text) {
        for (std::size_t i = 0; i <= text.size(); ++i) {
            char c = 0;
            if (!read(address + i, &c) || c != (i == text.size() ? '\0' : text[i])) {
                return false;
            }
        }
        return true;
    }

private:
    const ModuleAt &module_;
    ReadablePages pages_;
};

struct Tables {
    std::uintptr_t hash = 0, symbols = 0, strings = 0;
};

/// glibc has made the addresses in a module's dynamic section absolute, but for those of the vDSO.
bool find_tables(ModuleReader &reader, const ModuleAt &module, Tables *out) {
    constexpr unsigned most_entries = 256;
    const auto absolute = [&](Elf64_Addr value) {
        return value < module.start ? value + module.load_bias : value;
    };
    for (unsigned i = 0; i < most_entries; ++i) {
        Elf64_Dyn entry;
        if (!reader.read(module.dynamic_section + i * sizeof entry, &entry) || entry.d_tag == DT_NULL) {
            break;
        }
        switch (entry.d_tag) {
        case DT_GNU_HASH: out->hash = absolute(entry.d_un.d_ptr); break;
        case DT_SYMTAB: out->symbols = absolute(entry.d_un.d_ptr); break;
        case DT_STRTAB: out->strings = absolute(entry.d_un.d_ptr); break;
        default: break;
        }
    }
    return out->hash != 0 && out->symbols != 0 && out->strings != 0;
}

std::uint32_t gnu_hash(std::string_view name) {
    std::uint32_t hash = 5381;
    for (const char c : name) {
        hash = hash * 33 + static_cast<unsigned char>(c);
    }
    return hash;
}

/// The table: bucket count, number of the first hashed symbol, words of a Bloom filter, its shift; the
/// filter; the buckets; one hash for each symbol, whose lowest bit ends a bucket.
struct HashHeader {
    std::uint32_t bucket_count, first_symbol, filter_words, filter_shift;
};

bool is_symbol(ModuleReader &reader, const Tables &tables, std::uint32_t number, std::string_view name,
               Elf64_Sym *out) {
    return reader.read(tables.symbols + number * sizeof *out, out) && out->st_shndx != SHN_UNDEF &&
           reader.text_is(tables.strings + out->st_name, name);
}

bool find_symbol(ModuleReader &reader, const Tables &tables, std::string_view name, Elf64_Sym *out) {
    constexpr unsigned longest_chain = 1000;
    HashHeader header;
    if (!reader.read(tables.hash, &header) || header.bucket_count == 0) {
        return false;
    }
    const std::uint32_t hash = gnu_hash(name);
    const std::uintptr_t buckets =
        tables.hash + sizeof header + std::uintptr_t{header.filter_words} * sizeof(Elf64_Addr);
    const std::uintptr_t hashes = buckets + std::uintptr_t{header.bucket_count} * sizeof(std::uint32_t);
    std::uint32_t number = 0;
    if (!reader.read(buckets + hash % header.bucket_count * sizeof number, &number) ||
        number < header.first_symbol) {
        return false;
    }
    for (unsigned steps = 0; steps < longest_chain; ++steps, ++number) {
        std::uint32_t other = 0;
        if (!reader.read(hashes + std::uintptr_t{number - header.first_symbol} * sizeof other, &other)) {
            return false;
        }
        if ((other | 1U) == (hash | 1U) && is_symbol(reader, tables, number, name, out)) {
            return true;
        }
        if ((other & 1U) != 0) {
            return false;
        }
    }
    return false;
}

} // namespace

bool find_dynamic_symbol(const ModuleAt &module, std::string_view name, SymbolAt *out) {
    ModuleReader reader(module);
    Tables tables;
    Elf64_Sym symbol;
    if (!find_tables(reader, module, &tables) || !find_symbol(reader, tables, name, &symbol)) {
        return false;
    }
    *out = {module.load_bias + symbol.st_value, symbol.st_size};
    return true;
}

} // namespace flockstat::shim
