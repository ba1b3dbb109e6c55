/// References of an arena -> indices into the model's tables.
#pragma once

#include "reporter/read/run.h"
#include "reporter/read/run_clock.h"
#include "reporter/record/arena_view.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace flockstat::reporter {

/// Fills a Run's locks, modules, stacks and processes with those that something refers to, each checked and
/// once. A record that is made while the arena is copied is found like any other: references are followed,
/// not looked up in the chains.
class RecordTables {
public:
    /// All of them outlive the tables.
    RecordTables(record::ArenaView arena, const RunClock &clock, Run &run);

    /// The index of the record; no_index where `ref` is 0, and where it is no such record (then counted in
    /// Run::damaged).
    [[nodiscard]] std::uint32_t lock(record::Ref ref);
    [[nodiscard]] std::uint32_t stack(record::Ref ref);
    [[nodiscard]] std::uint32_t process(record::Ref ref);

    /// The text of a string record; empty where it is none.
    [[nodiscard]] std::string text(record::Ref ref);

    /// The same, split at each NUL.
    [[nodiscard]] std::vector<std::string> arguments(record::Ref ref);

private:
    [[nodiscard]] std::uint32_t module(record::Ref ref);
    [[nodiscard]] std::uint32_t python_function(record::Ref ref);
    [[nodiscard]] Frame frame(const record::Frame &stored);
    [[nodiscard]] bool spend(std::uint64_t bytes);
    [[nodiscard]] std::shared_ptr<const Origin> origin(record::Ref job);

    record::ArenaView arena_;
    const RunClock &clock_;
    Run &run_;
    std::uint64_t budget_; ///< bytes that may still be copied out: cross-linked damage could refer to the
                           ///< same ones without end
    std::unordered_map<record::Ref, std::uint32_t> locks_, modules_, python_functions_, stacks_, processes_;
    std::unordered_map<record::Ref, std::shared_ptr<const Origin>> origins_; ///< by the string of the job
};

} // namespace flockstat::reporter
