#include "reporter/write/check_text.h"

#include "reporter/write/printable.h"
#include "reporter/write/units.h"
#include "reporter/write/words.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

std::string value_text(const BrokenRule &broken, Unit unit) {
    switch (unit) {
    case Unit::nanoseconds: return human_time(broken.value, false);
    case Unit::share: return fmt::format("{} ({:.3g} %)", human_count(broken.value), broken.share * 100);
    case Unit::count: break;
    }
    return human_count(broken.value);
}

} // namespace

std::string check_text(const Report &report, const std::vector<Rule> &rules,
                       const std::vector<BrokenRule> &broken) {
    std::string text;
    for (const BrokenRule &one : broken) {
        const LockReport &lock = report.groups[one.group].sum;
        const Rule &rule = rules[one.rule];
        text += fmt::format("{} ({}): {} is {}, over {}\n", printable(lock.name(), false),
                            family_word(lock.family), rule.quantity, value_text(one, rule.unit),
                            printable(rule.text, false));
    }
    return text;
}

} // namespace flockstat::reporter
