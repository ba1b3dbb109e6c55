/// What threads had when they asked for a leaf's lock -> the model's lock orders.
#pragma once

#include "reporter/read/record_tables.h"
#include "reporter/read/seen_records.h"

#include <map>
#include <tuple>
#include <vector>

namespace flockstat::reporter {

/// Reads each record once, and puts equal ones of all threads together.
class OrderReader {
public:
    /// All of them outlive the reader.
    OrderReader(record::ArenaView arena, RecordTables &tables, Run &run)
        : arena_(arena), tables_(tables), run_(run), seen_(arena.bytes()) {}

    /// Reads the chain of a leaf whose lock and kind were checked, into Run::orders.
    void read(record::Ref head, const Leaf &leaf);

private:
    using Place = std::tuple<std::uint32_t, std::uint32_t, Mode>; ///< lock, stack, mode

    [[nodiscard]] bool read_outers(record::Ref ref, std::uint32_t count, LockOrder *order);
    void merge(LockOrder order);

    record::ArenaView arena_;
    RecordTables &tables_;
    Run &run_;
    SeenRecords seen_;
    std::map<std::pair<Place, std::vector<Place>>, std::size_t> known_;
};

} // namespace flockstat::reporter
