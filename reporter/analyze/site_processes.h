/// Which process waited and held at which site.
#pragma once

#include "reporter/analyze/sums.h"

#include <span>

namespace flockstat::reporter {

/// Fills SiteReport::processes of a report that has its sites and processes. The places say where each of
/// `sums` stands in it. A share is never more than its site has.
void add_site_processes(Sums &sums, std::span<const std::size_t> site_places,
                        std::span<const std::size_t> process_places, Report &report);

} // namespace flockstat::reporter
