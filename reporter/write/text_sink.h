/// Text that is passed on as it is made.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

/// Takes the next piece of a text; throws where it cannot. A report may be larger than the memory that it is
/// made in.
using TextSink = std::function<void(std::string_view)>;

/// All that `write` passes on.
[[nodiscard]] inline std::string text_of(const std::function<void(const TextSink &)> &write) {
    std::string text;
    write([&text](std::string_view piece) { text += piece; });
    return text;
}

} // namespace flockstat::reporter
