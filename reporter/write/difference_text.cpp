#include "reporter/write/difference_text.h"

#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/table.h"
#include "reporter/write/text_style.h"
#include "reporter/write/words.h"

#include <cmath>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

std::string amount(double value, CostUnit unit, const TextStyle &style) {
    switch (unit) {
    case CostUnit::nanoseconds: return style.time(static_cast<std::uint64_t>(std::llround(value)));
    case CostUnit::share: return fmt::format("{:.1f} %", value * 100);
    case CostUnit::count: break;
    }
    return value == std::floor(value) ? human_count(static_cast<std::uint64_t>(value))
                                      : fmt::format("{:.1f}", value);
}

std::string amount(std::optional<double> value, CostUnit unit, const TextStyle &style) {
    return value ? amount(*value, unit, style) : "-";
}

/// With its sign: "+1.25 ms", "-0.3 points".
std::string signed_amount(double value, CostUnit unit, const TextStyle &style) {
    if (unit == CostUnit::share) {
        return fmt::format("{:+.1f} points", value * 100);
    }
    return value == 0 ? "0" : (value < 0 ? "-" : "+") + amount(std::abs(value), unit, style);
}

/// "-82 %", "3.2 x", "new", "gone"; nothing where nothing changed.
std::string relative(const Change &change) {
    const double before = change.before.value_or(0);
    const double after = change.after.value_or(0);
    if (before == after || !change.difference()) {
        return "";
    }
    if (before == 0) {
        return "new";
    }
    if (after == 0) {
        return "gone";
    }
    const double percent = (after / before - 1) * 100;
    return after > 3 * before ? fmt::format("{:.3g} x", after / before)
                              : fmt::format("{:+.{}f} %", percent, std::abs(percent) < 10 ? 1 : 0);
}

std::string interval_text(const Change &change, CostUnit unit, const TextStyle &style) {
    if (!change.interval) {
        return "";
    }
    const auto &[low, high] = *change.interval;
    return unit == CostUnit::share
               ? fmt::format("{:+.1f} to {:+.1f} points", low * 100, high * 100)
               : signed_amount(low, unit, style) + " to " + signed_amount(high, unit, style);
}

std::string cost_table(const Costs &costs, bool repeated, const TextStyle &style) {
    using Align = Table::Align;
    Table table({{"", Align::left},
                 {"BEFORE"},
                 {"AFTER"},
                 {"CHANGE"},
                 {""},
                 {repeated ? "95 % SURE" : "", Align::left}});
    for (const CostName &name : cost_names) {
        const Change &change = change_of(costs, name.cost);
        if (change.before.value_or(0) == 0 && change.after.value_or(0) == 0) {
            continue;
        }
        const std::optional<double> difference = change.difference();
        table.add({std::string(name.label), amount(change.before, name.unit, style),
                   amount(change.after, name.unit, style),
                   difference ? signed_amount(*difference, name.unit, style) : "",
                   name.unit == CostUnit::share ? "" : relative(change),
                   interval_text(change, name.unit, style)});
    }
    return table.lines(style.width(), 3, [&style](const std::string &line) { return style.faint(line); });
}

/// The sites whose waiting changed; of a lock that nobody waited for, those that hold it for another time.
std::string changed_sites(const LockDifference &lock, const TextStyle &style) {
    const bool waited = change_of(lock.costs, Cost::wait).difference().value_or(0) != 0;
    const Cost cost = waited ? Cost::wait : Cost::hold;
    std::string lines;
    unsigned shown = 0;
    for (const SiteDifference &site : lock.sites) {
        const Change &change = change_of(site.costs, cost);
        if (change.difference().value_or(0) == 0 || shown == style.top()) {
            continue;
        }
        ++shown;
        const std::string head =
            fmt::format("     {:>9} -> {:<9}  ", style.time(std::llround(*change.before)),
                        style.time(std::llround(*change.after)));
        const std::size_t indent = display_width(head);
        const auto stack = stack_lines(site.frames, style.width() - indent, 2, style.unicode());
        lines += head + (stack.empty() ? "(no stack)" : stack.front()) + "\n";
        for (std::size_t i = 1; i < stack.size(); ++i) {
            lines += std::string(indent, ' ') + stack[i] + "\n";
        }
    }
    return lines.empty() ? "" : style.faint(waited ? "   waiting at" : "   held at") + "\n" + lines;
}

std::string lock_section(std::size_t number, const LockDifference &lock, bool repeated,
                         const TextStyle &style) {
    const std::string head = fmt::format("{}. ", number);
    const std::string path = short_path(style.shown(lock.path), style.width() - head.size());
    return "\n" + style.strong(head + path) + "\n   " + family_word(lock.family) + " lock\n" +
           cost_table(lock.costs, repeated, style) + changed_sites(lock, style);
}

/// Did anything that is shown of it change?
bool changed(const LockDifference &lock) {
    return std::ranges::any_of(lock.costs, [](const Change &change) {
        return change.before.value_or(0) != change.after.value_or(0);
    });
}

std::string headline(const Difference &difference, const TextStyle &style) {
    const Change &wait = change_of(difference.costs, Cost::wait);
    const auto unit = CostUnit::nanoseconds;
    const std::string much = relative(wait);
    std::string text =
        fmt::format("Waited for file locks: {} before, {} after{}", amount(wait.before, unit, style),
                    amount(wait.after, unit, style), much.empty() ? "" : ", " + much);
    text += fmt::format(" (runs of {} and {}).", amount(difference.duration_ns.before, unit, style),
                        amount(difference.duration_ns.after, unit, style));
    if (wait.interval) {
        text += " The change is " + interval_text(wait, unit, style) + " with 95 % confidence, so it " +
                (wait.is_sure() ? "is no accident." : "may be an accident.");
    } else {
        text += " Whether that is more than chance takes at least two runs of each.";
    }
    return wrapped(text, style.width(), 0, 0) + "\n" +
           fmt::format("  compared  {} with {}, figures are those of a mean run\n",
                       counted(difference.runs_before, "run", "runs"),
                       counted(difference.runs_after, "run", "runs"));
}

} // namespace

std::string difference_text(const Difference &difference, const TextOptions &options) {
    const TextStyle style(options);
    const bool repeated = difference.runs_before > 1 && difference.runs_after > 1;
    std::string text = headline(difference, style);
    std::size_t shown = 0;
    std::size_t alike = 0;
    std::size_t more = 0;
    for (const LockDifference &lock : difference.locks) {
        if (!changed(lock)) {
            ++alike;
        } else if (shown == style.top()) {
            ++more;
        } else {
            text += lock_section(++shown, lock, repeated, style);
        }
    }
    if (more != 0) {
        text += fmt::format("\n{} changed less (--top shows more).\n",
                            counted(more, "other lock", "other locks"));
    }
    if (alike != 0) {
        text += fmt::format("\n{} did not change.\n", counted(alike, "lock", "locks"));
    }
    return text;
}

} // namespace flockstat::reporter
