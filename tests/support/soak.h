#pragma once

#include <string>

namespace flockstat::test {

/// What `make soak` says of the test case that calls this: how often the fault was tried, which the case's
/// name tells, and what came of it. Nothing where the case does not run under scripts/soak.
void soak_row(const std::string &tried, const std::string &result);

} // namespace flockstat::test
