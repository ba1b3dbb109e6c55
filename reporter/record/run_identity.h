/// FLOCKSTAT_RUN: how the processes of a run know which run they belong to.
///
/// The value is "2,ID,PID,HOST,N,ARENA_DIRECTORY,DIRECTORY": the format's number, the run's id in 16
/// hexadecimal digits, the process that writes the summary as it exits (0: a command does; -PID: the last of
/// several that a launcher started on this host), the host of both as HostText has it, the length of
/// ARENA_DIRECTORY, the directory that the arena lives in, and the run's; both are absolute. Allocates
/// nothing; async-signal-safe. Job launchers carry the variable to other hosts, each of which has an arena of
/// its own: the host is part of the arena's name.
#pragma once

#include "reporter/record/system_call.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <sys/utsname.h>

namespace flockstat::record {

inline constexpr std::size_t max_path_bytes = 4096;
inline constexpr std::size_t max_host_bytes = 64; ///< __NEW_UTS_LEN of the kernel
inline constexpr std::size_t max_identity_bytes = 2 * max_path_bytes + max_host_bytes + 64;
/// Room for the path of an arena and what create_arena adds to it.
inline constexpr std::size_t max_arena_path_bytes = max_path_bytes + max_host_bytes + 48;
inline constexpr char run_variable[] = "FLOCKSTAT_RUN";

/// Views into the variable's text, or into whatever the caller filled them from.
struct RunIdentity {
    std::uint64_t run_id = 0;
    std::int32_t first_pid = 0;
    std::string_view arena_directory;
    std::string_view directory;
    std::string_view host = {}; ///< empty: not known, and no part of the arena's name
};

/// The name of a host as it may stand in a file's name: other bytes than letters, digits, '.', '_' and '-'
/// become '_'.
class HostText {
public:
    explicit HostText(std::string_view name)
        : bytes_(name.substr(0, max_host_bytes).copy(text_, max_host_bytes)) {
        for (char &c : text_) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               c == '.' || c == '_' || c == '-';
            c = plain ? c : '_';
        }
    }
    [[nodiscard]] std::string_view view() const { return {text_, bytes_}; }

private:
    char text_[max_host_bytes] = {};
    std::size_t bytes_;
};

/// This host's (in this process's UTS namespace).
[[nodiscard]] inline HostText own_host() {
    utsname names{};
    system_call(SYS_uname, address_of(&names));
    return HostText({names.nodename, strnlen(names.nodename, sizeof names.nodename)});
}

/// Writes `id` as 16 hexadecimal digits; returns the end.
inline char *write_run_id(char *out, std::uint64_t id) {
    for (int shift = 60; shift >= 0; shift -= 4) {
        *out++ = "0123456789abcdef"[(id >> static_cast<unsigned>(shift)) & 15U];
    }
    return out;
}

/// Writes the value and a NUL to `out`, which has room for max_identity_bytes. False where it does not fit.
[[nodiscard]] inline bool write_run_identity(const RunIdentity &run, char *out) {
    if (run.arena_directory.size() >= max_path_bytes || run.directory.size() >= max_path_bytes ||
        run.host.size() > max_host_bytes) {
        return false;
    }
    *out++ = '2';
    *out++ = ',';
    out = write_run_id(out, run.run_id);
    *out++ = ',';
    out = std::to_chars(out, out + 12, run.first_pid).ptr;
    *out++ = ',';
    std::memcpy(out, run.host.data(), run.host.size());
    out += run.host.size();
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
    if (text.size() < 20 || text.substr(0, 2) != "2," || text[18] != ',') {
        return false;
    }
    const char *end = text.data() + text.size();
    const auto id = std::from_chars(text.data() + 2, text.data() + 18, out->run_id, 16);
    const auto pid = std::from_chars(text.data() + 19, end, out->first_pid);
    if (id.ptr != text.data() + 18 || pid.ec != std::errc{} || pid.ptr == end || *pid.ptr != ',') {
        return false;
    }
    const std::string_view behind_pid(pid.ptr + 1, static_cast<std::size_t>(end - pid.ptr - 1));
    const std::size_t host_bytes = behind_pid.find(',');
    if (host_bytes > max_host_bytes) {
        return false;
    }
    out->host = behind_pid.substr(0, host_bytes);
    if (out->host.find('/') != std::string_view::npos) {
        return false; // it becomes a part of a file's name
    }
    std::size_t length = 0;
    const auto parsed = std::from_chars(out->host.data() + host_bytes + 1, end, length);
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

/// Writes the path of the run's arena file, ARENA_DIRECTORY/flockstat-ID@HOST, and a NUL; `out` has room for
/// max_arena_path_bytes.
inline void write_arena_path(const RunIdentity &run, char *out) {
    std::memcpy(out, run.arena_directory.data(), run.arena_directory.size());
    out += run.arena_directory.size();
    constexpr std::string_view name = "/flockstat-";
    std::memcpy(out, name.data(), name.size());
    out = write_run_id(out + name.size(), run.run_id);
    if (!run.host.empty()) {
        *out++ = '@';
        std::memcpy(out, run.host.data(), run.host.size());
        out += run.host.size();
    }
    *out = '\0';
}

/// The host in the name of an arena's file; empty where it is not there. False where it is no arena's name.
[[nodiscard]] inline bool read_arena_name(std::string_view name, std::string_view *host) {
    constexpr std::string_view prefix = "flockstat-";
    constexpr std::size_t bytes = prefix.size() + 16;
    if (name.size() < bytes || !name.starts_with(prefix) ||
        name.substr(prefix.size(), 16).find_first_not_of("0123456789abcdef") != std::string_view::npos ||
        (name.size() > bytes && name[bytes] != '@')) {
        return false;
    }
    *host = name.size() > bytes ? name.substr(bytes + 1) : std::string_view();
    return true;
}

} // namespace flockstat::record
