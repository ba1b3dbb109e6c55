/// Pythons whose own stacks a run could not have.
#pragma once

#include "reporter/read/run.h"

#include <string>

namespace flockstat::reporter {

/// The version of a Python of the run whose functions are not read, as it says itself or, before 3.11, as its
/// file is called: "3.10". "before 3.11" where that says nothing either. Empty: there was none.
[[nodiscard]] std::string unread_python(const Run &run);

} // namespace flockstat::reporter
