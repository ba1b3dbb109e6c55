#include "tests/support/soak.h"

#include <cstdlib>

#include "tests/support/places.h"

namespace flockstat::test {

void soak_row(const std::string &tried, const std::string &result) {
    if (const char *file = std::getenv("FLOCKSTAT_SOAK_ROW"))
        write_file(file, tried + " | " + result);
}

} // namespace flockstat::test
