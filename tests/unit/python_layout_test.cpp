// Where interpreters say that they keep things.
#include "shim/python_layout.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <vector>

using namespace flockstat::shim;

namespace {

constexpr std::uint32_t version_3_14 = 0x030E00F0;

/// _Py_DebugOffsets of CPython 3.14 (Include/internal/pycore_debug_offsets.h), its parts in order.
std::vector<std::uint64_t> published_by_3_14() {
    std::uint64_t cookie = 0;
    std::memcpy(&cookie, "xdebugpy", sizeof cookie);
    std::vector<std::uint64_t> words = {cookie, version_3_14, 0};
    const auto part = [&](const std::vector<std::uint64_t> &members) {
        words.insert(words.end(), members.begin(), members.end());
    };
    part({390'000, 696, 728});                                                            // runtime state
    part({350'000, 0, 8, 7'000, 7'100, 7'200, 7'300, 7'400, 7'500, 1, 2, 0, 3, 4, 5, 0}); // interpreter
    part({800, 0, 8, 16, 72, 152, 160, 200, 32});                                         // thread
    part({88, 8, 0, 56, 80, 74, 64, 0});                                                  // frame
    part({216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0});                             // code
    return words;
}

} // namespace

TEST_CASE("the layouts of 3.11 and 3.12 are known, others are not", "[python]") {
    PythonLayout layout;
    REQUIRE(tabled_python_layout(0x030B02F0, &layout));
    CHECK(layout.version == 0x030B02F0);
    CHECK(layout.marks_entry());
    REQUIRE(tabled_python_layout(0x030C01F0, &layout));
    CHECK_FALSE(layout.marks_entry());
    CHECK(layout.has_usual_frames);
    for (const std::uint32_t version :
         {0U, 0x02070000U, 0x030A0DF0U, 0x030D00F0U, 0x030F00A1U, 0x040B0000U}) {
        CHECK_FALSE(tabled_python_layout(version, &layout));
    }
}

TEST_CASE("what 3.14 publishes is its layout", "[python]") {
    const std::vector<std::uint64_t> words = published_by_3_14();
    REQUIRE(words.size() >= published_python_words);
    PythonLayout layout;
    REQUIRE(published_python_layout(words.data(), version_3_14, &layout));
    CHECK(layout.runtime_finalizing == 696);
    CHECK(layout.thread_interpreter == 16);
    CHECK(layout.thread_current_frame == 72);
    CHECK(layout.thread_ident == 152);
    CHECK_FALSE(layout.has_c_frames);
    CHECK(layout.frame_previous == 8);
    CHECK(layout.frame_code == 0);
    CHECK(layout.frame_instruction == 56);
    CHECK(layout.frame_kind == 74);
    CHECK(layout.code_file == 112);
    CHECK(layout.code_qualified_name == 128);
    CHECK(layout.code_line_table == 136);
    CHECK(layout.code_first_line == 68);
    CHECK(layout.code_instructions == 208);
    CHECK(layout.has_usual_frames);
}

/// As _PyRuntime of a 3.13.0 on x86-64 begins.
TEST_CASE("what 3.13 publishes is its layout", "[python]") {
    constexpr std::uint32_t version = 0x030D00F0;
    std::uint64_t words[published_python_words] = {0x7970677562656478,
                                                   0x30d00f0,
                                                   0,
                                                   283320,
                                                   608,
                                                   632,
                                                   194968,
                                                   7272,
                                                   7264,
                                                   7344,
                                                   7400,
                                                   7656,
                                                   7640,
                                                   7648,
                                                   16,
                                                   7752,
                                                   0,
                                                   7768,
                                                   7760,
                                                   304,
                                                   0,
                                                   8,
                                                   16,
                                                   72,
                                                   152,
                                                   160,
                                                   232,
                                                   32,
                                                   80,
                                                   8,
                                                   0,
                                                   56,
                                                   72,
                                                   70,
                                                   208,
                                                   112,
                                                   120,
                                                   128,
                                                   136,
                                                   68,
                                                   52,
                                                   96,
                                                   104,
                                                   200,
                                                   16,
                                                   8,
                                                   416,
                                                   24,
                                                   88};
    PythonLayout layout;
    REQUIRE(published_python_layout(words, version, &layout));
    CHECK(layout.thread_current_frame == 72);
    CHECK(layout.frame_kind == 70);
    CHECK(layout.code_first_line == 68);
    CHECK(layout.has_usual_frames);
    CHECK_FALSE(published_python_layout(words, version_3_14, &layout)); // says another version itself
}

TEST_CASE("what cannot be a layout is none", "[python]") {
    std::vector<std::uint64_t> words = published_by_3_14();
    SECTION("another cookie") { words[0] ^= 1U; }
    SECTION("another version") { words[1] = 0x030E01F0; }
    SECTION("without the global interpreter lock") { words[2] = 1; }
    SECTION("an offset that is none") { words[40] = UINT64_MAX; }
    SECTION("an offset beyond any structure") { words[32] = 100'000; }
    SECTION("a pointer that is not aligned") { words[26] = 73; }
    PythonLayout layout;
    CHECK_FALSE(published_python_layout(words.data(), version_3_14, &layout));
}
