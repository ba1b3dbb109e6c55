#include "reporter/analyze/unread_python.h"

#include <fmt/format.h>
#include <regex>

namespace flockstat::reporter {
namespace {

/// ".../bin/python3.10", ".../libpython2.7.so.1.0": the version in an interpreter's file name; empty for
/// any other.
std::string version_in_name(const std::string &path) {
    static const std::regex interpreter(R"(.*/(?:lib)?python(\d\.\d+)[dmu]*(?:\.so[.\d]*)?)");
    std::smatch found;
    return std::regex_match(path, found, interpreter) ? found[1].str() : std::string();
}

} // namespace

std::string unread_python(const Run &run) {
    if (run.unread_python == 0) {
        return {};
    }
    if (const std::uint32_t minor = run.unread_python >> 16U & 0xFFU; minor != 0) {
        return fmt::format("{}.{}", run.unread_python >> 24U, minor);
    }
    for (const Module &module : run.modules) {
        if (const std::string version = version_in_name(module.path); !version.empty()) {
            return version;
        }
    }
    return "before 3.11";
}

} // namespace flockstat::reporter
