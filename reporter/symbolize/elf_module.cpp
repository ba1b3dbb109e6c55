#include "reporter/symbolize/elf_module.h"

#include "reporter/symbolize/dwarf_functions.h"
#include "reporter/symbolize/function_name.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flockstat::reporter {
namespace {

char *debug_search_path = nullptr; // elfutils' own default, /usr/lib/debug among others

const Dwfl_Callbacks offline_callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_search_path,
};

/// A descriptor of a regular file, or -1: a module's name may by now be that of a pipe or a device.
int open_regular(const std::string &path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat facts {};
    if (fd >= 0 && (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))) {
        ::close(fd);
        return -1;
    }
    return fd;
}

/// Where distributions put the debug information of a build id.
std::string separate_debug_file(const std::string &build_id) {
    std::string digits;
    for (const char byte : build_id) {
        digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    return fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", digits.substr(0, 2), digits.substr(2));
}

bool has_build_id(Dwfl_Module *module, const std::string &wanted) {
    const unsigned char *bits = nullptr;
    GElf_Addr address = 0;
    const int bytes = dwfl_module_build_id(module, &bits, &address);
    return wanted.empty() || (bytes > 0 && wanted == std::string(reinterpret_cast<const char *>(bits),
                                                                 static_cast<std::size_t>(bytes)));
}

} // namespace

ElfModule::ElfModule(const std::string &path, const std::string &build_id) {
    // Where the program was replaced since, the debug file of the one that ran may still be there.
    if (!open(path, build_id) && build_id.size() >= 2) {
        open(separate_debug_file(build_id), build_id);
    }
}

ElfModule::~ElfModule() {
    if (session_ != nullptr) {
        dwfl_end(session_);
    }
}

bool ElfModule::open(const std::string &path, const std::string &build_id) {
    const int fd = open_regular(path);
    if (fd < 0) {
        return false;
    }
    session_ = dwfl_begin(&offline_callbacks);
    if (session_ == nullptr) {
        ::close(fd);
        return false;
    }
    dwfl_report_begin(session_);
    // Base 0: addresses are the file's own virtual addresses, which is what a recording holds.
    module_ = dwfl_report_elf(session_, path.c_str(), path.c_str(), fd, 0, true);
    if (module_ == nullptr) {
        ::close(fd); // otherwise it belongs to the session now
    }
    if (module_ == nullptr || dwfl_report_end(session_, nullptr, nullptr) != 0 ||
        !has_build_id(module_, build_id)) {
        dwfl_end(session_);
        session_ = nullptr;
        module_ = nullptr;
        return false;
    }
    return true;
}

std::vector<SourceFrame> ElfModule::functions_at(std::uint64_t address) {
    if (module_ == nullptr) {
        return {};
    }
    std::vector<SourceFrame> functions = from_debug_information(address);
    if (functions.empty()) {
        functions.emplace_back();
    }
    if (functions.back().function.empty()) {
        functions.back().function = symbol_at(address);
    }
    if (functions.size() == 1 && functions.back().function.empty() && functions.back().file.empty()) {
        return {};
    }
    return functions;
}

std::vector<SourceFrame> ElfModule::from_debug_information(std::uint64_t address) {
    if (!debug_information_read_) {
        dwarf_ = dwfl_module_getdwarf(module_, &bias_);
        debug_information_read_ = true;
    }
    Dwarf_Die unit;
    if (dwarf_ == nullptr || !find_unit(address, &unit)) {
        return {};
    }
    return functions_in_unit(dwarf_, unit, address - bias_);
}

bool ElfModule::find_unit(std::uint64_t address, Dwarf_Die *unit) {
    Dwarf_Addr bias = 0;
    if (Dwarf_Die *found = dwfl_module_addrdie(module_, address, &bias); found != nullptr) {
        *unit = *found;
        return true;
    }
    // Compilers based on LLVM write no address table (.debug_aranges): ask the units themselves.
    if (!units_indexed_) {
        index_units();
    }
    const auto after = std::ranges::upper_bound(unit_ranges_, address - bias_, {},
                                                [](const CodeRange &range) { return range.low; });
    if (after == unit_ranges_.begin() || std::prev(after)->high <= address - bias_) {
        return false;
    }
    return dwarf_offdie(dwarf_, std::prev(after)->unit, unit) != nullptr;
}

void ElfModule::index_units() {
    units_indexed_ = true;
    Dwarf_Addr bias = 0;
    for (Dwarf_Die *unit = dwfl_module_nextcu(module_, nullptr, &bias); unit != nullptr;
         unit = dwfl_module_nextcu(module_, unit, &bias)) {
        Dwarf_Addr base = 0;
        Dwarf_Addr low = 0;
        Dwarf_Addr high = 0;
        std::ptrdiff_t next = 0;
        while ((next = dwarf_ranges(unit, next, &base, &low, &high)) > 0) {
            unit_ranges_.push_back({low, high, dwarf_dieoffset(unit)});
        }
    }
    std::ranges::sort(unit_ranges_, {}, &CodeRange::low);
}

std::string ElfModule::symbol_at(std::uint64_t address) {
    if (module_ == nullptr) {
        return {};
    }
    GElf_Off offset = 0;
    GElf_Sym symbol{};
    const char *name = dwfl_module_addrinfo(module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
    return name == nullptr ? std::string() : function_name(name);
}

} // namespace flockstat::reporter
