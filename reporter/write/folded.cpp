#include "reporter/write/folded.h"

#include "reporter/read/samples.h"
#include "reporter/write/frame_name.h"

#include <fmt/format.h>
#include <map>

namespace flockstat::reporter {

std::string to_folded(const Report &report, SiteTime time) {
    std::map<std::string, std::uint64_t> times_ns;
    for (const SiteReport &site : report.sites) {
        const std::uint64_t time_ns = time == SiteTime::wait ? site.wait.sum_ns : site.region.sum_ns;
        if (time_ns > 0) {
            std::uint64_t &sum_ns =
                times_ns[folded_name(report.locks[site.lock].name()) + ";" + folded_stack(site.frames.all())];
            sum_ns = saturating_add(sum_ns, time_ns);
        }
    }
    std::string text;
    for (const auto &[stack, time_ns] : times_ns) {
        text += fmt::format("{} {}\n", stack, time_ns);
    }
    return text;
}

} // namespace flockstat::reporter
