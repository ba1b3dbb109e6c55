// What text that goes to a descriptor has to fit into.
#include "reporter/cli/progress.h"
#include "reporter/cli/terminal.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace flockstat;

namespace {

/// The width for what goes to no terminal, with COLUMNS set so.
std::size_t width_with(const char *columns) {
    const char *before = std::getenv("COLUMNS");
    const std::string kept = before != nullptr ? before : "";
    columns != nullptr ? setenv("COLUMNS", columns, 1) : unsetenv("COLUMNS");
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    reporter::TextOptions options;
    cli::fit_terminal(nowhere, &options);
    close(nowhere);
    before != nullptr ? setenv("COLUMNS", kept.c_str(), 1) : unsetenv("COLUMNS");
    CHECK_FALSE(options.color);
    return options.width;
}

} // namespace

TEST_CASE("where there is no terminal COLUMNS says how wide the text may be") {
    const std::size_t usual = reporter::TextOptions{}.width;
    CHECK(width_with(nullptr) == usual);
    CHECK(width_with("132") == 132);
    CHECK(width_with("100000") == 200);
    for (const char *useless : {"", "0", "7", "-80", "wide", "80x"}) {
        CHECK(width_with(useless) == usual);
    }
}

TEST_CASE("a progress bar is as full as things are done") {
    CHECK(cli::progress_bar(0, 100) == "[----------------------------] 0 of 100");
    CHECK(cli::progress_bar(25, 100) == "[#######---------------------] 25 of 100");
    CHECK(cli::progress_bar(100, 100) == "[############################] 100 of 100");
    CHECK(cli::progress_bar(7, 0) == "[----------------------------] 7 of 0");
}
