/// Thread blocks, events and wait counters of an arena -> the model's leaves, regions, episodes, waits,
/// events and wait counters.
#pragma once

#include "reporter/read/order_reader.h"
#include "reporter/read/record_tables.h"
#include "reporter/read/seen_records.h"
#include "reporter/read/stat_reader.h"

#include <map>
#include <tuple>

namespace flockstat::reporter {

/// Reads what threads wrote. Each record is read once, however the chains are linked: that also ends cycles.
class BlockReader {
public:
    /// All of them outlive the reader.
    BlockReader(record::ArenaView arena, const RunClock &clock, RecordTables &tables, Run &run);

    /// Reads every block of the arena's chain and adds to the processes what their threads counted.
    void read_blocks();

    /// The same without what is over: regions, episodes, waits and totals only.
    void read_present();

    /// Reads the event log.
    void read_events();

    /// Reads the programs' own wait counters.
    void read_wait_counters();

    /// Reads who outside the run was in its way.
    void read_outside_holders();

    /// Reads what a thread waits for, where it waits; `thread`: 0 where it is not known.
    void read_waiting(const record::Waiting &stored, std::int32_t thread, std::uint32_t process);

    /// Adds the totals of a process record; `index` is its place in Run::processes.
    void add_totals(const record::ProcessTotals &totals, std::uint32_t index);

private:
    template<typename Record, typename Visit>
    void walk(record::Ref head, Visit visit);
    void read_block(const record::ThreadBlock &block);
    void read_open(const record::ThreadBlock &block);
    void read_leaf(const record::Leaf &stored);
    [[nodiscard]] bool read_extra(record::Ref ref, Leaf *leaf);
    [[nodiscard]] std::vector<ErrorTally> read_errors(const record::LeafExtra &extra) const;
    void merge_leaf(Leaf leaf);
    void read_region(const record::Region &stored);
    void read_episode(const record::Episode &stored, std::uint32_t process);
    void read_event(const record::Event &stored, std::uint64_t place);
    void read_wait_counter(const record::WaitCounter &stored);
    void see(std::uint32_t process, std::int64_t at_ns);

    record::ArenaView arena_;
    const RunClock &clock_;
    RecordTables &tables_;
    Run &run_;
    StatReader stats_;
    OrderReader orders_;
    SeenRecords seen_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, LeafKind, Family>, std::size_t> leaves_;
};

} // namespace flockstat::reporter
