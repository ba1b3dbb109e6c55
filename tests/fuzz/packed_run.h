/// A recording in few bytes, as libFuzzer's inputs are: the format's identity and its large, mostly empty
/// tables are left out.
#pragma once

#include "reporter/record/arena.h"
#include "tests/support/every_format.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flockstat::fuzz {

/// What the header holds before its sets of files and tables.
inline constexpr std::size_t plain_header_bytes = offsetof(record::Header, passed);
/// What says which format it is, and how large: set to what is right, unless keep_identity.
inline constexpr std::size_t identity_bytes = offsetof(record::Header, run_id);
/// All of test::formats, and behind them the summary of a bare preload.
inline constexpr std::size_t format_count = std::tuple_size_v<decltype(test::formats)> + 1;
/// A heap is cut off there.
inline constexpr std::size_t max_heap_bytes = std::size_t{96} << 10U;

/// A place of the header's tables of chains that is not empty.
struct ChainHead {
    std::uint16_t place = 0;
    record::Ref ref = 0;
};

struct PackedRun {
    std::uint8_t format = 0;        ///< modulo format_count
    std::uint8_t variant = 0;       ///< of the format
    std::uint8_t keep_identity = 0; ///< 0x5a: the identity is as damaged as it stands here
    std::vector<std::uint8_t> header;
    std::vector<ChainHead> heads;
    std::vector<std::uint8_t> heap; ///< from the header's end; the rest is zero
};

/// Takes a whole recording apart.
[[nodiscard]] PackedRun pack(std::span<const std::byte> arena);

/// A recording of so many bytes as there is heap, and some room, in `arena`.
void unpack(const PackedRun &run, std::vector<std::byte> *arena);

/// To and from an input. Any bytes are an input: what is missing is zero. Stretches of zeros take no room in
/// it.
[[nodiscard]] std::vector<std::uint8_t> to_input(const PackedRun &run);
[[nodiscard]] PackedRun from_input(std::span<const std::uint8_t> input);

} // namespace flockstat::fuzz
