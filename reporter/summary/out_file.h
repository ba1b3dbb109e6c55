/// Writing a file of the run's directory from inside a foreign process: raw system calls only, no allocation,
/// errno untouched, no exception. A file appears under its name complete or not at all.
#pragma once

#include "reporter/record/arena_file.h"

// fmt's checks, and what is compiled only where it is used as headers alone, would pull libstdc++'s
// exceptions and locales into a foreign process. Formats that are compiled by FMT_COMPILE need neither.
#undef FMT_HEADER_ONLY
#ifndef FMT_ASSERT
#define FMT_ASSERT(condition, message) ((void)0)
#endif
#include <fmt/compile.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

namespace flockstat::summary {

/// Least room for an OutFile, and for copy_arena: the paths are kept there, because a thread that exits may
/// have a small stack.
inline constexpr std::size_t file_path_bytes = record::max_path_bytes + 96;
inline constexpr std::size_t least_file_room = 2 * file_path_bytes + 4096;

/// A file that is being written aside. Errors are kept until finish(): whoever writes need not look after
/// each piece.
class OutFile {
public:
    /// Makes DIRECTORY/.NAME.TID.NS, NS being the time, for its user alone: there are command lines in it.
    /// `room` has least_file_room bytes or more and is the caller's, as long as the file is written.
    OutFile(std::string_view directory, std::string_view name, std::span<char> room);
    OutFile(const OutFile &) = delete;
    OutFile &operator=(const OutFile &) = delete;
    /// Removes what was written aside, unless finish() succeeded.
    ~OutFile();

    void put(std::string_view text);
    void put(char c) { put(std::string_view(&c, 1)); }
    void put_repeated(char c, std::size_t times);
    void put_hex(std::uint64_t number);

    /// Formats by FMT_COMPILE("..."), with plain {} only: widths and other presentations pull in fmt's
    /// run-time part.
    template<typename Format, typename... Values>
    void print(const Format &format, const Values &...values) {
        fmt::format_to(std::back_insert_iterator(*this), format, values...);
    }

    // What std::back_insert_iterator asks for.
    using value_type = char;
    void push_back(char c) { put(c); }

    /// Writes at `offset`, past the buffer.
    void put_at(std::uint64_t offset, const char *data, std::size_t bytes);
    /// Makes the file `bytes` long.
    void set_size(std::uint64_t bytes);

    /// Gives the file its name, replacing what has it. Returns 0 or the first errno.
    [[nodiscard]] int finish();

private:
    void flush();
    [[nodiscard]] bool fits(std::uint64_t end);

    char *name_;
    char *aside_;
    std::span<char> buffer_; ///< the rest of the room
    std::size_t used_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t limit_; ///< RLIMIT_FSIZE: a write beyond it is a SIGXFSZ, which kills
    int fd_ = -1;
    int error_ = 0;
};

/// Copies the arena to DIRECTORY/NAME, as a sparse file of the arena's size that holds what has real memory.
/// `room`: as for OutFile. Returns 0 or an errno.
[[nodiscard]] int copy_arena(const record::Mapping &arena, std::string_view directory, std::string_view name,
                             std::span<char> room);

/// How far the arena may be read without meeting a hole: what lies beyond it is made real by reading, or is a
/// SIGBUS where there is no memory left. 0 where not even the header is there. Asks the kernel, because the
/// arena's own word may be anybody's.
[[nodiscard]] std::uint64_t readable_bytes(const record::Mapping &arena);

} // namespace flockstat::summary
