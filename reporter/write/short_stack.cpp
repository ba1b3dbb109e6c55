#include "reporter/write/short_stack.h"

#include "reporter/symbolize/system_library.h"
#include "reporter/write/printable.h"
#include "reporter/write/python_names.h"
#include "reporter/write/short_function.h"
#include "reporter/write/short_path.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace flockstat::reporter {
namespace {

template<std::size_t Count>
bool starts_with_one_of(std::string_view name, const std::array<std::string_view, Count> &starts) {
    return std::ranges::any_of(starts, [&](std::string_view start) { return name.starts_with(start); });
}

bool is_plumbing(const SourceFrame &frame) { return is_system_library(frame.module); }

bool starts_programs(const SourceFrame &frame) {
    constexpr std::array<std::string_view, 8> functions{
        "_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone", "__clone",
        "clone3", "__clone3"};
    return is_plumbing(frame) || std::ranges::find(functions, frame.function) != functions.end();
}

/// Interpreters: their frames tell where the interpreter is, not where the program is.
bool is_interpreter(const SourceFrame &frame) {
    constexpr std::array<std::string_view, 11> modules{"python2", "python3", "libpython", "perl",
                                                       "libperl", "ruby",    "libruby",   "libjvm",
                                                       "php",     "libnode", "lua"};
    const std::string_view name = base_name(frame.module);
    return starts_with_one_of(name, modules) || name == "node" || name == "python";
}

bool folds_into(const SourceFrame &frame, const SourceFrame &outer) {
    if (frame.module != outer.module) {
        return false;
    }
    return is_interpreter(frame) || (frame.function.empty() && outer.function.empty());
}

/// Long names lose their outer namespaces first.
std::string limited(const std::string &name) {
    constexpr std::size_t most_columns = 48;
    std::string_view rest = name;
    while (display_width(rest) > most_columns) {
        const std::size_t inner = rest.find("::", 1);
        if (inner == std::string_view::npos) {
            return std::string(fit(rest, most_columns - 3)) + "...";
        }
        rest.remove_prefix(inner);
    }
    return rest.size() == name.size() ? name : "..." + std::string(rest);
}

std::string frame_text(const SourceFrame &frame, bool shows_module, bool unicode) {
    const std::string module = printable(base_name(frame.module), unicode);
    if (frame.function.empty() && frame.file.empty()) {
        return module.empty() ? fmt::format("{:#x}", frame.offset)
                              : fmt::format("{}+{:#x}", module, frame.offset);
    }
    std::string text =
        frame.function.empty() ? module : limited(printable(short_function(frame.function), unicode));
    if (!frame.file.empty()) {
        text += fmt::format(" ({}:{})", printable(base_name(frame.file), unicode), frame.line);
    } else if (shows_module && !module.empty()) {
        text += fmt::format(" [{}]", module);
    }
    return text;
}

/// The C library's function that calls main: what called it is the program's start, which has no name in a
/// stripped one.
bool calls_main(const SourceFrame &frame) {
    return is_plumbing(frame) && frame.function.starts_with("__libc_start_");
}

/// The frames between the C library's innermost and outermost ones; all of them where nothing else is there.
std::span<const SourceFrame> program_frames(std::span<const SourceFrame> frames) {
    std::size_t first = 0;
    while (first < frames.size() && is_plumbing(frames[first])) {
        ++first;
    }
    auto last =
        static_cast<std::size_t>(std::ranges::find_if(frames.subspan(first), calls_main) - frames.begin());
    while (last > first && starts_programs(frames[last - 1])) {
        --last;
    }
    return first == last ? frames : frames.subspan(first, last - first);
}

bool is_python(const SourceFrame &frame) { return frame.language == "python"; }

bool is_python_stack(std::span<const SourceFrame> frames) { return std::ranges::any_of(frames, is_python); }

/// A Python program's functions, as a traceback has them, with the native code that they called last; what
/// of the interpreter is on the stack says nothing.
std::vector<std::string> python_stack(std::span<const SourceFrame> frames, bool unicode) {
    std::vector<std::string> texts;
    for (const SourceFrame &frame : program_frames(frames)) {
        if (is_python(frame)) {
            if (!starts_python_threads(frame)) {
                texts.push_back(limited(printable(python_frame_name(frame), unicode)));
            }
        } else if (!is_interpreter(frame) && !base_name(frame.module).starts_with("fcntl.cpython-")) {
            texts.push_back(frame_text(frame, true, unicode));
        }
    }
    std::ranges::reverse(texts);
    return texts;
}

/// Where there is no room for all the outermost are left out: the program's own functions stand before those
/// that start it.
std::vector<std::string> python_lines(const std::vector<std::string> &texts, std::size_t columns,
                                      std::size_t lines) {
    std::vector<std::string> out;
    for (std::size_t left_out = 0; left_out < texts.size(); ++left_out) {
        out.assign(1, left_out == 0 ? "" : fmt::format("{} more >", left_out));
        for (std::size_t i = left_out; i < texts.size(); ++i) {
            const std::string piece = i + 1 == texts.size() ? texts[i] : texts[i] + " >";
            const std::size_t blank = out.back().empty() ? 0 : 1;
            if (blank == 0 || display_width(out.back()) + blank + display_width(piece) <= columns) {
                out.back() += (blank == 0 ? "" : " ") + piece;
            } else {
                out.push_back(piece);
            }
        }
        if (out.size() <= lines) {
            break;
        }
    }
    return out;
}

} // namespace

std::vector<std::string> short_stack(std::span<const SourceFrame> frames, bool unicode) {
    if (is_python_stack(frames)) {
        return python_stack(frames, unicode);
    }
    std::vector<std::string> texts;
    const SourceFrame *before = nullptr;
    for (const SourceFrame &frame : program_frames(frames)) {
        if (before == nullptr || !folds_into(*before, frame)) {
            // How an interpreter got to the call tells nothing more than that there is one; only its
            // innermost function does.
            texts.push_back(
                before != nullptr && is_interpreter(frame)
                    ? fmt::format("[{}]", printable(base_name(frame.module), unicode))
                    : frame_text(frame, before == nullptr || before->module != frame.module, unicode));
        }
        before = &frame;
    }
    return texts;
}

std::vector<std::string> stack_lines(std::span<const SourceFrame> frames, std::size_t columns,
                                     std::size_t lines, bool unicode) {
    constexpr std::size_t more_columns = 10; // " < 12 more"
    const std::vector<std::string> texts = short_stack(frames, unicode);
    if (is_python_stack(frames)) {
        return python_lines(texts, columns, lines);
    }
    std::vector<std::string> out;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const bool last_line = out.size() >= lines;
        const std::size_t reserved = last_line && i + 1 < texts.size() ? more_columns : 0;
        const std::string piece = i == 0 ? texts[i] : "< " + texts[i];
        if (!out.empty() && display_width(out.back()) + 1 + display_width(piece) + reserved <= columns) {
            out.back() += " " + piece;
        } else if (!last_line) {
            out.push_back(piece);
        } else {
            const std::string more = fmt::format("< {} more", texts.size() - i);
            if (display_width(out.back()) + 1 + more.size() <= columns) {
                out.back() += " " + more;
            } else {
                out.push_back(more); // one frame takes a whole line
            }
            break;
        }
    }
    return out;
}

} // namespace flockstat::reporter
