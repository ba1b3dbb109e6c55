#include "reporter/write/frame_name.h"

#include "reporter/write/printable.h"
#include "reporter/write/python_names.h"
#include "reporter/write/short_path.h"

#include <fmt/format.h>

namespace flockstat::reporter {

std::string frame_name(const SourceFrame &frame) {
    if (!frame.function.empty()) {
        return printable(frame.function, true);
    }
    return frame.module.empty()
               ? fmt::format("{:#x}", frame.offset)
               : fmt::format("{}+{:#x}", printable(base_name(frame.module), true), frame.offset);
}

std::string folded_name(std::string_view name) {
    std::string folded;
    for (const char c : printable(name, true)) {
        folded += c == ';' ? "\\x3b" : std::string(1, c);
    }
    return folded;
}

namespace {

std::string name_and_place(const SourceFrame &frame) {
    const std::string name = frame_name(frame);
    return frame.language == "python" ? fmt::format("{} ({})", name, python_place(frame)) : name;
}

} // namespace

std::string folded_stack(std::span<const SourceFrame> frames) {
    if (frames.empty()) {
        return no_stack_name;
    }
    std::string stack;
    while (!frames.empty()) {
        stack += (stack.empty() ? "" : ";") + folded_name(name_and_place(frames.back()));
        frames = frames.first(frames.size() - 1);
    }
    return stack;
}

std::string command_line(const std::vector<std::string> &command) {
    std::string line;
    for (const std::string &word : command) {
        line += (line.empty() ? "" : " ") + printable(word, true);
    }
    return line;
}

} // namespace flockstat::reporter
