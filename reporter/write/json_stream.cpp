#include "reporter/write/json_stream.h"

#include "reporter/record/utf8.h"
#include "reporter/write/printable.h"

#include <algorithm>
#include <array>

namespace flockstat::reporter {
namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10U;

/// By byte: is it the same in JSON, and in an HTML element? Looked at for each byte of a report.
constexpr std::array<bool, 256> stands_for_itself = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7f; ++c) {
        plain[c] = c != '"' && c != '\\' && c != '<';
    }
    return plain;
}();

} // namespace

void JsonStream::begin(char bracket) {
    next_element();
    buffer_ += bracket;
    ++depth_;
    empty_ = true;
}

void JsonStream::end(char bracket) {
    --depth_;
    if (!empty_) {
        new_line();
    }
    buffer_ += bracket;
    empty_ = false;
}

void JsonStream::key(std::string_view name) {
    next_element();
    quoted(name);
    buffer_ += layout_ == Layout::indented ? ": " : ":";
    after_key_ = true;
}

void JsonStream::value(std::string_view text) {
    next_element();
    quoted(text);
}

void JsonStream::value(const Json &json) {
    if (json.is_object()) {
        begin_object();
        for (const auto &[name, its_value] : json.items()) {
            member(name, its_value);
        }
        end_object();
    } else if (json.is_array()) {
        begin_array();
        for (const Json &element : json) {
            value(element);
        }
        end_array();
    } else if (json.is_string()) {
        value(json.get_ref<const std::string &>());
    } else {
        plain(json.dump());
    }
}

void JsonStream::finish() {
    sink_(buffer_);
    buffer_.clear();
}

void JsonStream::plain(std::string_view text) {
    next_element();
    buffer_ += text;
}

void JsonStream::next_element() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (buffer_.size() > piece_bytes) {
        finish();
    }
    if (!empty_) {
        buffer_ += ',';
    }
    empty_ = false;
    if (depth_ != 0) {
        new_line();
    }
}

void JsonStream::new_line() {
    if (layout_ == Layout::indented) {
        buffer_ += '\n';
        buffer_.append(depth_, ' ');
    }
}

void JsonStream::quoted(std::string_view text) {
    buffer_ += '"';
    if (std::ranges::all_of(text, [](char c) { return stands_for_itself[static_cast<unsigned char>(c)]; })) {
        buffer_ += text;
    } else {
        escaped(valid_utf8(text));
    }
    buffer_ += '"';
}

void JsonStream::escaped(std::string_view text) {
    while (!text.empty()) {
        const record::Character character = record::decode_utf8(text);
        const char first = text.front();
        if (first == '"' || first == '\\') {
            buffer_ += '\\';
            buffer_ += first;
        } else if (record::is_control(character.code) || (first == '<' && layout_ == Layout::in_html)) {
            fmt::format_to(std::back_inserter(buffer_), "\\u{:04x}", character.code);
        } else {
            buffer_ += text.substr(0, character.bytes);
        }
        text.remove_prefix(character.bytes);
    }
}

std::string json_text(const Json &json, JsonStream::Layout layout) {
    return text_of([&](const TextSink &sink) {
        JsonStream stream(sink, layout);
        stream.value(json);
        stream.finish();
    });
}

} // namespace flockstat::reporter
