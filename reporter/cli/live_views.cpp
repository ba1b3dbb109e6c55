#include "reporter/cli/live_views.h"

#include "reporter/analyze/merged_stacks.h"
#include "reporter/cli/failure.h"
#include "reporter/read/present.h"

#include <set>

namespace flockstat::cli {

std::vector<reporter::Run> read_live(std::span<const std::filesystem::path> files, bool named, bool past) {
    std::vector<reporter::Run> runs;
    for (const std::filesystem::path &file : files) {
        try {
            reporter::Run run = past ? reporter::read_run(file) : reporter::read_present(file);
            if (run.live()) {
                runs.push_back(std::move(run));
            }
        } catch (const reporter::ReadError &error) {
            if (named) {
                throw Failure(status_failed_report, error.what());
            }
        }
    }
    return runs;
}

std::vector<std::vector<reporter::SourceFrame>>
sites_of(const reporter::Run &run, const reporter::LiveLocks &locks, reporter::Symbolizer &symbolizer) {
    std::set<std::uint32_t> wanted;
    for (const reporter::HeldLock &held : locks.held) {
        wanted.insert(held.stack);
    }
    for (const reporter::WantedLock &lock : locks.wanted) {
        wanted.insert(lock.stack);
    }
    const reporter::MergedStacks stacks(run);
    std::vector<std::vector<reporter::SourceFrame>> sites(run.stacks.size());
    for (const std::uint32_t stack : wanted) {
        if (stack < sites.size()) {
            sites[stack] = stacks.frames(stacks.id(0, stack), &symbolizer);
        }
    }
    return sites;
}

} // namespace flockstat::cli
