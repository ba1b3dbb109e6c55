/// The words that stand for enumerations in reports for programs.
#pragma once

#include "reporter/read/run.h"

#include <optional>
#include <string>

namespace flockstat::reporter {

/// "flock", "posix", "ofd".
[[nodiscard]] inline std::string family_word(Family family) {
    constexpr const char *words[record::family_count] = {"flock", "posix", "ofd"};
    return words[static_cast<std::size_t>(family)];
}

/// "shared", "exclusive".
[[nodiscard]] inline std::string mode_word(Mode mode) {
    return mode == Mode::shared ? "shared" : "exclusive";
}

/// "exit", "exec", "killed", "running"; nothing where it is not known.
[[nodiscard]] inline std::optional<std::string> ending_word(Ending ending) {
    switch (ending) {
    case Ending::exited: return "exit";
    case Ending::execed: return "exec";
    case Ending::killed: return "killed";
    case Ending::running: return "running";
    case Ending::unknown: break;
    }
    return std::nullopt;
}

} // namespace flockstat::reporter
