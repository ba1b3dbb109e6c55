#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/text_parts.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

/// "pid 812 had /srv/a.lock", and where on the lines below.
std::string site_text(const Report &report, std::size_t site, const std::string &role,
                      const TextStyle &style) {
    constexpr std::size_t indent = 5;
    const std::string path = style.shown(report.locks[report.sites[site].lock].name());
    const std::size_t room = style.width() - std::min(style.width() / 2, indent + display_width(role) + 1);
    std::string text = std::string(indent, ' ') + role + " " + short_path(path, room) + "\n";
    std::vector<std::string> lines =
        stack_lines(report.sites[site].frames.all(), style.width() - indent - 4, 2, style.unicode());
    if (lines.empty()) {
        lines.emplace_back("(its stack was not recorded)");
    }
    for (const std::string &line : lines) {
        text += std::string(indent + 4, ' ') + style.faint(line) + "\n";
    }
    return text;
}

} // namespace

std::string findings_text(const Report &report, const TextStyle &style) {
    std::string text;
    std::size_t shown = 0;
    for (const FindingReport &finding : report.findings) {
        if (shown == 2 * style.top()) {
            text += fmt::format("  and {} more\n", human_count(report.findings.size() - shown));
            break;
        }
        ++shown;
        text += wrapped(style.shown(finding.message), style.width(), 2, 4);
        for (std::size_t i = 0; i < finding.sites.size() && i < finding.roles.size(); ++i) {
            text += site_text(report, finding.sites[i], finding.roles[i], style);
        }
    }
    return text.empty() ? text : style.strong("Findings") + "\n" + text;
}

} // namespace flockstat::reporter
