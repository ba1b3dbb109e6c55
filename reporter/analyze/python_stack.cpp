#include "reporter/analyze/python_stack.h"

#include <algorithm>
#include <string_view>

namespace flockstat::reporter {
namespace {

bool is_python(const Frame &frame) { return frame.python != no_index; }

/// "/usr/bin/python3.11", "libpython3.12.so.1.0".
bool is_in_interpreter(const Run &run, const Frame &frame) {
    if (frame.module == no_index) {
        return false;
    }
    const std::string_view path = run.modules[frame.module].path;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return name.starts_with("python") || name.starts_with("libpython");
}

} // namespace

std::vector<Frame> program_frames(const Run &run, const Stack &stack) {
    const auto outermost = std::find_if(stack.frames.rbegin(), stack.frames.rend(), is_python).base();
    std::vector<Frame> frames;
    for (auto frame = stack.frames.begin(); frame != stack.frames.end(); ++frame) {
        const bool between = frame < outermost && frame != stack.frames.begin();
        if (!between || !is_in_interpreter(run, *frame)) {
            frames.push_back(*frame);
        }
    }
    return frames;
}

} // namespace flockstat::reporter
