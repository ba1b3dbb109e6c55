#include "reporter/write/json_stream.h"

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
            {"text", "quote \" backslash \\ euro \xe2\x82\xac </script> del \x7f"}};
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
