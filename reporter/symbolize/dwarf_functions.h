/// Functions, inlined ones included, that an address belongs to, by one unit's debug information.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <elfutils/libdw.h>
#include <vector>

namespace flockstat::reporter {

/// Innermost first; the last one is no inlined one. The line of each is where the address, or the call of the
/// one before it, stands. Names may be empty where the unit knows lines only. Empty where the unit knows
/// nothing of the address.
[[nodiscard]] std::vector<SourceFrame> functions_in_unit(Dwarf *dwarf, Dwarf_Die unit, Dwarf_Addr address);

} // namespace flockstat::reporter
