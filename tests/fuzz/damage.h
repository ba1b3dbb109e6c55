/// Damage that leads somewhere: references to other records, numbers at the edges, text that is hard to show.
#pragma once

#include "tests/fuzz/packed_run.h"

#include <random>

namespace flockstat::fuzz {

using Random = std::minstd_rand;

/// Does one thing to a run, or a few.
void damage(PackedRun &run, Random &random);

/// Puts a stretch of another run's heap in the place of its own.
void mix_in(PackedRun &run, const PackedRun &other, Random &random);

} // namespace flockstat::fuzz
