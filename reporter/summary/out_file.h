/// Writing a file of the run's directory from inside a foreign process: raw system calls only, no allocation,
/// errno untouched, no exception. A file appears under its name complete or not at all.
#pragma once

#include "reporter/record/arena_file.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flockstat::summary {

/// A file that is being written aside. Errors are kept until finish(): whoever writes need not look after
/// each piece.
class OutFile {
public:
    /// Opens DIRECTORY/.NAME.TID. `buffer` has `room` bytes and is the caller's, as long as the file is
    /// written.
    OutFile(std::string_view directory, std::string_view name, char *buffer, std::size_t room);
    OutFile(const OutFile &) = delete;
    OutFile &operator=(const OutFile &) = delete;
    /// Removes what was written aside, unless finish() succeeded.
    ~OutFile();

    void put(std::string_view text);
    void put(char c) { put(std::string_view(&c, 1)); }
    void put_number(std::uint64_t number);
    void put_number(std::int64_t number);
    void put_hex(std::uint64_t number);
    void put_repeated(char c, std::size_t times);

    /// Writes at `offset`, past the buffer.
    void put_at(std::uint64_t offset, const char *data, std::size_t bytes);
    /// Makes the file `bytes` long.
    void set_size(std::uint64_t bytes);

    /// Gives the file its name, replacing what has it. Returns 0 or the first errno.
    [[nodiscard]] int finish();

private:
    void flush();
    [[nodiscard]] bool fits(std::uint64_t end);

    char name_[record::max_path_bytes + 64];
    char aside_[record::max_path_bytes + 64];
    char *buffer_;
    std::size_t room_;
    std::size_t used_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t limit_ = UINT64_MAX; ///< RLIMIT_FSIZE: a write beyond it is a SIGXFSZ, which kills
    int fd_ = -1;
    int error_ = 0;
};

/// Copies the arena to DIRECTORY/NAME, as a sparse file of the arena's size that holds what has real memory.
/// Returns 0 or an errno.
[[nodiscard]] int copy_arena(const record::Mapping &arena, std::string_view directory, std::string_view name);

/// How far the arena may be read without meeting a hole: what lies beyond it is made real by reading, or is a
/// SIGBUS where there is no memory left. 0 where not even the header is there. Asks the kernel, because the
/// arena's own word may be anybody's.
[[nodiscard]] std::uint64_t readable_bytes(const record::Mapping &arena);

} // namespace flockstat::summary
