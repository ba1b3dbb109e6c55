#include "reporter/analyze/merged_stacks.h"

#include "reporter/analyze/python_stack.h"

namespace flockstat::reporter {
namespace {

CodePlace place_of(const Run &run, const Stack &stack, const Frame &frame) {
    CodePlace place;
    place.offset = frame.offset;
    if (frame.python != no_index) {
        place.language = "python";
        place.function = run.python_functions[frame.python].name;
        place.file = run.python_functions[frame.python].file;
    } else if (frame.module != no_index) {
        place.module = run.modules[frame.module].path;
        place.build_id = run.modules[frame.module].build_id;
    } else if (stack.process != no_index) {
        place.pid = run.processes[stack.process].pid;
        place.not_before_ns = run.processes[stack.process].attached_at_ns;
    }
    return place;
}

} // namespace

void MergedStacks::add(const Run &run) {
    std::vector<std::uint32_t> &ids = ids_.emplace_back();
    PlacesInModules in_modules;
    for (const Stack &stack : run.stacks) {
        std::vector<std::uint32_t> whole = content(run, stack, stack.frames, &in_modules);
        const auto [found, added] =
            known_.try_emplace(content(run, stack, program_frames(run, stack), &in_modules),
                               static_cast<std::uint32_t>(stacks_.size()));
        if (added) {
            stacks_.push_back(std::move(whole));
        } else if (whole.size() < stacks_[found->second].size()) {
            stacks_[found->second] = std::move(whole);
        }
        ids.push_back(found->second);
    }
}

std::vector<std::uint32_t> MergedStacks::content(const Run &run, const Stack &stack,
                                                 std::span<const Frame> frames, PlacesInModules *in_modules) {
    std::vector<std::uint32_t> content;
    for (const Frame &frame : frames) {
        if (frame.module == no_index) {
            content.push_back(place_id(place_of(run, stack, frame)));
            continue;
        }
        const auto [place, added] = in_modules->try_emplace({frame.module, frame.offset}, 0);
        if (added) {
            place->second = place_id(place_of(run, stack, frame));
        }
        content.push_back(place->second);
    }
    return content;
}

std::uint32_t MergedStacks::place_id(CodePlace place) {
    const auto [found, added] =
        place_ids_.try_emplace(std::move(place), static_cast<std::uint32_t>(places_.size()));
    if (added) {
        places_.push_back(found->first);
    }
    return found->second;
}

std::uint32_t MergedStacks::id(std::size_t run, std::uint32_t stack) const {
    return stack == no_index ? 0 : ids_[run][stack];
}

std::vector<SourceFrame> MergedStacks::frames(std::uint32_t id, Symbolizer *symbolizer) const {
    std::vector<SourceFrame> frames;
    for (const std::uint32_t place_index : stacks_[id]) {
        const CodePlace &place = places_[place_index];
        if (!place.language.empty()) {
            frames.push_back(recorded_frame(place));
            continue;
        }
        if (symbolizer == nullptr) {
            frames.push_back({{}, {}, 0, place.module, place.offset, false, {}});
            continue;
        }
        const std::vector<SourceFrame> &found = symbolizer->frames(place);
        frames.insert(frames.end(), found.begin(), found.end());
    }
    return frames;
}

} // namespace flockstat::reporter
