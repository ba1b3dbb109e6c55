#include "reporter/write/site_list.h"

#include "reporter/write/short_stack.h"

#include <fmt/format.h>
#include <functional>
#include <map>

namespace flockstat::reporter {
namespace {

/// The sites of one short stack in all locks of a group.
struct Place {
    const std::vector<SourceFrame> *frames = nullptr;
    std::uint64_t acquisitions = 0;
    std::uint64_t waits = 0;
    std::uint64_t wait_ns = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t regions = 0;
    std::uint64_t held_ns = 0;
};

/// Sites that look the same are one: they differ in what a short stack leaves out, as where in an interpreter
/// a call came from.
std::vector<Place> places_of(const Report &report, const LockGroup &group, const TextStyle &style) {
    std::vector<Place> places;
    std::map<std::vector<std::string>, std::size_t> known;
    for (const SiteReport &site : report.sites) {
        if (!std::ranges::binary_search(group.locks, site.lock)) {
            continue;
        }
        const std::size_t at =
            known.try_emplace(short_stack(site.frames.all(), style.unicode()), places.size()).first->second;
        if (at == places.size()) {
            places.emplace_back().frames = &site.frames.all();
        }
        Place &place = places[at];
        place.acquisitions += site.acquisitions;
        place.waits += site.wait.count;
        place.wait_ns += site.wait.sum_ns;
        place.abandoned += site.abandoned;
        place.regions += site.region.count;
        place.held_ns += site.region.sum_ns + site.held_open_ns;
    }
    return places;
}

struct Row {
    std::string time, share, count;
    const std::vector<SourceFrame> *frames;            ///< null: of nobody that is known
    const std::vector<SourceFrame> *against = nullptr; ///< in whose way it was, where that needs to be said
};

std::vector<std::string> place_lines(const std::vector<SourceFrame> *frames, std::size_t columns,
                                     std::size_t most, const TextStyle &style) {
    if (frames == nullptr) {
        return {"nobody that is known: it was free, or held outside the run"};
    }
    std::vector<std::string> lines = stack_lines(*frames, columns, most, style.unicode());
    return lines.empty() ? std::vector<std::string>{"(its stack was not recorded)"} : lines;
}

std::vector<std::string> row_lines(const Row &row, std::size_t columns, const TextStyle &style) {
    std::vector<std::string> lines = place_lines(row.frames, columns, 2, style);
    if (row.against != nullptr) {
        constexpr std::string_view waiting = "waited for at ";
        const std::size_t room = columns - std::min(columns / 2, waiting.size());
        for (const std::string &line : place_lines(row.against, room, 1, style)) {
            lines.push_back(std::string(waiting) + line);
        }
    }
    return lines;
}

std::string rows_text(const std::string &heading, const std::vector<Row> &rows, const TextStyle &style) {
    constexpr std::size_t indent = 5;
    std::size_t time = 0;
    std::size_t share = 0;
    std::size_t count = 0;
    for (const Row &row : rows) {
        time = std::max(time, display_width(row.time));
        share = std::max(share, row.share.size());
        count = std::max(count, row.count.size());
    }
    const auto padded = [](const std::string &text, std::size_t width) {
        return std::string(width - std::min(width, display_width(text)), ' ') + text;
    };
    std::string text = "   " + style.faint(heading) + "\n";
    for (const Row &row : rows) {
        const std::string left = std::string(indent, ' ') + padded(row.time, time) +
                                 (share == 0 ? "" : "  ") + padded(row.share, share) + "  " +
                                 padded(row.count, count) + "  ";
        const std::size_t column = display_width(left);
        const std::vector<std::string> lines =
            row_lines(row, style.width() - std::min(column, style.width() / 2), style);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            text += (i == 0 ? left : std::string(column, ' ')) + lines[i] + "\n";
        }
    }
    return text;
}

/// The rows of the places with the greatest `value`, with their shares in the whole of it.
template<typename Value, typename Count>
std::string list(const std::string &heading, std::vector<Place> places, const TextStyle &style, Value value,
                 Count count) {
    constexpr std::size_t most_rows = 4;
    std::uint64_t whole = 0;
    for (const Place &place : places) {
        whole += value(place);
    }
    std::ranges::stable_sort(places, [&](const Place &a, const Place &b) { return value(a) > value(b); });
    std::erase_if(places, [&](const Place &place) { return count(place).empty(); });
    std::vector<Row> rows;
    for (std::size_t i = 0; i < std::min(places.size(), most_rows); ++i) {
        rows.push_back({style.time(value(places[i])), human_share(value(places[i]), whole), count(places[i]),
                        places[i].frames});
    }
    if (rows.empty()) {
        return {};
    }
    std::string text = rows_text(heading, rows, style);
    if (places.size() > most_rows) {
        text += fmt::format("     and {}\n", counted(places.size() - most_rows, "more site", "more sites"));
    }
    return text;
}

std::string times(std::uint64_t count) { return human_count(count) + " x"; }

/// Waits at one place for what was held at another, as they look.
struct Standoff {
    const std::vector<SourceFrame> *holder = nullptr, *waiter = nullptr;
    std::uint64_t waits = 0, wait_ns = 0;
};

std::vector<Standoff> standoffs_of(const Report &report, const LockGroup &group, const TextStyle &style) {
    std::vector<Standoff> standoffs;
    std::map<std::pair<std::vector<std::string>, std::vector<std::string>>, std::size_t> known;
    for (const BlameReport &blame : report.blame) {
        if (!std::ranges::binary_search(group.locks, blame.lock)) {
            continue;
        }
        const auto *waiter = &report.sites[blame.waiter].frames.all();
        const auto *holder = blame.holder ? &report.sites[*blame.holder].frames.all() : nullptr;
        const auto looks = [&](const std::vector<SourceFrame> *frames) {
            return frames == nullptr ? std::vector<std::string>{std::string()}
                                     : short_stack(*frames, style.unicode());
        };
        const std::size_t at =
            known.try_emplace({looks(waiter), looks(holder)}, standoffs.size()).first->second;
        if (at == standoffs.size()) {
            standoffs.push_back({holder, waiter});
        }
        standoffs[at].waits += blame.waits;
        standoffs[at].wait_ns += blame.wait_ns;
    }
    std::ranges::stable_sort(standoffs, std::greater(), &Standoff::wait_ns);
    return standoffs;
}

/// What those who waited waited for, where anything is known of it.
std::string blame_list(const Report &report, const LockGroup &group, bool one_waiter,
                       const TextStyle &style) {
    constexpr std::size_t most_rows = 5;
    const std::vector<Standoff> standoffs = standoffs_of(report, group, style);
    std::uint64_t whole_ns = 0;
    bool any = false;
    for (const Standoff &standoff : standoffs) {
        whole_ns += standoff.wait_ns;
        any = any || standoff.holder != nullptr;
    }
    std::vector<Row> rows;
    for (std::size_t i = 0; any && i < std::min(standoffs.size(), most_rows); ++i) {
        const Standoff &standoff = standoffs[i];
        rows.push_back({style.time(standoff.wait_ns), human_share(standoff.wait_ns, whole_ns),
                        standoff.waits == 0 ? std::string() : times(standoff.waits), standoff.holder,
                        one_waiter ? nullptr : standoff.waiter});
    }
    if (rows.empty()) {
        return {};
    }
    std::string text = rows_text("waited for what was held at", rows, style);
    if (standoffs.size() > most_rows) {
        text +=
            fmt::format("     and {}\n", counted(standoffs.size() - most_rows, "more pair", "more pairs"));
    }
    return text;
}

} // namespace

std::string site_lists(const Report &report, const LockGroup &group, const TextStyle &style) {
    const std::vector<Place> places = places_of(report, group, style);
    std::string text = list(
        "waiting at", places, style, [](const Place &place) { return place.wait_ns; },
        [](const Place &place) {
            const std::string given_up =
                place.abandoned == 0 ? "" : fmt::format("{} given up", human_count(place.abandoned));
            return place.waits == 0 ? given_up
                                    : times(place.waits) + (given_up.empty() ? "" : ", " + given_up);
        });
    const auto waiters = std::ranges::count_if(places, [](const Place &place) { return place.waits != 0; });
    text += blame_list(report, group, waiters == 1, style);
    text += list(
        "held at", places, style, [](const Place &place) { return place.held_ns; },
        [](const Place &place) {
            return place.acquisitions + place.regions == 0 ? std::string() : times(place.acquisitions);
        });
    return text;
}

} // namespace flockstat::reporter
