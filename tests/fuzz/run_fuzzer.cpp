// libFuzzer's target for recordings: read, folded and written in one of the formats. An input is a packed
// recording (packed_run.h). What a format may not hold ends the process, as a sanitizer's finding does.
#include "reporter/read/arena_image.h"
#include "tests/fuzz/damage.h"
#include "tests/support/every_format.h"
#include "tests/support/places.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

using namespace flockstat;

// A recording whose clock readings are damaged makes the reader measure the clock for some milliseconds.
extern "C" int nanosleep(const timespec * /*time*/, timespec * /*left*/) { return 0; }
extern "C" int clock_nanosleep(clockid_t /*clock*/, int /*flags*/, const timespec * /*time*/,
                               timespec * /*left*/) {
    return 0;
}

// Deep stacks of every allocation take a tenth of the time; two frames tell enough of a finding.
extern "C" const char *__asan_default_options() { return "malloc_context_size=2:quarantine_size_mb=16"; }

namespace {

std::size_t give(const fuzz::PackedRun &run, std::uint8_t *data, std::size_t max_size) {
    const std::vector<std::uint8_t> input = to_input(run);
    const std::size_t size = std::min(input.size(), max_size);
    std::memcpy(data, input.data(), size);
    return size;
}

/// Nothing, or what is wrong, and with which format.
std::string fault_in(const std::vector<std::byte> &arena, std::size_t number, unsigned variant) {
    if (number == test::formats.size()) {
        // The shim writes it of its own arena only: the identity is right.
        static const test::TempDirectory directory;
        return test::fault_in_bare_summary(arena, directory.path());
    }
    const test::Format &format = test::formats.at(number);
    try {
        const reporter::Run run = reporter::read_run(reporter::ArenaImage(arena, "fuzzed.flk"));
        const std::string fault = format.fault(run, variant);
        return fault.empty() ? fault : std::string(format.name) + ": " + fault;
    } catch (const reporter::ReadError &) {
        return {}; // refused by name
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const fuzz::PackedRun packed = fuzz::from_input({data, size});
    static std::vector<std::byte> arena; // made anew each time, it would take most of the time
    unpack(packed, &arena);
    const std::string fault = fault_in(arena, packed.format % fuzz::format_count, packed.variant);
    if (!fault.empty()) {
        std::fprintf(stderr, "%s\n", fault.c_str());
        std::abort();
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    fuzz::Random random(seed);
    fuzz::PackedRun run = fuzz::from_input({data, size});
    damage(run, random);
    return give(run, data, max_size);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t *data1, std::size_t size1,
                                                 const std::uint8_t *data2, std::size_t size2,
                                                 std::uint8_t *out, std::size_t max_out_size, unsigned seed) {
    fuzz::Random random(seed);
    fuzz::PackedRun run = fuzz::from_input({data1, size1});
    mix_in(run, fuzz::from_input({data2, size2}), random);
    return give(run, out, max_out_size);
}
