/// The live regions of all processes of the run, as the arena shows them.
#pragma once

#include "reporter/record/arena_view.h"
#include "shim/run.h"

namespace flockstat::shim {

/// Calls visit(record::Region &) for each slot, free ones (since_ticks 0) included. Others may write to them
/// meanwhile. Async-signal-safe.
template<typename Visit>
void visit_region_slots(Visit visit) {
    const record::ArenaView view(run.arena.base, run.arena.bytes);
    view.for_chain<record::ThreadBlock>(
        view.header().blocks, [&](record::Ref, const record::ThreadBlock &block) {
            record::Ref ref = block.regions;
            for (unsigned i = 0; i < record::max_chain_steps; ++i) {
                auto *group = record::resolve<record::RegionGroup>(run.arena, ref);
                if (group == nullptr) {
                    break;
                }
                for (record::Region &slot : group->slots) {
                    visit(slot);
                }
                ref = group->next;
            }
        });
}

} // namespace flockstat::shim
