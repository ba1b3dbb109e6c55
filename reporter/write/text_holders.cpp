#include "reporter/write/text_holders.h"

#include "reporter/write/units.h"

#include <algorithm>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

constexpr std::size_t most_named = 3;
constexpr std::size_t command_columns = 40;

/// "process 812 (cp a b)"
std::string name_of(std::int32_t pid, const std::vector<std::string> &command, const TextStyle &style) {
    return fmt::format("process {}", pid) +
           (command.empty() ? "" : fmt::format(" ({})", command_text(command, command_columns, style)));
}

std::string and_others(std::size_t all) {
    return all > most_named ? fmt::format(" and {}", counted(all - most_named, "other", "others")) : "";
}

} // namespace

std::string holders_sentence(const LockReport &lock, const TextStyle &style) {
    std::string text;
    for (std::size_t i = 0; i < std::min(lock.held_by.size(), most_named); ++i) {
        const HolderReport &holder = lock.held_by[i];
        text += text.empty() ? "Still held by " : ", ";
        text +=
            fmt::format("{} for {}", name_of(holder.pid, holder.command, style), style.time(holder.held_ns));
    }
    return text.empty() ? text : text + and_others(lock.held_by.size()) + ".";
}

std::string outside_sentence(const LockReport &lock, const TextStyle &style) {
    std::string text;
    for (std::size_t i = 0; i < std::min(lock.held_outside.size(), most_named); ++i) {
        const OutsideHolderReport &holder = lock.held_outside[i];
        text += text.empty() ? "Outside the run it was held, while somebody waited, by " : ", ";
        text += name_of(holder.pid, holder.command, style);
        text += holder.processes > 1 ? fmt::format(" and {} like it", human_count(holder.processes - 1)) : "";
        text += holder.seen_ns == 0 ? "" : fmt::format(" for at least {}", style.time(holder.seen_ns));
    }
    return text.empty() ? text : text + and_others(lock.held_outside.size()) + ".";
}

} // namespace flockstat::reporter
