/// Making, opening and extending the arena's file, and reading the clocks that its times are in. Used by
/// processes of a run and by the command alike: only raw system calls, no allocation, errno untouched,
/// async-signal-safe.
#pragma once

#include "reporter/record/arena.h"
#include "reporter/record/run_identity.h"

namespace flockstat::record {

inline constexpr std::uint64_t default_arena_mib = 64;
inline constexpr std::uint64_t min_arena_mib = 1;
inline constexpr std::uint64_t max_arena_mib = 32768;

/// A mapped arena. `bytes` and `base` are private memory: bounds are taken from here, never from the file.
struct Mapping {
    char *base = nullptr;
    std::uint64_t bytes = 0;
};

/// The arena's header, at its start.
[[nodiscard]] inline Header &header_of(const Mapping &arena) {
    return *reinterpret_cast<Header *>(arena.base);
}

/// What a new arena starts with.
struct NewArena {
    RunIdentity run;
    std::uint64_t bytes = default_arena_mib << 20U;
    std::uint32_t options = 0; ///< RunOption bits
    std::string_view command;  ///< arguments separated by NUL
    std::int32_t first_pid = 0;
    bool all_users = false; ///< mode 0666 instead of 0600
};

/// Makes the arena's file (exclusively, never through a link) and maps it. Returns 0 or an errno: EEXIST
/// where another process of the run was first (open_arena then), EFBIG where RLIMIT_FSIZE forbids it, ENOSPC
/// where there is no memory for its header. The file appears under its name only when it is complete.
[[nodiscard]] int create_arena(const NewArena &wanted, Mapping *out);

/// Whose arena may be mapped: memory is not shared between machines, even where they share files.
enum class Recorder { this_machine, any };

/// Maps the existing arena of `run` for reading and writing. Returns 0 or an errno: ENOENT where there is
/// none, EPERM where it belongs to somebody else, EINVAL where it is no arena of this build, EXDEV where
/// another machine made it, or this one before it was started anew, and only this machine's is wanted.
[[nodiscard]] int open_arena(const RunIdentity &run, Mapping *out, Recorder wanted = Recorder::this_machine);

/// Takes `bytes` bytes of the heap, aligned to `alignment` (a power of two, 16 to 64), with real memory
/// behind them, zeroed. 0 where there is no more room; the caller counts what it had to leave out. Lock-free,
/// any process.
[[nodiscard]] Ref take_room(const Mapping &arena, std::uint64_t bytes, std::uint64_t alignment = ref_unit);

/// Interns text, which is cut at max_string_bytes; 0 where there is no room. Lock-free, any process.
[[nodiscard]] Ref intern_string(const Mapping &arena, std::string_view text);

/// A hash of bytes for the chain tables; equal in every process.
[[nodiscard]] std::uint32_t hash_bytes(const void *data, std::size_t bytes, std::uint32_t seed = 2166136261U);

/// The clock that this machine should use: the time stamp counter where the kernel itself trusts it as clock
/// source.
[[nodiscard]] Clock choose_clock();

/// Reads `clock`, CLOCK_MONOTONIC and CLOCK_REALTIME as close together as it can.
[[nodiscard]] ClockReading read_clocks(Clock clock);

/// Renews header.latest. Any process; the last one wins.
void renew_clock(const Mapping &arena);

} // namespace flockstat::record
