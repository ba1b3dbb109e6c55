#include "shim/origin.h"

#include "reporter/record/system_call.h"

#include <cerrno>
#include <fcntl.h>

namespace flockstat::shim {
namespace {

constexpr int numbers = 64;
/// Those of which nothing is known. All, until the constructor has looked.
std::uint64_t doubtful = ~std::uint64_t{0};

} // namespace

void find_free_numbers() {
    std::uint64_t open = 0;
    for (int number = 0; number < numbers; ++number) {
        if (record::system_call(SYS_fcntl, number, F_GETFD) != -EBADF) {
            open |= std::uint64_t{1} << number;
        }
    }
    doubtful = open;
}

void doubt_origin(int number) {
    if (number >= 0 && number < numbers) {
        __atomic_fetch_or(&doubtful, std::uint64_t{1} << number, __ATOMIC_RELAXED);
    }
}

bool is_made_here(int descriptor) {
    return descriptor >= 0 && descriptor < numbers &&
           (__atomic_load_n(&doubtful, __ATOMIC_RELAXED) & (std::uint64_t{1} << descriptor)) == 0;
}

} // namespace flockstat::shim
