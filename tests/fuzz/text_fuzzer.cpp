// libFuzzer's target for text that the commands read: what stands beside recordings, what the kernel and
// other programs write, what the user types. An input's first byte says which text it is.
#include "reporter/analyze/analysis.h"
#include "reporter/analyze/rules.h"
#include "reporter/cli/options.h"
#include "reporter/read/kernel_locks.h"
#include "reporter/read/window_log.h"
#include "reporter/record/run_identity.h"
#include "reporter/record/settings.h"
#include "reporter/symbolize/function_name.h"
#include "reporter/symbolize/perf_map.h"
#include "reporter/write/check_text.h"
#include "reporter/write/frame_name.h"
#include "reporter/write/short_stack.h"
#include "tests/support/every_format.h"
#include "tests/support/output_rules.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace flockstat;

namespace {

void require(std::string_view what, const std::string &fault) {
    if (!fault.empty()) {
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), fault.c_str());
        std::abort();
    }
}

/// A file in memory that holds a text.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view text) : descriptor_(::memfd_create("fuzzed", MFD_CLOEXEC)) {
        if (descriptor_ < 0 || ::write(descriptor_, text.data(), text.size()) < 0) {
            std::perror("memfd");
            std::abort();
        }
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile &) = delete;
    MemoryFile &operator=(const MemoryFile &) = delete;
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_;
};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

void read_window_log(std::string_view text) {
    const MemoryFile file(text);
    reporter::Run run;
    run.windows = reporter::read_windows(file.path());
    for (const test::Format &format : test::formats) {
        require(format.name, format.fault(run, 0));
    }
}

void read_kernel_locks(std::string_view text) {
    const reporter::KernelLocks locks = reporter::parse_kernel_locks(text);
    for (const reporter::KernelLock &held : locks.held) {
        for (const reporter::KernelLock &wanted : locks.wanted) {
            static_cast<void>(is_in_the_way(held, wanted));
        }
    }
}

void read_perf_map(std::string_view text) {
    const MemoryFile file(text);
    const reporter::PerfMap map(file.path(), 0);
    for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1000}, UINT64_MAX}) {
        reporter::SourceFrame frame;
        frame.function = map.name_at(address);
        require("perf map", test::fault_in_text(frame_name(frame), false));
    }
}

void read_rules(std::string_view text) {
    std::vector<reporter::Rule> rules;
    for (const std::string &word : words_of(text)) {
        const auto rule = reporter::parse_rule(word);
        if (const auto *good = std::get_if<reporter::Rule>(&rule)) {
            rules.push_back(*good);
        }
    }
    reporter::Report report;
    report.groups.resize(1);
    report.groups[0].sum.path = "/srv/a.db";
    report.groups[0].sum.attempts = report.groups[0].sum.granted = report.groups[0].sum.acquisitions = 2;
    report.groups[0].sum.contended = 1;
    report.groups[0].sum.wait = {1, 500, 500, 500, 500, 500, 500, 500, 500};
    require("check", test::fault_in_text(check_text(report, rules, broken_rules(report, rules)), true));
    for (const reporter::Rule &rule : rules) {
        static_cast<void>(concerns_a_lock(rule, report));
    }
}

void read_settings(std::string_view text) {
    std::vector<std::string> entries = words_of(text);
    std::vector<const char *> environment;
    for (const std::string &entry : entries) {
        environment.push_back(entry.c_str());
    }
    environment.push_back(nullptr);
    record::Settings settings;
    parse_settings(environment.data(), &settings, [](std::string_view complaint) {
        for (const char c : complaint) {
            require("complaint", c >= 0 && c < 0x20 ? "control character" : std::string());
        }
    });
    record::RunIdentity identity;
    const std::string run(settings.run);
    if (record::read_run_identity(run, &identity)) {
        char written[record::max_identity_bytes];
        record::RunIdentity again;
        const bool same = record::write_run_identity(identity, written) &&
                          record::read_run_identity(written, &again) && again.run_id == identity.run_id &&
                          again.arena_directory == identity.arena_directory &&
                          again.directory == identity.directory;
        require("identity", same ? std::string() : "is written otherwise");
    }
}

void read_function_names(std::string_view text) {
    std::vector<reporter::SourceFrame> frames;
    for (const std::string &word : words_of(text)) {
        reporter::SourceFrame frame;
        frame.function = reporter::function_name(word);
        frame.file = word;
        frame.line = 7;
        frame.module = "/lib/" + word;
        frame.language = word.size() % 4 == 0 ? "python" : "";
        frames.push_back(frame);
    }
    for (const std::string &line : stack_lines(frames, 60, 3, true)) {
        require("stack", test::fault_in_text(line, false));
    }
    require("folded", test::fault_in_text(reporter::folded_stack(frames), false));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char *>(data) + 1, size - 1);
    switch (data[0]) {
    case 'w': read_window_log(text); break;
    case 'k': read_kernel_locks(text); break;
    case 'p': read_perf_map(text); break;
    case 'r': read_rules(text); break;
    case 's': read_settings(text); break;
    case 'f': read_function_names(text); break;
    case 'c': static_cast<void>(cli::read_command_line(words_of(text))); break;
    default: return -1; // not kept
    }
    return 0;
}
