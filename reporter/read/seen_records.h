/// Which records of an arena were read.
#pragma once

#include "reporter/record/arena.h"

#include <cstdint>
#include <vector>

namespace flockstat::reporter {

/// A bit for each place at which a record can be.
class SeenRecords {
public:
    explicit SeenRecords(std::uint64_t arena_bytes) : seen_(arena_bytes / record::ref_unit + 1) {}

    /// False for one that was seen before, and for one beyond the arena.
    [[nodiscard]] bool insert(record::Ref ref) {
        if (ref >= seen_.size() || seen_[ref]) {
            return false;
        }
        seen_[ref] = true;
        return true;
    }

private:
    std::vector<bool> seen_;
};

} // namespace flockstat::reporter
