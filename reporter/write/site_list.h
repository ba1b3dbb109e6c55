/// Where a lock is waited for, and where it is held.
#pragma once

#include "reporter/write/text_style.h"

#include <string>

namespace flockstat::reporter {

/// The waiting and the holding sites of the locks of a group as short stacks, the costliest first; one list
/// where there is one site.
[[nodiscard]] std::string site_lists(const Report &report, const LockGroup &group, const TextStyle &style);

} // namespace flockstat::reporter
