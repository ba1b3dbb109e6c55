/// JSON that is written as it is made.
#pragma once

#include "reporter/write/text_sink.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

using Json = nlohmann::ordered_json;

/// One JSON value, always valid UTF-8: bytes of a text that are none become \xHH. Control characters, those
/// from U+007F on that terminals obey too, are escaped. Laid out as nlohmann's dump(1) does, or, to stand in
/// an HTML element, in one line and without any '<'. The whole of it is never in memory.
class JsonStream {
public:
    enum class Layout { indented, in_html };

    /// `sink` outlives this.
    JsonStream(const TextSink &sink, Layout layout) : sink_(sink), layout_(layout) {}

    void begin_object() { begin('{'); }
    void end_object() { end('}'); }
    void begin_array() { begin('['); }
    void end_array() { end(']'); }

    /// Of the value that follows.
    void key(std::string_view name);

    void value(std::string_view text);
    void value(const std::string &text) { value(std::string_view(text)); }
    void value(const char *text) { value(std::string_view(text)); }
    void value(std::nullptr_t) { plain("null"); }
    void value(std::same_as<bool> auto yes) { plain(yes ? "true" : "false"); }
    template<std::integral Number>
    requires(!std::same_as<Number, bool>) void value(Number number) {
        const fmt::format_int text(number);
        plain({text.data(), text.size()});
    }
    void value(const Json &json);
    /// null where there is none.
    template<typename Value>
    void value(const std::optional<Value> &maybe) {
        maybe ? value(*maybe) : value(nullptr);
    }

    template<typename Value>
    void member(std::string_view name, const Value &its_value) {
        key(name);
        value(its_value);
    }

    /// Passes on what is left, after the last value.
    void finish();

private:
    void begin(char bracket);
    void end(char bracket);
    void next_element();
    void new_line();
    void plain(std::string_view text);
    void quoted(std::string_view text);
    void escaped(std::string_view text);

    const TextSink &sink_;
    Layout layout_;
    std::string buffer_;
    std::size_t depth_ = 0;
    bool empty_ = true;      ///< the innermost object or array, so far
    bool after_key_ = false; ///< the next value is a member's
};

/// The same of a value that is in memory.
[[nodiscard]] std::string json_text(const Json &json, JsonStream::Layout layout);

} // namespace flockstat::reporter
