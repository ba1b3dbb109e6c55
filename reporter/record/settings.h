/// The FLOCKSTAT_* variables: their names, what they may say, and reading them from an environment.
///
/// Shared by the command, which refuses to start on a bad one, and by the preloaded object, which says so in
/// one line. Allocates nothing, calls nothing that a lock call may not; async-signal-safe.
#pragma once

#include "reporter/record/arena_file.h"
#include "reporter/record/run_identity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace flockstat::record {

/// What the environment asks for. The views point into the environment's own text; empty where a variable is
/// not set.
struct Settings {
    bool stacks = true;
    bool probe = true;
    bool verbose = false;
    bool quiet = false;
    bool all_users = false;
    std::uint64_t arena_mib = default_arena_mib;
    std::string_view directory;       ///< FLOCKSTAT_DIR: the run's directory
    std::string_view arena_directory; ///< FLOCKSTAT_ARENA_DIR: absolute
    std::string_view include;         ///< globs of paths, separated by ':'
    std::string_view exclude;
    std::string_view window; ///< FLOCKSTAT_WINDOW, FLOCKSTAT_HANDLERS: read by the command
    std::string_view handlers;
    std::string_view run; ///< FLOCKSTAT_RUN as it stands; read_run_identity reads it
};

/// One variable. Exactly one of the members is set; it says how the value is read.
struct SettingRule {
    std::string_view name;
    bool Settings::*flag = nullptr;               ///< on, off, 1 or 0
    std::uint64_t Settings::*mebibytes = nullptr; ///< min_arena_mib to max_arena_mib
    std::string_view Settings::*path = nullptr;   ///< shorter than max_path_bytes
    std::string_view Settings::*absolute = nullptr;
    std::string_view Settings::*text = nullptr;
};

inline constexpr std::string_view setting_prefix = "FLOCKSTAT_";

inline constexpr std::array<SettingRule, 13> setting_rules = {{
    {.name = "FLOCKSTAT_DIR", .path = &Settings::directory},
    {.name = "FLOCKSTAT_STACKS", .flag = &Settings::stacks},
    {.name = "FLOCKSTAT_PROBE", .flag = &Settings::probe},
    {.name = "FLOCKSTAT_INCLUDE", .text = &Settings::include},
    {.name = "FLOCKSTAT_EXCLUDE", .text = &Settings::exclude},
    {.name = "FLOCKSTAT_ARENA_DIR", .absolute = &Settings::arena_directory},
    {.name = "FLOCKSTAT_ARENA_MIB", .mebibytes = &Settings::arena_mib},
    {.name = "FLOCKSTAT_ALL_USERS", .flag = &Settings::all_users},
    {.name = "FLOCKSTAT_QUIET", .flag = &Settings::quiet},
    {.name = "FLOCKSTAT_VERBOSE", .flag = &Settings::verbose},
    {.name = "FLOCKSTAT_WINDOW", .text = &Settings::window},
    {.name = "FLOCKSTAT_HANDLERS", .text = &Settings::handlers},
    {.name = run_variable, .text = &Settings::run},
}};

/// A line of text in fixed room; what does not fit is cut.
class ShortLine {
public:
    ShortLine &add(std::string_view text) {
        for (const char c : text) {
            add_byte(c);
        }
        return *this;
    }
    /// Text that comes from elsewhere: control characters become '?', at most 100 bytes.
    ShortLine &add_foreign(std::string_view text) {
        for (const char c : text.substr(0, 100)) {
            add_byte(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
        }
        return text.size() > 100 ? add("...") : *this;
    }
    ShortLine &add_number(std::uint64_t number) {
        std::array<char, 20> digits;
        const char *end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        return add({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    [[nodiscard]] std::string_view view() const { return {room_.data(), used_}; }

private:
    void add_byte(char c) {
        if (used_ < room_.size()) {
            room_[used_++] = c;
        }
    }
    std::array<char, 512> room_;
    std::size_t used_ = 0;
};

/// Reads one value by its rule. True where it is allowed; else `*settings` is unchanged and `*why` gets what
/// would be allowed.
[[nodiscard]] inline bool read_setting(const SettingRule &rule, std::string_view value, Settings *settings,
                                       ShortLine *why) {
    if (rule.flag != nullptr) {
        const bool on = value == "on" || value == "1";
        if (!on && value != "off" && value != "0") {
            why->add("must be on or off");
            return false;
        }
        settings->*rule.flag = on;
    } else if (rule.mebibytes != nullptr) {
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
        if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size() || number < min_arena_mib ||
            number > max_arena_mib) {
            why->add("must be a number of MiB from ")
                .add_number(min_arena_mib)
                .add(" to ")
                .add_number(max_arena_mib);
            return false;
        }
        settings->*rule.mebibytes = number;
    } else if (rule.path != nullptr || rule.absolute != nullptr) {
        if (value.size() >= max_path_bytes ||
            (rule.absolute != nullptr && !value.empty() && value.front() != '/')) {
            why->add(rule.absolute != nullptr ? "must be an absolute path" : "must be a path")
                .add(" of less than 4096 bytes");
            return false;
        }
        settings->*(rule.path != nullptr ? rule.path : rule.absolute) = value;
    } else {
        settings->*rule.text = value;
    }
    return true;
}

/// Reads all FLOCKSTAT_* variables of `environment` (NAME=VALUE strings, ended by a null pointer; null itself
/// is an empty one) into `*settings`. Where a name stands twice the first one counts, as for getenv. Calls
/// complain(std::string_view) with one line, without a line feed or prefix, for each name that is not known
/// and each value that is not allowed; those are left at their default. Returns the number of complaints.
template<typename Complain>
inline unsigned parse_settings(const char *const *environment, Settings *settings, Complain complain) {
    unsigned complaints = 0;
    std::array<bool, setting_rules.size()> seen{};
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        const std::size_t equals = entry.find('=');
        if (!entry.starts_with(setting_prefix) || equals == std::string_view::npos) {
            continue;
        }
        const std::string_view name = entry.substr(0, equals);
        const std::string_view value = entry.substr(equals + 1);
        const auto *rule = std::find_if(setting_rules.begin(), setting_rules.end(),
                                        [&](const SettingRule &candidate) { return candidate.name == name; });
        ShortLine line;
        if (rule == setting_rules.end()) {
            line.add_foreign(name).add(" is not a variable of flockstat; unset it, or use one of");
            for (const SettingRule &known : setting_rules) {
                line.add(known.name == run_variable ? "" : " ")
                    .add(known.name == run_variable ? "" : known.name);
            }
        } else if (ShortLine why; !seen[static_cast<std::size_t>(rule - setting_rules.begin())] &&
                                  !read_setting(*rule, value, settings, &why)) {
            line.add(name).add("=").add_foreign(value).add(": ").add(why.view());
        }
        if (rule != setting_rules.end()) {
            seen[static_cast<std::size_t>(rule - setting_rules.begin())] = true;
        }
        if (!line.view().empty()) {
            ++complaints;
            complain(line.view());
        }
    }
    return complaints;
}

} // namespace flockstat::record
