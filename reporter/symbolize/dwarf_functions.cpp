#include "reporter/symbolize/dwarf_functions.h"

#include "reporter/symbolize/function_name.h"

#include <cstdlib>
#include <dwarf.h>
#include <filesystem>
#include <span>

namespace flockstat::reporter {
namespace {

/// Scopes as libdw returns them.
class Scopes {
public:
    Scopes() = default;
    ~Scopes() { std::free(first_); }
    Scopes(const Scopes &) = delete;
    Scopes &operator=(const Scopes &) = delete;

    /// The scopes around a piece of code, in the program's own nesting: functions inlined into functions.
    bool find(Dwarf *dwarf, Dwarf_Die *unit, Dwarf_Addr address) {
        // dwarf_getscopes goes from an inlined function to where that was *defined*; where it is *called* are
        // its physical parents.
        Scopes innermost;
        innermost.count_ = dwarf_getscopes(unit, address, &innermost.first_);
        Dwarf_Die die;
        if (innermost.count_ <= 0 ||
            dwarf_offdie(dwarf, dwarf_dieoffset(innermost.first_), &die) == nullptr) {
            return false;
        }
        count_ = dwarf_getscopes_die(&die, &first_);
        return count_ > 0;
    }

    [[nodiscard]] std::span<Dwarf_Die> all() const {
        return {first_, static_cast<std::size_t>(count_ > 0 ? count_ : 0)};
    }

private:
    Dwarf_Die *first_ = nullptr;
    int count_ = 0;
};

std::string text_attribute(Dwarf_Die *die, unsigned attribute) {
    Dwarf_Attribute memory;
    const char *text = dwarf_formstring(dwarf_attr_integrate(die, attribute, &memory));
    return text == nullptr ? std::string() : text;
}

std::uint64_t number_attribute(Dwarf_Die *die, unsigned attribute) {
    Dwarf_Attribute memory;
    Dwarf_Word number = 0;
    return dwarf_formudata(dwarf_attr(die, attribute, &memory), &number) == 0 ? number : 0;
}

std::string name_of(Dwarf_Die *function) {
    for (const unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
        if (const std::string name = text_attribute(function, attribute); !name.empty()) {
            return function_name(name);
        }
    }
    return {};
}

std::string absolute(Dwarf_Die *unit, const char *file) {
    if (file == nullptr) {
        return {};
    }
    const std::filesystem::path path = file;
    return path.is_absolute() ? path.lexically_normal().string()
                              : (text_attribute(unit, DW_AT_comp_dir) / path).lexically_normal().string();
}

void add_line(Dwarf_Die *unit, Dwarf_Addr address, SourceFrame *frame) {
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number = 0;
    if (line == nullptr || dwarf_lineno(line, &number) != 0 || number <= 0) {
        return;
    }
    frame->file = absolute(unit, dwarf_linesrc(line, nullptr, nullptr));
    frame->line = static_cast<std::uint32_t>(number);
}

/// Where an inlined function was called, for the frame that it was inlined into.
void add_call(Dwarf_Die *unit, Dwarf_Die *inlined, SourceFrame *caller) {
    Dwarf_Files *files = nullptr;
    std::size_t count = 0;
    const std::uint64_t file = number_attribute(inlined, DW_AT_call_file);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count) {
        caller->file = absolute(unit, dwarf_filesrc(files, file, nullptr, nullptr));
    }
    caller->line = static_cast<std::uint32_t>(number_attribute(inlined, DW_AT_call_line));
}

} // namespace

std::vector<SourceFrame> functions_in_unit(Dwarf *dwarf, Dwarf_Die unit, Dwarf_Addr address) {
    std::vector<SourceFrame> functions(1);
    add_line(&unit, address, &functions.back());
    Scopes scopes;
    if (scopes.find(dwarf, &unit, address)) {
        for (Dwarf_Die &scope : scopes.all()) {
            const int tag = dwarf_tag(&scope);
            if (tag == DW_TAG_subprogram) {
                functions.back().function = name_of(&scope);
                break;
            }
            if (tag == DW_TAG_inlined_subroutine) {
                functions.back().function = name_of(&scope);
                functions.back().inlined = true;
                functions.emplace_back();
                add_call(&unit, &scope, &functions.back());
            }
        }
    }
    const bool nothing =
        functions.size() == 1 && functions.front().file.empty() && functions.front().function.empty();
    return nothing ? std::vector<SourceFrame>() : functions;
}

} // namespace flockstat::reporter
