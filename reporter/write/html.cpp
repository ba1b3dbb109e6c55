#include "reporter/write/html.h"

#include "reporter/write/html_extras.h"
#include "reporter/write/json_parts.h"

#include <string_view>

// The built page, put into the command by html_page.S.
extern "C" const char flockstat_html_page[];
extern "C" const char flockstat_html_page_end[];

namespace flockstat::reporter {
namespace {

/// Where the data goes: the page holds it once.
constexpr std::string_view place_of_data = "<!--flockstat-data-->";

/// JSON that may stand in an HTML element: '<' is only ever inside its strings, and could begin a tag there.
void append_data(std::string_view id, std::string_view json, std::string *page) {
    page->append("<script type=\"application/json\" id=\"").append(id).append("\">");
    for (std::size_t at = 0; at < json.size();) {
        const std::size_t tag = std::min(json.find('<', at), json.size());
        page->append(json, at, tag - at).append(tag < json.size() ? "\\u003c" : "");
        at = tag + 1;
    }
    page->append("</script>\n");
}

} // namespace

std::string to_html(const Report &report) {
    const std::string_view built(flockstat_html_page, flockstat_html_page_end);
    const std::size_t data_at = built.find(place_of_data);
    std::string page(built.substr(0, data_at));
    append_data("report", report_object(report).dump(), &page);
    append_data("extras", extras_object(report).dump(), &page);
    return page.append(built.substr(data_at + place_of_data.size()));
}

} // namespace flockstat::reporter
