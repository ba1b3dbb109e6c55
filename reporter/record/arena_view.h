/// Checked reading of an arena: every reference is checked against the bounds before anything under it is
/// read, every chain is walked at most as far as the arena could hold records, and records come out as
/// copies, because other processes may write while we read. Allocates nothing, throws nothing; usable in any
/// context, signal handlers too.
#pragma once

#include "reporter/record/histogram.h"

#include <cstring>
#include <type_traits>

namespace flockstat::record {

/// Text inside the arena. Not NUL-terminated as far as anyone may trust; may change while it is read.
struct TextView {
    const char *data = nullptr;
    std::size_t bytes = 0;
};

class ArenaView {
public:
    /// `base` points to `bytes` readable bytes, at least sizeof(Header), and is owned by the caller.
    ArenaView(const void *base, std::uint64_t bytes)
        : base_(static_cast<const char *>(base)), bytes_(bytes) {}

    [[nodiscard]] const Header &header() const { return *reinterpret_cast<const Header *>(base_); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// The record under `ref`, with `extra` bytes behind it; nullptr where that is not inside the heap.
    template<typename Record>
    [[nodiscard]] const Record *at(Ref ref, std::uint64_t extra = 0) const {
        const std::uint64_t offset = std::uint64_t{ref} * ref_unit;
        if (offset < sizeof(Header) || offset > bytes_ || bytes_ - offset < sizeof(Record) ||
            bytes_ - offset - sizeof(Record) < extra) {
            return nullptr;
        }
        return reinterpret_cast<const Record *>(base_ + offset);
    }

    /// Copies the record under `ref`; false where it is not inside the heap.
    template<typename Record>
    [[nodiscard]] bool copy(Ref ref, Record *out) const {
        static_assert(std::is_trivially_copyable_v<Record>);
        const Record *record = at<Record>(ref);
        if (record == nullptr) {
            return false;
        }
        std::memcpy(out, record, sizeof(Record));
        return true;
    }

    /// The text of a string record; empty where it is none.
    [[nodiscard]] TextView text(Ref ref) const {
        String head;
        if (!copy(ref, &head) || head.bytes > max_string_bytes) {
            return {};
        }
        const String *string = at<String>(ref, head.bytes);
        return string == nullptr ? TextView{} : TextView{string->text, head.bytes};
    }

    /// Calls visit(Ref, const Record&) for each record of the chain that starts at `head`. Ends at a
    /// reference out of bounds, and after as many records as fit into the arena (a cycle). visit returns
    /// nothing.
    template<typename Record, typename Visit>
    void for_chain(Ref head, Visit visit) const {
        std::uint64_t left = bytes_ / sizeof(Record);
        walk<Record>(head, visit, &left);
    }

    /// for_chain over all heads of a table, with one limit for all of them.
    template<typename Record, std::size_t Heads, typename Visit>
    void for_table(const Ref (&heads)[Heads], Visit visit) const {
        std::uint64_t left = bytes_ / sizeof(Record);
        for (const Ref head : heads) {
            walk<Record>(head, visit, &left);
        }
    }

    /// Calls visit(bucket, count) for each bucket of a Stat that has samples, in no order. Counts sum up to
    /// stat.count where nothing was lost (no room for a histogram) or cut off.
    template<typename Visit>
    void for_buckets(const Stat &stat, Visit visit) const {
        Histogram histogram;
        if (stat.count > samples_without_histogram || stat.histogram != 0) {
            if (copy(stat.histogram, &histogram)) {
                for_octaves(histogram, visit);
            }
            return;
        }
        if (stat.count >= 1) {
            visit(bucket_of(stat.min_ticks), std::uint64_t{1});
        }
        if (stat.count >= 2) {
            visit(bucket_of(stat.max_ticks), std::uint64_t{1});
        }
        if (stat.count == 3) {
            visit(bucket_of(stat.sum_ticks - stat.min_ticks - stat.max_ticks), std::uint64_t{1});
        }
    }

private:
    template<typename Record, typename Visit>
    void walk(Ref head, Visit &visit, std::uint64_t *left) const {
        for (Ref ref = head; ref != 0 && *left != 0; --*left) {
            Record record;
            if (!copy(ref, &record)) {
                return;
            }
            visit(ref, record);
            ref = record.next;
        }
    }

    template<typename Visit>
    void for_octaves(const Histogram &histogram, Visit visit) const {
        for (unsigned octave = 0; octave < octave_count; ++octave) {
            OctaveCounts line;
            if (histogram.octaves[octave] == 0 || !copy(histogram.octaves[octave], &line)) {
                continue;
            }
            for (unsigned step = 0; step < steps_in_octave; ++step) {
                if (line.counts[step] != 0) {
                    visit(octave * steps_in_octave + step, std::uint64_t{line.counts[step]});
                }
            }
        }
    }

    const char *base_;
    std::uint64_t bytes_;
};

/// Why bytes are no arena that this build can read.
enum class ArenaFault { none, too_short, not_an_arena, other_version, wrong_size };

/// Checks the fixed part of `bytes` bytes at `base`. `file_bytes`: the size the file has.
[[nodiscard]] inline ArenaFault check_arena(const void *base, std::uint64_t file_bytes) {
    if (file_bytes < sizeof(Header)) {
        return ArenaFault::too_short;
    }
    const auto *header = static_cast<const Header *>(base);
    if (std::memcmp(header->magic, arena_magic, sizeof arena_magic) != 0) {
        return ArenaFault::not_an_arena;
    }
    if (header->version != arena_version) {
        return ArenaFault::other_version;
    }
    if (header->header_bytes != sizeof(Header) || header->arena_bytes != file_bytes) {
        return ArenaFault::wrong_size;
    }
    return ArenaFault::none;
}

} // namespace flockstat::record
