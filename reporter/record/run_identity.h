/// FLOCKSTAT_RUN: how the processes of a run know which run they belong to.
///
/// The value is "1,ID,PID,N,ARENA_DIRECTORY,DIRECTORY": the format's number, the run's id in 16 hexadecimal
/// digits, the process that writes the summary as it exits (0: a command does), the length of
/// ARENA_DIRECTORY, the directory that the arena lives in, and the run's directory; both are absolute.
/// Allocates nothing; async-signal-safe.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace flockstat::record {

inline constexpr std::size_t max_path_bytes = 4096;
inline constexpr std::size_t max_identity_bytes = 2 * max_path_bytes + 64;
inline constexpr char run_variable[] = "FLOCKSTAT_RUN";

/// Views into the variable's text, or into whatever the caller filled them from.
struct RunIdentity {
    std::uint64_t run_id = 0;
    std::int32_t first_pid = 0;
    std::string_view arena_directory;
    std::string_view directory;
};

/// Writes `id` as 16 hexadecimal digits; returns the end.
inline char *write_run_id(char *out, std::uint64_t id) {
    for (int shift = 60; shift >= 0; shift -= 4) {
        *out++ = "0123456789abcdef"[(id >> static_cast<unsigned>(shift)) & 15U];
    }
    return out;
}

/// Writes the value and a NUL to `out`, which has room for max_identity_bytes. False where it does not fit.
[[nodiscard]] inline bool write_run_identity(const RunIdentity &run, char *out) {
    if (run.arena_directory.size() >= max_path_bytes || run.directory.size() >= max_path_bytes) {
        return false;
    }
    *out++ = '1';
    *out++ = ',';
    out = write_run_id(out, run.run_id);
    *out++ = ',';
    out = std::to_chars(out, out + 12, run.first_pid).ptr;
    *out++ = ',';
    out = std::to_chars(out, out + 8, run.arena_directory.size()).ptr;
    *out++ = ',';
    std::memcpy(out, run.arena_directory.data(), run.arena_directory.size());
    out += run.arena_directory.size();
    *out++ = ',';
    std::memcpy(out, run.directory.data(), run.directory.size());
    out[run.directory.size()] = '\0';
    return true;
}

/// Parses a value; false where it is none that write_run_identity wrote. The views point into `text`.
[[nodiscard]] inline bool read_run_identity(std::string_view text, RunIdentity *out) {
    if (text.size() < 20 || text.substr(0, 2) != "1," || text[18] != ',') {
        return false;
    }
    const char *end = text.data() + text.size();
    const auto id = std::from_chars(text.data() + 2, text.data() + 18, out->run_id, 16);
    const auto pid = std::from_chars(text.data() + 19, end, out->first_pid);
    if (id.ptr != text.data() + 18 || pid.ec != std::errc{} || pid.ptr == end || *pid.ptr != ',') {
        return false;
    }
    std::size_t length = 0;
    const auto parsed = std::from_chars(pid.ptr + 1, end, length);
    if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ',') {
        return false;
    }
    const char *arena = parsed.ptr + 1;
    const auto left = static_cast<std::size_t>(end - arena);
    if (length >= max_path_bytes || left < length + 2 || arena[length] != ',') {
        return false;
    }
    out->arena_directory = {arena, length};
    out->directory = {arena + length + 1, left - length - 1};
    return out->arena_directory.front() == '/' && out->directory.front() == '/' &&
           out->directory.size() < max_path_bytes;
}

/// Writes the path of the run's arena file and a NUL; `out` has room for max_path_bytes + 32.
inline void write_arena_path(const RunIdentity &run, char *out) {
    std::memcpy(out, run.arena_directory.data(), run.arena_directory.size());
    out += run.arena_directory.size();
    constexpr std::string_view name = "/flockstat-";
    std::memcpy(out, name.data(), name.size());
    *write_run_id(out + name.size(), run.run_id) = '\0';
}

} // namespace flockstat::record
