// Location tables, as CPython's Objects/locations.md has them.
#include "shim/python_line.h"

#include <catch2/catch.hpp>

#include <vector>

using flockstat::shim::python_line;

namespace {

using Table = std::vector<std::uint8_t>;

std::uint32_t line_at(const Table &table, std::uint64_t instruction, std::uint32_t first_line = 10) {
    return python_line(first_line, table.size(), instruction, [&](std::uint64_t at, std::uint8_t *out) {
        *out = table.at(at);
        return true;
    });
}

/// The first byte of an entry: its form, for so many code units.
std::uint8_t head(unsigned form, unsigned units) {
    return static_cast<std::uint8_t>(0x80U | form << 3U | (units - 1));
}

} // namespace

TEST_CASE("each form of entry tells its line", "[python]") {
    CHECK(line_at({head(0, 1), 0x11}, 0) == 10); // one line, columns in one byte
    CHECK(line_at({head(9, 1), 0x11}, 0) == 10);
    CHECK(line_at({head(10, 1), 1, 2}, 0) == 10); // the same line, the next, the one after
    CHECK(line_at({head(11, 1), 1, 2}, 0) == 11);
    CHECK(line_at({head(12, 1), 1, 2}, 0) == 12);
    CHECK(line_at({head(13, 1), 3 << 1}, 0) == 13); // a difference
    CHECK(line_at({head(13, 1), 3 << 1 | 1}, 0) == 7);
    CHECK(line_at({head(14, 1), 2 << 1, 0, 1, 1}, 0) == 12); // with columns
    CHECK(line_at({head(15, 1)}, 0) == 0);                   // none
}

TEST_CASE("differences add up, over as many bytes as they need", "[python]") {
    // 1,000 = 0b1111101000, times two for the sign: six bits a byte, lowest first, 0x40: there are more.
    const Table table = {head(13, 1), 0x40 | (2000 & 63), 2000 >> 6, head(10, 1), 0,
                         0,           head(13, 1),        1 << 1 | 1};
    CHECK(line_at(table, 0) == 1010);
    CHECK(line_at(table, 2) == 1010);
    CHECK(line_at(table, 4) == 1009);
}

TEST_CASE("an entry is for all of its code units", "[python]") {
    const Table table = {head(11, 3), 0, 0, head(15, 8), head(11, 1), 0, 0};
    for (const std::uint64_t instruction : {0U, 2U, 4U}) {
        CHECK(line_at(table, instruction) == 11);
    }
    CHECK(line_at(table, 6) == 0);
    CHECK(line_at(table, 20) == 0);
    CHECK(line_at(table, 22) == 12);
    CHECK(line_at(table, 24) == 0); // behind the last
}

TEST_CASE("damaged tables have no line, and are not read beyond their end", "[python]") {
    CHECK(line_at({}, 0) == 0);
    CHECK(line_at({head(13, 1)}, 0) == 0);
    CHECK(line_at({head(13, 1), 0x7F}, 0) == 0);
    CHECK(line_at({head(13, 1), 50 << 1 | 1, 0}, 0, 10) == 0); // before the first line of the file
    CHECK(python_line(10, 2, 0, [](std::uint64_t, std::uint8_t *) { return false; }) == 0);
}
