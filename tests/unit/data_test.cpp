// The recordings in tests/data: those of this version go through every format, others are refused by name.
#include "reporter/read/arena_image.h"
#include "tests/support/every_format.h"
#include "tests/support/gzip_file.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

using namespace flockstat;
using namespace flockstat::test;
using reporter::ArenaImage;
using reporter::Run;

namespace {

/// `variants`: at most so many of each format.
void check_every_format(const std::vector<std::byte> &recording, unsigned variants) {
    const Run run = read_run(ArenaImage(recording, "recording"));
    for (const Format &format : formats) {
        for (unsigned variant = 0; variant < std::min(variants, format.variants); ++variant) {
            INFO(format.name << ", variant " << variant);
            CHECK(format.fault(run, variant) == "");
        }
    }
    const TempDirectory directory;
    CHECK(fault_in_bare_summary(recording, directory.path()) == "");
}

} // namespace

TEST_CASE("recordings of test programs go through every format", "[data]") {
    for (const std::filesystem::path &file : test_data("runs")) {
        INFO(file << " (where the version is another one now: scripts/record-test-data)");
        const std::vector<std::byte> recording = read_recording(file);
        const Run run = read_run(ArenaImage(recording, file));
        CHECK(run.damaged == 0);
        CHECK_FALSE(run.processes.empty());
        CHECK((!run.leaves.empty() || !run.wait_counters.empty()));
        check_every_format(recording, 8);
    }
}

TEST_CASE("recordings that broke a reader once go through every format, or are refused", "[data]") {
    for (const std::filesystem::path &file : test_data("damaged")) {
        INFO(file);
        std::vector<std::byte> bytes = read_recording(file);
        REQUIRE(bytes.size() >= sizeof(record::Header));
        // Whatever version it was found in: its damage is not to go unread for that.
        auto &header = *reinterpret_cast<record::Header *>(bytes.data());
        std::memcpy(header.magic, record::arena_magic, sizeof header.magic);
        header.version = record::arena_version;
        header.header_bytes = sizeof header;
        header.arena_bytes = bytes.size();
        check_every_format(bytes, 1);
    }
}

TEST_CASE("a recording of another version is refused by name, one of this version is read", "[data]") {
    bool has_this_version = false;
    for (const std::filesystem::path &file : test_data("versions")) {
        INFO(file);
        const std::string version = file.stem().stem(); // N.flk.gz
        std::string refused;
        try {
            static_cast<void>(read_run(ArenaImage(read_recording(file), file)));
        } catch (const reporter::ReadError &error) {
            refused = error.what();
        }
        if (version == std::to_string(record::arena_version)) {
            has_this_version = true;
            CHECK(refused.empty());
        } else {
            CHECK_THAT(refused, Catch::Contains(fmt::format(
                                    "recorded by another version of flockstat (format {}, this one reads {})",
                                    version, record::arena_version)));
        }
    }
    CHECK(has_this_version);
}
