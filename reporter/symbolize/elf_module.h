/// One ELF file with its debug information.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <cstdint>
#include <elfutils/libdwfl.h>
#include <memory>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// Opens a module and looks addresses up in it. Debug information is taken from the file itself or from where
/// the distribution puts it apart (build id or debug link; debuginfod where DEBUGINFOD_URLS is set). A file
/// that is missing, damaged, or has another build id than the one that ran knows nothing, unless the separate
/// debug file of that build id is there.
class ElfModule {
public:
    /// `build_id`: bytes; empty: not known, then any file of that path will do. Throws nothing but
    /// std::bad_alloc.
    ElfModule(const std::string &path, const std::string &build_id);
    ~ElfModule();
    ElfModule(const ElfModule &) = delete;
    ElfModule &operator=(const ElfModule &) = delete;

    /// The functions whose code the virtual address is in, innermost first: those that were inlined there,
    /// then the one that they were inlined into. Empty where nothing is known. Frames come without module and
    /// offset.
    [[nodiscard]] std::vector<SourceFrame> functions_at(std::uint64_t address);

    /// The name that the symbol tables alone have for the function there; empty where they have none. Debug
    /// information is not read for it, which takes long where it is large.
    [[nodiscard]] std::string symbol_at(std::uint64_t address);

private:
    struct CodeRange {
        std::uint64_t low;
        std::uint64_t high;
        Dwarf_Off unit;
    };

    bool open(const std::string &path, const std::string &build_id);
    [[nodiscard]] bool find_unit(std::uint64_t address, Dwarf_Die *unit);
    void index_units();
    [[nodiscard]] std::vector<SourceFrame> from_debug_information(std::uint64_t address);

    Dwfl *session_ = nullptr;
    Dwfl_Module *module_ = nullptr;
    bool debug_information_read_ = false;
    Dwarf *dwarf_ = nullptr;
    Dwarf_Addr bias_ = 0; ///< of addresses in the debug information
    bool units_indexed_ = false;
    std::vector<CodeRange> unit_ranges_; ///< by `low`
};

} // namespace flockstat::reporter
