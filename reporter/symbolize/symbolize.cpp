#include "reporter/symbolize/symbolize.h"

#include "reporter/symbolize/elf_module.h"
#include "reporter/symbolize/perf_map.h"
#include "reporter/symbolize/system_library.h"

#include <chrono>
#include <map>
#include <utility>

namespace flockstat::reporter {
namespace {

/// Says how far it is, but not before a second has passed.
class ProgressClock {
public:
    ProgressClock(const Symbolizer::Progress &progress, std::size_t total)
        : progress_(progress), total_(total) {}

    void at(std::size_t done) {
        const auto now = std::chrono::steady_clock::now();
        const bool last = done == total_ && said_;
        if (progress_ && (last || now >= next_)) {
            progress_(done, total_);
            said_ = true;
            next_ = now + std::chrono::milliseconds(100);
        }
    }

private:
    const Symbolizer::Progress &progress_;
    std::size_t total_;
    bool said_ = false;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

} // namespace

struct Symbolizer::State {
    Progress progress;
    Detail detail = Detail::lines;
    std::map<std::pair<std::string, std::string>, ElfModule> modules; ///< by path and build id
    std::map<std::pair<std::int32_t, std::int64_t>, PerfMap> perf_maps;
    std::map<CodePlace, std::vector<SourceFrame>> known;

    std::vector<SourceFrame> look_up(const CodePlace &place);
    std::vector<SourceFrame> in_jit_code(const CodePlace &place);
    std::vector<SourceFrame> in_module(const CodePlace &place);
};

/// What the recording says itself.
SourceFrame recorded_frame(const CodePlace &place) {
    SourceFrame frame;
    frame.function = place.function;
    frame.file = place.file;
    frame.line = static_cast<std::uint32_t>(place.offset);
    frame.language = place.language;
    return frame;
}

std::vector<SourceFrame> Symbolizer::State::in_module(const CodePlace &place) {
    const auto module =
        modules.try_emplace({place.module, place.build_id}, place.module, place.build_id).first;
    if (place.offset == 0) {
        return {};
    }
    // The call stands one byte back at the latest: its return address may already be that of the next line,
    // or function.
    const std::uint64_t call = place.offset - 1;
    if (detail == Detail::program_lines && is_system_library(place.module)) {
        SourceFrame frame;
        frame.function = module->second.symbol_at(call);
        return {frame};
    }
    return module->second.functions_at(call);
}

std::vector<SourceFrame> Symbolizer::State::in_jit_code(const CodePlace &place) {
    if (place.pid <= 0) {
        return {};
    }
    auto map = perf_maps.find({place.pid, place.not_before_ns});
    if (map == perf_maps.end()) {
        PerfMap read("/tmp/perf-" + std::to_string(place.pid) + ".map", place.not_before_ns);
        map = perf_maps.emplace(std::pair(place.pid, place.not_before_ns), std::move(read)).first;
    }
    SourceFrame frame;
    frame.function = place.offset == 0 ? std::string() : map->second.name_at(place.offset - 1);
    return {frame};
}

std::vector<SourceFrame> Symbolizer::State::look_up(const CodePlace &place) {
    if (!place.language.empty()) {
        return {recorded_frame(place)};
    }
    std::vector<SourceFrame> frames = place.module.empty() ? in_jit_code(place) : in_module(place);
    if (frames.empty()) {
        frames.emplace_back();
    }
    for (SourceFrame &frame : frames) {
        frame.module = place.module;
        frame.offset = place.offset;
    }
    return frames;
}

Symbolizer::Symbolizer(Progress progress, Detail detail) : state_(std::make_unique<State>()) {
    state_->progress = std::move(progress);
    state_->detail = detail;
}

Symbolizer::~Symbolizer() = default;

void Symbolizer::look_up(std::span<const CodePlace> places) {
    ProgressClock clock(state_->progress, places.size());
    std::size_t done = 0;
    for (const CodePlace &place : places) {
        static_cast<void>(frames(place));
        clock.at(++done);
    }
}

const std::vector<SourceFrame> &Symbolizer::frames(const CodePlace &place) {
    auto found = state_->known.find(place);
    if (found == state_->known.end()) {
        found = state_->known.emplace(place, state_->look_up(place)).first;
    }
    return found->second;
}

} // namespace flockstat::reporter
