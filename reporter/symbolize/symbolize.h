/// Module + offset -> function, file and line, offline, with elfutils.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// One frame as a person reads it. What is not known is empty or 0.
struct SourceFrame {
    std::string function; ///< demangled, in full
    std::string file = {};
    std::uint32_t line = 0;
    std::string module;        ///< path of the ELF file; empty for JIT code
    std::uint64_t offset = 0;  ///< return address: in the module, or absolute
    bool inlined = false;      ///< its code stands in the frame that follows
    std::string language = {}; ///< "python" for a function of a Python program, which is in no module

    bool operator==(const SourceFrame &) const = default;
};

/// What to look up: a return address, or a line of a function that the recording has the name of.
struct CodePlace {
    std::string module; ///< path; empty: JIT code of `pid`
    std::string build_id;
    std::uint64_t offset = 0;
    std::int32_t pid = 0; ///< of JIT code: whose perf map file to ask
    std::int64_t not_before_ns =
        0; ///< of JIT code: a map file that was last written earlier than this (since 1970) is not its
    std::string language = {}; ///< "python": then `function` and `file` are known, and `offset` is the line
    std::string function = {};
    std::string file = {};

    auto operator<=>(const CodePlace &) const = default;
};

/// The frame of a place whose language is known: nothing need be looked up.
[[nodiscard]] SourceFrame recorded_frame(const CodePlace &place);

/// How much to tell.
enum class Detail {
    lines,         ///< functions, inlined ones included, with file and line
    program_lines, ///< the same, but of system libraries (system_library.h) names alone: to read the debug
                   ///< information of the C library takes longer than all else that a quick answer needs
};

/// Looks places up, each once, and keeps every module that it opened. Not thread-safe. A file that is
/// missing, damaged or not the one that ran (its build id differs) makes its frames come out as module and
/// offset; nothing of it is an error.
class Symbolizer {
public:
    /// Told how many of how many places were looked up; first after a second, then some ten times a second,
    /// and once at the end.
    using Progress = std::function<void(std::size_t done, std::size_t total)>;

    explicit Symbolizer(Progress progress = {}, Detail detail = Detail::lines);
    ~Symbolizer();
    Symbolizer(const Symbolizer &) = delete;
    Symbolizer &operator=(const Symbolizer &) = delete;

    /// Looks up all of these that are not known yet; frames() is quick for them afterwards.
    void look_up(std::span<const CodePlace> places);

    /// The function at a place and, before it, those inlined into it there: outermost last, at least one.
    /// Valid as long as the symbolizer.
    const std::vector<SourceFrame> &frames(const CodePlace &place);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace flockstat::reporter
