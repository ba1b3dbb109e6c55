#include "reporter/write/json_stream.h"
#include "tests/support/output_rules.h"

#include <catch2/catch.hpp>

using namespace flockstat::reporter;

namespace {

std::string streamed(const Json &json, JsonStream::Layout layout) {
    return text_of([&](const TextSink &sink) {
        JsonStream stream(sink, layout);
        stream.value(json);
        stream.finish();
    });
}

Json example() {
    return {{"empty", Json::array()},
            {"none", Json::object()},
            {"list", {1, -2, UINT64_MAX, INT64_MIN, true, nullptr, {{"a", Json::array({Json::array()})}}}},
            {"text", "quote \" backslash \\ euro \xe2\x82\xac </script>"}};
}

} // namespace

TEST_CASE("JSON is laid out as a well-known library lays it out", "[formats]") {
    CHECK(streamed(example(), JsonStream::Layout::indented) == example().dump(1));
    for (const Json &one : {Json(7), Json(nullptr), Json("x"), Json::array(), Json::object()}) {
        CHECK(streamed(one, JsonStream::Layout::indented) == one.dump(1));
    }
}

TEST_CASE("JSON for a page is one line that begins no tag", "[formats]") {
    const std::string line = streamed(example(), JsonStream::Layout::in_html);
    CHECK(line.find('<') == std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(Json::parse(line) == example());
}

TEST_CASE("bytes that are no UTF-8, and controls, come out as text", "[formats]") {
    const std::string text = text_of([](const TextSink &sink) {
        JsonStream json(sink, JsonStream::Layout::indented);
        json.begin_object();
        json.member("\n\xff", std::string("a\x01\xc3(\t"));
        json.member("maybe", std::optional<int>());
        json.end_object();
        json.finish();
    });
    CHECK(Json::parse(text) == Json{{"\n\\xff", "a\x01\\xc3(\t"}, {"maybe", nullptr}});
}

TEST_CASE("JSON holds no control character that a terminal obeys", "[formats]") {
    const Json named{{"\x1b[2J",
                      {"\x7f", "\xc2\x80\xc2\x9b"
                               "31m\xc2\xa0"}}};
    for (const auto layout : {JsonStream::Layout::indented, JsonStream::Layout::in_html}) {
        const std::string text = json_text(named, layout);
        CHECK(Json::parse(text) == named);
        CHECK(flockstat::test::fault_in_json(text).empty());
        CHECK(text.find("\\u007f") != std::string::npos);
        CHECK(text.find("\\u0080\\u009b31m\xc2\xa0") != std::string::npos);
    }
}

TEST_CASE("a long text is passed on in pieces", "[formats]") {
    std::size_t pieces = 0;
    std::string whole;
    const TextSink sink = [&](std::string_view piece) {
        ++pieces;
        whole += piece;
    };
    JsonStream json(sink, JsonStream::Layout::indented);
    json.begin_array();
    for (int i = 0; i < 100'000; ++i) {
        json.value(i);
    }
    json.end_array();
    json.finish();
    CHECK(pieces > 5);
    CHECK(Json::parse(whole).size() == 100'000);
}
