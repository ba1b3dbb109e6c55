// pack_run DIR FILE.flk.gz...: makes libFuzzer's inputs of recordings, one for each format, in DIR.
// pack_run -u INPUT FILE.flk: makes a recording of an input, as when the fuzzer found something.
#include "tests/fuzz/packed_run.h"
#include "tests/support/gzip_file.h"
#include "tests/support/places.h"

#include <cstdio>
#include <exception>
#include <string>

using namespace flockstat;

namespace {

std::string text_of(const auto &bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

void make_inputs(const std::filesystem::path &directory, const std::filesystem::path &recording,
                 unsigned variant) {
    fuzz::PackedRun run = fuzz::pack(test::read_recording(recording));
    run.variant = static_cast<std::uint8_t>(variant); // so that all are among those of many recordings
    for (std::size_t format = 0; format < fuzz::format_count; ++format) {
        run.format = static_cast<std::uint8_t>(format);
        const std::string name = recording.filename().string() + "." + std::to_string(format);
        test::write_file(directory / name, text_of(to_input(run)));
    }
}

void make_recording(const std::filesystem::path &input, const std::filesystem::path &recording) {
    const std::string text = test::read_file(input);
    const fuzz::PackedRun run =
        fuzz::from_input({reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    const std::size_t format = run.format % fuzz::format_count;
    const bool bare = format == test::formats.size();
    std::printf("%s, variant %d\n",
                bare ? "bare summary" : std::string(test::formats.at(format).name).c_str(), run.variant);
    std::vector<std::byte> arena;
    unpack(run, &arena);
    test::write_file(recording, text_of(arena));
}

} // namespace

int main(int argc, char **argv) {
    try {
        if (argc == 4 && std::string(argv[1]) == "-u") {
            make_recording(argv[2], argv[3]);
            return 0;
        }
        for (int i = 2; i < argc; ++i) {
            make_inputs(argv[1], argv[i], static_cast<unsigned>(i));
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "pack_run: %s\n", error.what());
        return 1;
    }
    return argc > 2 ? 0 : 2;
}
