// What libstdc++'s headers call where they would throw (string_view::substr beyond the end, ...). The shim is
// linked without libstdc++: its own definitions bring in the exception machinery, std::locale and 500 KB, and
// ask for symbols of glibc 2.35. Reaching one of these is a bug of the shim; without exceptions, libstdc++
// would end the process too. Hidden, so a program's own libstdc++ is not affected.
#include <string_view>

namespace std {

void __throw_out_of_range_fmt(const char *, ...) { __builtin_trap(); }

void __throw_length_error(const char *) { __builtin_trap(); }

void __throw_logic_error(const char *) { __builtin_trap(); }

} // namespace std
