// The FLOCKSTAT_* variables, as the command and the preloaded object read them.
#include "reporter/record/settings.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace flockstat::record;

namespace {

struct Parsed {
    Settings settings;
    std::vector<std::string> complaints;
    unsigned count = 0;
};

Parsed parse(std::vector<const char *> environment) {
    environment.push_back(nullptr);
    Parsed result;
    result.count = parse_settings(environment.data(), &result.settings,
                                  [&](std::string_view line) { result.complaints.emplace_back(line); });
    return result;
}

} // namespace

TEST_CASE("an environment without our variables leaves the defaults") {
    const Parsed parsed = parse({"PATH=/bin", "FLOCKSTAT=1", "NOT_FLOCKSTAT_DIR=x", "FLOCKSTAT_STACKS"});
    CHECK(parsed.count == 0);
    CHECK(parsed.settings.stacks);
    CHECK(parsed.settings.probe);
    CHECK_FALSE(parsed.settings.all_users);
    CHECK(parsed.settings.arena_mib == default_arena_mib);
    CHECK(parsed.settings.directory.empty());
    Settings settings;
    CHECK(parse_settings(nullptr, &settings, [](std::string_view) {}) == 0);
}

TEST_CASE("every variable is read") {
    const Parsed parsed =
        parse({"FLOCKSTAT_DIR=out", "FLOCKSTAT_STACKS=off", "FLOCKSTAT_PROBE=0",
               "FLOCKSTAT_INCLUDE=*.lock:/var/*", "FLOCKSTAT_EXCLUDE=/tmp/*", "FLOCKSTAT_ARENA_DIR=/run",
               "FLOCKSTAT_ARENA_MIB=8", "FLOCKSTAT_ALL_USERS=on", "FLOCKSTAT_QUIET=1", "FLOCKSTAT_VERBOSE=1",
               "FLOCKSTAT_RUN=1,x", "FLOCKSTAT_WINDOW=10s", "FLOCKSTAT_HANDLERS=json=a;json=b"});
    CHECK(parsed.complaints.empty());
    CHECK(parsed.settings.directory == "out");
    CHECK_FALSE(parsed.settings.stacks);
    CHECK_FALSE(parsed.settings.probe);
    CHECK(parsed.settings.include == "*.lock:/var/*");
    CHECK(parsed.settings.exclude == "/tmp/*");
    CHECK(parsed.settings.arena_directory == "/run");
    CHECK(parsed.settings.arena_mib == 8);
    CHECK(parsed.settings.all_users);
    CHECK(parsed.settings.quiet);
    CHECK(parsed.settings.verbose);
    CHECK(parsed.settings.run == "1,x");
    CHECK(parsed.settings.window == "10s");
    CHECK(parsed.settings.handlers == "json=a;json=b");
}

TEST_CASE("the first of two equal names counts") {
    CHECK_FALSE(parse({"FLOCKSTAT_STACKS=off", "FLOCKSTAT_STACKS=on"}).settings.stacks);
}

TEST_CASE("a bad value is named together with what is allowed, and the default stays") {
    const Parsed flag = parse({"FLOCKSTAT_STACKS=maybe"});
    CHECK(flag.complaints == std::vector<std::string>{"FLOCKSTAT_STACKS=maybe: must be on or off"});
    CHECK(flag.count == 1);
    CHECK(flag.settings.stacks);
    for (const char *bad : {"FLOCKSTAT_ARENA_MIB=0", "FLOCKSTAT_ARENA_MIB=", "FLOCKSTAT_ARENA_MIB=12x",
                            "FLOCKSTAT_ARENA_MIB=99999999999999999999999", "FLOCKSTAT_ARENA_MIB=-1"}) {
        const Parsed number = parse({bad});
        REQUIRE(number.complaints.size() == 1);
        CHECK(number.complaints[0] == std::string(bad) + ": must be a number of MiB from 1 to 32768");
        CHECK(number.settings.arena_mib == default_arena_mib);
    }
    CHECK(parse({"FLOCKSTAT_ARENA_DIR=relative"}).complaints.at(0).find("absolute") != std::string::npos);
    CHECK(parse({("FLOCKSTAT_DIR=" + std::string(5000, 'x')).c_str()}).count == 1);
}

TEST_CASE("an unknown name is named together with the known ones") {
    const Parsed parsed = parse({"FLOCKSTAT_STAKCS=off"});
    REQUIRE(parsed.complaints.size() == 1);
    CHECK(parsed.complaints[0].find("FLOCKSTAT_STAKCS is not a variable") == 0);
    CHECK(parsed.complaints[0].find(" FLOCKSTAT_STACKS") != std::string::npos);
    CHECK(parsed.complaints[0].find("FLOCKSTAT_VERBOSE") != std::string::npos);
}

TEST_CASE("control characters of a value do not reach the terminal") {
    const Parsed parsed = parse({"FLOCKSTAT_PROBE=\x1b[31m\n"});
    REQUIRE(parsed.complaints.size() == 1);
    CHECK(parsed.complaints[0] == "FLOCKSTAT_PROBE=?[31m?: must be on or off");
}
