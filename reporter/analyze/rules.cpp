#include "reporter/analyze/rules.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fnmatch.h>
#include <optional>

namespace flockstat::reporter {
namespace {

struct CountName {
    std::string_view name;
    std::uint64_t LockReport::*count;
    std::uint64_t LockReport::*whole; ///< what a share is one of; null: none
};
constexpr CountName counts[] = {
    {"attempts", &LockReport::attempts, nullptr},
    {"granted", &LockReport::granted, &LockReport::attempts},
    {"refused", &LockReport::refused, &LockReport::attempts},
    {"interrupted", &LockReport::interrupted, &LockReport::attempts},
    {"deadlocked", &LockReport::deadlocked, &LockReport::attempts},
    {"failed", &LockReport::failed, &LockReport::attempts},
    {"tests", &LockReport::tests, nullptr},
    {"unlocks", &LockReport::unlocks, nullptr},
    {"acquisitions", &LockReport::acquisitions, nullptr},
    {"contended", &LockReport::contended, &LockReport::acquisitions},
    {"polled", &LockReport::polled, &LockReport::acquisitions},
    {"abandoned", &LockReport::abandoned, nullptr},
};

struct StatName {
    std::string_view name;
    Stat LockReport::*stat;
};
constexpr StatName stats[] = {
    {"enter", &LockReport::enter}, {"region", &LockReport::region},       {"exit", &LockReport::exit},
    {"wait", &LockReport::wait},   {"overshoot", &LockReport::overshoot},
};

struct PartName {
    std::string_view name;
    std::uint64_t Stat::*part;
};
constexpr PartName parts[] = {
    {"count", &Stat::count}, {"sum", &Stat::sum_ns}, {"mean", &Stat::mean_ns}, {"min", &Stat::min_ns},
    {"max", &Stat::max_ns},  {"p50", &Stat::p50_ns}, {"p90", &Stat::p90_ns},   {"p99", &Stat::p99_ns},
};

struct TimeUnit {
    std::string_view name;
    double ns;
};
constexpr TimeUnit time_units[] = {
    {"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9},
};

template<typename Named, std::size_t Count>
const Named *named(const Named (&list)[Count], std::string_view name) {
    const auto *found = std::ranges::find(list, name, &Named::name);
    return found == std::end(list) ? nullptr : found;
}

struct Quantity {
    const CountName *count = nullptr;
    const StatName *stat = nullptr;
    const PartName *part = nullptr;

    [[nodiscard]] bool known() const { return count != nullptr || (stat != nullptr && part != nullptr); }
    [[nodiscard]] bool is_time() const { return part != nullptr && part->part != &Stat::count; }
};

Quantity quantity_of(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
        return {named(counts, name), nullptr, nullptr};
    }
    return {nullptr, named(stats, name.substr(0, dot)), named(parts, name.substr(dot + 1))};
}

/// A number that is not negative, and what stands behind it.
std::optional<std::pair<double, std::string_view>> number_of(std::string_view text) {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(value) || value < 0 || text.front() == '-') {
        return std::nullopt;
    }
    return std::pair(value, text.substr(static_cast<std::size_t>(end - text.data())));
}

std::uint64_t whole_number(double value) {
    constexpr double too_great = 18446744073709551616.0;
    return value >= too_great ? UINT64_MAX : static_cast<std::uint64_t>(std::llround(std::min(value, 9e18)));
}

/// Reads the limit; returns what is wrong with it, or nothing.
std::string read_limit(std::string_view text, const Quantity &quantity, Rule *rule) {
    const auto number = number_of(text);
    const std::string shown = "'" + std::string(text) + "'";
    if (!number) {
        return shown + " is no limit";
    }
    const auto [value, unit] = *number;
    if (unit == "%") {
        if (quantity.count == nullptr || quantity.count->whole == nullptr) {
            return rule->quantity + " is no part of a whole: give it a limit without %";
        }
        rule->unit = Unit::share;
        rule->share = value / 100;
        return {};
    }
    if (quantity.is_time()) {
        const TimeUnit *known = named(time_units, unit);
        if (known == nullptr && (!unit.empty() || value > 0)) {
            return shown + " is no time: write 10ms; there are ns, us, ms, s and m";
        }
        rule->unit = Unit::nanoseconds;
        rule->limit = whole_number(value * (known == nullptr ? 1 : known->ns));
        return {};
    }
    if (!unit.empty() || value != std::floor(value)) {
        return shown + " is no count";
    }
    rule->limit = whole_number(value);
    return {};
}

bool concerns(const Rule &rule, const LockReport &lock) {
    return rule.pattern.empty() || fnmatch(rule.pattern.c_str(), lock.path.c_str(), 0) == 0;
}

/// The lock's value, if it is greater than the limit.
std::optional<BrokenRule> check(const Rule &rule, const LockReport &lock) {
    const Quantity quantity = quantity_of(rule.quantity);
    BrokenRule broken;
    broken.value = quantity.count != nullptr ? lock.*(quantity.count->count)
                                             : lock.*(quantity.stat->stat).*(quantity.part->part);
    if (rule.unit != Unit::share) {
        return broken.value > rule.limit ? std::optional(broken) : std::nullopt;
    }
    const std::uint64_t whole = lock.*(quantity.count->whole);
    if (whole == 0) {
        return std::nullopt;
    }
    broken.share = static_cast<double>(broken.value) / static_cast<double>(whole);
    return broken.share > rule.share ? std::optional(broken) : std::nullopt;
}

} // namespace

std::variant<Rule, std::string> parse_rule(std::string_view text) {
    Rule rule;
    rule.text = text;
    const std::string opening = "'" + rule.text + "' is no rule: ";
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        rule.pattern = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || colon == 0) {
        return opening + "write " + rule_form;
    }
    rule.quantity = text.substr(0, equals);
    const Quantity quantity = quantity_of(rule.quantity);
    if (!quantity.known()) {
        return opening + "there is no quantity '" + rule.quantity + "'; write " + rule_form;
    }
    const std::string wrong = read_limit(text.substr(equals + 1), quantity, &rule);
    return wrong.empty() ? std::variant<Rule, std::string>(rule) : opening + wrong;
}

std::vector<BrokenRule> broken_rules(const Report &report, const std::vector<Rule> &rules) {
    std::vector<BrokenRule> all;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        for (std::size_t group = 0; group < report.groups.size(); ++group) {
            const LockReport &lock = report.groups[group].sum;
            if (auto broken = concerns(rules[i], lock) ? check(rules[i], lock) : std::nullopt) {
                broken->rule = i;
                broken->group = group;
                all.push_back(*broken);
            }
        }
    }
    return all;
}

bool concerns_a_lock(const Rule &rule, const Report &report) {
    return std::ranges::any_of(report.groups,
                               [&](const LockGroup &group) { return concerns(rule, group.sum); });
}

} // namespace flockstat::reporter
