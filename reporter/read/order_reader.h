/// What threads had when they asked for a leaf's lock -> the model's lock orders.
#pragma once

#include "reporter/read/record_tables.h"

#include <map>
#include <tuple>
#include <unordered_set>
#include <vector>

namespace flockstat::reporter {

/// Reads each record once, and puts equal ones of all threads together.
class OrderReader {
public:
    /// All of them outlive the reader.
    OrderReader(record::ArenaView arena, RecordTables &tables, Run &run)
        : arena_(arena), tables_(tables), run_(run) {}

    /// Reads the chain of a leaf whose lock and kind were checked, into Run::orders.
    void read(record::Ref head, const Leaf &leaf);

private:
    using Place = std::tuple<std::uint32_t, std::uint32_t, Mode>; ///< lock, stack, mode

    [[nodiscard]] bool read_outers(record::Ref ref, std::uint32_t count, LockOrder *order);
    void merge(LockOrder order);

    record::ArenaView arena_;
    RecordTables &tables_;
    Run &run_;
    std::unordered_set<record::Ref> seen_;
    std::map<std::pair<Place, std::vector<Place>>, std::size_t> known_;
};

} // namespace flockstat::reporter
