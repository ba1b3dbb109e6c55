#include "tests/support/own_mounts.h"

#include <unistd.h>

#include "tests/support/places.h"

namespace flockstat::test {

Command with_own_mounts(const std::string &script, const std::filesystem::path &directory) {
    Command command = shell(script, directory);
    std::vector<std::string> prefix = {"unshare", "-m"};
    if (geteuid() != 0)
        prefix.emplace_back("-r");
    command.argv.insert(command.argv.begin(), prefix.begin(), prefix.end());
    command.environment["SHIM"] = shim_path();
    command.environment["FLOCKSTAT"] = flockstat_path();
    command.environment["LOCK"] = program("end_by");
    command.environment["PROGRAMS"] = program("end_by").parent_path();
    return command;
}

} // namespace flockstat::test
