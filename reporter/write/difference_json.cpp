#include "reporter/write/difference_json.h"

#include "reporter/write/json_parts.h"
#include "reporter/write/printable.h"
#include "reporter/write/words.h"

#include <cmath>

namespace flockstat::reporter {
namespace {

/// Times are integers.
Json number(std::optional<double> value, CostUnit unit) {
    if (!value) {
        return nullptr;
    }
    return unit == CostUnit::nanoseconds ? Json(std::llround(*value)) : Json(*value);
}

Json change_object(const Change &change, CostUnit unit) {
    const auto &interval = change.interval;
    return {{"before", number(change.before, unit)},
            {"after", number(change.after, unit)},
            {"change", number(change.difference(), unit)},
            {"low", number(interval ? std::optional(interval->low) : std::nullopt, unit)},
            {"high", number(interval ? std::optional(interval->high) : std::nullopt, unit)}};
}

Json cost_object(const Costs &costs) {
    Json json = Json::object();
    for (const CostName &name : cost_names) {
        json[std::string(name.key)] = change_object(change_of(costs, name.cost), name.unit);
    }
    return json;
}

Json site_object(const SiteDifference &site) {
    Json frames = Json::array();
    for (const SourceFrame &frame : site.frames) {
        frames.push_back(frame_object(frame));
    }
    Json json = {{"frames", std::move(frames)}};
    json.update(cost_object(site.costs));
    return json;
}

Json lock_object(const LockDifference &lock) {
    Json json = {{"path", valid_utf8(lock.path)}, {"family", family_word(lock.family)}};
    json.update(cost_object(lock.costs));
    Json sites = Json::array();
    for (const SiteDifference &site : lock.sites) {
        sites.push_back(site_object(site));
    }
    json["sites"] = std::move(sites);
    return json;
}

} // namespace

std::string difference_json(const Difference &difference) {
    Json locks = Json::array();
    for (const LockDifference &lock : difference.locks) {
        locks.push_back(lock_object(lock));
    }
    Json run = {{"duration_ns", change_object(difference.duration_ns, CostUnit::nanoseconds)}};
    run.update(cost_object(difference.costs));
    return json_text({{"schema", "flockstat.diff/1"},
                      {"runs", {{"before", difference.runs_before}, {"after", difference.runs_after}}},
                      {"run", std::move(run)},
                      {"locks", std::move(locks)}},
                     JsonStream::Layout::indented) +
           "\n";
}

} // namespace flockstat::reporter
