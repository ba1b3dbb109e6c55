/// Fairness as a report has it.
#pragma once

#include "reporter/analyze/findings.h"

namespace flockstat::reporter {

[[nodiscard]] FairnessReport fairness_report(FairnessSum &sum, const ReportPlaces &places);

} // namespace flockstat::reporter
