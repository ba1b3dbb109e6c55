/// The report as a profile of pprof (proto/profile.proto of github.com/google/pprof), gzip'd.
#pragma once

#include "reporter/analyze/report.h"

#include <string>

namespace flockstat::reporter {

/// Sample types waits/count, wait/nanoseconds (the default), holds/count, hold/nanoseconds. Samples have the
/// labels lock (path) and family, and, where the process is known (SiteReport::processes), process (name of
/// the executable) and pid. Values add up to those of the sites. Control characters in names, and bytes that
/// are no UTF-8, become \xHH.
[[nodiscard]] std::string to_pprof(const Report &report);

} // namespace flockstat::reporter
