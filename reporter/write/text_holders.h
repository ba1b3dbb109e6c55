/// Who had a lock that others wanted, in words.
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_style.h"

#include <string>

namespace flockstat::reporter {

/// Who holds it still; empty for nobody.
[[nodiscard]] std::string holders_sentence(const LockReport &lock, const TextStyle &style);

/// Who outside the run was seen to hold it; empty for nobody.
[[nodiscard]] std::string outside_sentence(const LockReport &lock, const TextStyle &style);

} // namespace flockstat::reporter
