// Which Python it was whose functions are not read.
#include "reporter/analyze/unread_python.h"

#include <catch2/catch.hpp>

using namespace flockstat;

namespace {

std::string version(std::uint32_t told, const std::vector<std::string> &modules) {
    reporter::Run run;
    run.unread_python = told;
    for (const std::string &path : modules) {
        run.modules.push_back({.path = path, .build_id = {}});
    }
    return reporter::unread_python(run);
}

} // namespace

TEST_CASE("the version of a Python that is not read is its own, or that of its file") {
    constexpr std::uint32_t not_told = 0x03000000;
    CHECK(version(0, {"/usr/bin/python3.10"}).empty());
    CHECK(version(0x030F00A1, {"/usr/bin/python3.10"}) == "3.15");
    CHECK(version(not_told, {"/lib/libc.so.6", "/usr/bin/python3.10"}) == "3.10");
    CHECK(version(not_told, {"/opt/lib/libpython3.6m.so.1.0"}) == "3.6");
    CHECK(version(not_told, {"/usr/bin/python2.7"}) == "2.7");
    CHECK(version(not_told, {"/usr/lib/python3.9/lib-dynload/fcntl.so", "/usr/bin/blender"}) ==
          "before 3.11");
    CHECK(version(not_told, {}) == "before 3.11");
}
