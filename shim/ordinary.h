/// The way of ordinary calls, told to the compiler.
#pragma once

namespace flockstat::shim {

/// A condition that ordinary calls fulfil: their way is laid out in one line, and what else may be is set
/// aside.
[[nodiscard, gnu::always_inline]] inline bool ordinary(bool condition) {
    return __builtin_expect_with_probability(static_cast<long>(condition), 1, 1.0) != 0;
}

} // namespace flockstat::shim
