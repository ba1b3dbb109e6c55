/// What the version script (exports.map) lets out: the interposed functions.
#pragma once

#define FLOCKSTAT_EXPORT extern "C" __attribute__((visibility("default")))
