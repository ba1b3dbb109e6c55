#include "tests/support/output_rules.h"

#include "tests/support/gzip_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <fmt/format.h>
#include <iconv.h>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <stdexcept>
#include <vector>

namespace flockstat::test {
namespace {

/// libc's decoder of UTF-8.
class Decoder {
public:
    Decoder() : converter_(::iconv_open("UTF-32LE", "UTF-8")) {}
    ~Decoder() { ::iconv_close(converter_); }
    Decoder(const Decoder &) = delete;
    Decoder &operator=(const Decoder &) = delete;

    /// The characters; false where the text is no UTF-8.
    [[nodiscard]] bool decode(std::string_view text, std::u32string *out) {
        out->resize(text.size());
        char *from = const_cast<char *>(text.data());
        std::size_t left = text.size();
        char *to = reinterpret_cast<char *>(out->data());
        std::size_t room = out->size() * sizeof(char32_t);
        ::iconv(converter_, nullptr, nullptr, nullptr, nullptr);
        if (::iconv(converter_, &from, &left, &to, &room) != 0) {
            return false;
        }
        out->resize(out->size() - room / sizeof(char32_t));
        return true;
    }

private:
    iconv_t converter_;
};

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

bool turns_direction(char32_t c) {
    return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string fault_in_characters(std::string_view text, bool directions) {
    static Decoder decoder;
    static std::u32string characters;
    if (!decoder.decode(text, &characters)) {
        return "no UTF-8";
    }
    for (const char32_t c : characters) {
        if ((is_control(c) && c != '\n') || (directions && turns_direction(c))) {
            return fmt::format("character {:x}", static_cast<std::uint32_t>(c));
        }
    }
    return {};
}

/// The number of cells in a row; nothing where a quote is out of place.
std::size_t cells_in(std::string_view row) {
    std::size_t cells = 1;
    bool inside = false;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] == '"' && inside && i + 1 < row.size() && row[i + 1] == '"') {
            ++i;
        } else if (row[i] == '"') {
            const bool at_edge =
                inside ? i + 1 == row.size() || row[i + 1] == ',' : i == 0 || row[i - 1] == ',';
            if (!at_edge) {
                return 0;
            }
            inside = !inside;
        } else if (row[i] == ',' && !inside) {
            ++cells;
        }
    }
    return inside ? 0 : cells;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
           std::ranges::all_of(text, [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
           });
}

bool is_number(std::string_view text) {
    if (text == "+Inf" || text == "-Inf" || text == "NaN") {
        return true;
    }
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return std::string_view("0123456789.+-e").find(c) != std::string_view::npos;
    });
}

/// Takes `name="value",...}` off the front.
bool take_labels(std::string_view &text) {
    while (true) {
        const std::size_t equals = text.find("=\"");
        if (equals == std::string_view::npos || !is_name(text.substr(0, equals))) {
            return false;
        }
        text.remove_prefix(equals + 2);
        for (; !text.empty() && text.front() != '"'; text.remove_prefix(1)) {
            if (text.front() == '\\') {
                text.remove_prefix(1);
                if (text.empty() || std::string_view("\\\"n").find(text.front()) == std::string_view::npos) {
                    return false;
                }
            }
        }
        if (text.size() < 2 || (text[1] != ',' && text[1] != '}')) {
            return false;
        }
        const bool last = text[1] == '}';
        text.remove_prefix(2);
        if (last) {
            return true;
        }
    }
}

bool is_sample(std::string_view line) {
    const std::size_t name_end = line.find_first_of("{ ");
    if (name_end == std::string_view::npos || !is_name(line.substr(0, name_end))) {
        return false;
    }
    const bool has_labels = line[name_end] == '{';
    line.remove_prefix(name_end + (has_labels ? 1 : 0));
    return (!has_labels || take_labels(line)) && line.starts_with(' ') && is_number(line.substr(1));
}

bool is_metadata(std::string_view line) {
    return line.starts_with("# TYPE ") || line.starts_with("# UNIT ") || line.starts_with("# HELP ");
}

/// What a profile.proto (github.com/google/pprof) refers to, and what there is.
struct ProfileParts {
    std::vector<std::string> strings;
    std::set<std::uint64_t> wanted_strings, locations, wanted_locations, functions, wanted_functions,
        mappings, wanted_mappings;
};

using Reader = protozero::pbf_reader;

void read_strings_at(Reader message, std::initializer_list<std::uint32_t> fields, ProfileParts *parts) {
    while (message.next()) {
        if (std::ranges::find(fields, message.tag()) != fields.end()) {
            parts->wanted_strings.insert(static_cast<std::uint64_t>(message.get_int64()));
        } else {
            message.skip();
        }
    }
}

void read_sample(Reader sample, ProfileParts *parts) {
    while (sample.next()) {
        if (sample.tag() == 1) {
            const auto ids = sample.get_packed_uint64();
            parts->wanted_locations.insert(ids.begin(), ids.end());
        } else if (sample.tag() == 3) {
            read_strings_at(sample.get_message(), {1, 2, 4}, parts);
        } else {
            sample.skip();
        }
    }
}

void read_location(Reader location, ProfileParts *parts) {
    while (location.next()) {
        if (location.tag() == 1) {
            parts->locations.insert(location.get_uint64());
        } else if (location.tag() == 2) {
            parts->wanted_mappings.insert(location.get_uint64());
        } else if (location.tag() == 4) {
            Reader line = location.get_message();
            while (line.next()) {
                if (line.tag() == 1) {
                    parts->wanted_functions.insert(line.get_uint64());
                } else {
                    line.skip();
                }
            }
        } else {
            location.skip();
        }
    }
}

std::uint64_t id_of(Reader message) {
    while (message.next()) {
        if (message.tag() == 1) {
            return message.get_uint64();
        }
        message.skip();
    }
    return 0;
}

ProfileParts read_profile(const std::string &bytes) {
    ProfileParts parts;
    for (Reader profile(bytes); profile.next();) {
        switch (profile.tag()) {
        case 1: read_strings_at(profile.get_message(), {1, 2}, &parts); break;
        case 2: read_sample(profile.get_message(), &parts); break;
        case 3: {
            const auto mapping = profile.get_view();
            parts.mappings.insert(id_of(Reader(mapping)));
            read_strings_at(Reader(mapping), {5, 6}, &parts);
            break;
        }
        case 4: read_location(profile.get_message(), &parts); break;
        case 5: {
            const auto function = profile.get_view();
            parts.functions.insert(id_of(Reader(function)));
            read_strings_at(Reader(function), {2, 3, 4}, &parts);
            break;
        }
        case 6: parts.strings.push_back(profile.get_string()); break;
        default: profile.skip();
        }
    }
    return parts;
}

bool holds_all(const std::set<std::uint64_t> &there, std::set<std::uint64_t> wanted) {
    wanted.erase(0); // none
    return std::ranges::includes(there, wanted);
}

} // namespace

std::string fault_in_text(std::string_view text, bool ascii) {
    if (ascii && std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return "not ASCII";
    }
    return fault_in_characters(text, true);
}

std::string fault_in_json(std::string_view text) {
    if (!nlohmann::json::accept(text)) {
        return "no JSON";
    }
    return fault_in_characters(text, false);
}

std::string fault_in_csv(std::string_view text) {
    if (std::string fault = fault_in_characters(text, true); !fault.empty()) {
        return fault;
    }
    const std::vector<std::string_view> rows = lines_of(text);
    for (const std::string_view row : rows) {
        if (cells_in(row) == 0 || cells_in(row) != cells_in(rows.front())) {
            return fmt::format("row {}", row);
        }
    }
    return {};
}

std::string fault_in_folded(std::string_view text) {
    for (const std::string_view line : lines_of(text)) {
        const std::size_t blank = line.rfind(' ');
        if (blank == std::string_view::npos || blank == 0 || !is_number(line.substr(blank + 1))) {
            return fmt::format("line {}", line);
        }
    }
    return fault_in_characters(text, true);
}

std::string fault_in_metrics(std::string_view text) {
    static Decoder decoder;
    std::u32string characters;
    if (!decoder.decode(text, &characters)) {
        return "no UTF-8";
    }
    const std::vector<std::string_view> lines = lines_of(text);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        if (!is_metadata(lines[i]) && !is_sample(lines[i])) {
            return fmt::format("line {}", lines[i]);
        }
    }
    return !lines.empty() && lines.back() == "# EOF" && text.ends_with('\n') ? std::string() : "no end";
}

std::string fault_in_page(std::string_view text) {
    constexpr std::string_view opening = "<script type=\"application/json\" id=\"";
    constexpr std::string_view closing = "</script>";
    std::size_t at = 0;
    for (int element = 0; element < 2; ++element) {
        at = text.find(opening, at);
        const std::size_t start = at == std::string_view::npos ? at : text.find('>', at);
        at = start == std::string_view::npos ? start : text.find(closing, start);
        if (at == std::string_view::npos) {
            return "no element of data";
        }
        const std::string_view data = text.substr(start + 1, at - start - 1);
        if (data.find('<') != std::string_view::npos) {
            return "markup in data";
        }
        if (std::string fault = fault_in_json(data); !fault.empty()) {
            return fault;
        }
    }
    return {};
}

std::string fault_in_profile(std::string_view gzip) {
    ProfileParts parts;
    try {
        parts = read_profile(gunzip(gzip));
    } catch (const std::exception &error) {
        return error.what();
    }
    for (const std::string &text : parts.strings) {
        if (std::string fault = fault_in_text(text, false); !fault.empty()) {
            return fault;
        }
    }
    if (parts.strings.empty() || !parts.strings.front().empty()) {
        return "the first string is not empty";
    }
    if (!parts.wanted_strings.empty() && *parts.wanted_strings.rbegin() >= parts.strings.size()) {
        return "a string that is not there";
    }
    const bool whole = holds_all(parts.locations, parts.wanted_locations) &&
                       holds_all(parts.functions, parts.wanted_functions) &&
                       holds_all(parts.mappings, parts.wanted_mappings);
    return whole ? std::string() : "a reference that leads nowhere";
}

} // namespace flockstat::test
