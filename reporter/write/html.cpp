#include "reporter/write/html.h"

#include "reporter/write/html_extras.h"
#include "reporter/write/json_parts.h"

#include <fmt/format.h>
#include <string_view>

// The built page, put into the command by html_page.S.
extern "C" const char flockstat_html_page[];
extern "C" const char flockstat_html_page_end[];

namespace flockstat::reporter {
namespace {

/// Where the data goes: the page holds it once.
constexpr std::string_view place_of_data = "<!--flockstat-data-->";

/// An element that holds what `put_data` writes.
template<typename PutData>
void write_data(std::string_view id, const TextSink &sink, PutData put_data) {
    sink(fmt::format("<script type=\"application/json\" id=\"{}\">", id));
    JsonStream json(sink, JsonStream::Layout::in_html);
    put_data(json);
    json.finish();
    sink("</script>\n");
}

} // namespace

void write_html(const Report &report, const TextSink &sink) {
    const std::string_view built(flockstat_html_page, flockstat_html_page_end);
    const std::size_t data_at = built.find(place_of_data);
    sink(built.substr(0, data_at));
    write_data("report", sink, [&](JsonStream &json) { put(json, report); });
    write_data("extras", sink, [&](JsonStream &json) { put_extras(json, report); });
    sink(built.substr(data_at + place_of_data.size()));
}

} // namespace flockstat::reporter
