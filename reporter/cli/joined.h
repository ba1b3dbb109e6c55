/// Texts put together.
#pragma once

#include <string>
#include <vector>

namespace flockstat::cli {

/// The texts in one, `divider` between each and the next.
[[nodiscard]] inline std::string joined(const std::vector<std::string> &texts, char divider) {
    std::string result;
    for (const std::string &text : texts) {
        result += (result.empty() ? "" : std::string(1, divider)) + text;
    }
    return result;
}

} // namespace flockstat::cli
