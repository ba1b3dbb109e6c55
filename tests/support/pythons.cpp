#include "tests/support/pythons.h"

#include <cstdlib>
#include <sstream>

namespace flockstat::test {

using nlohmann::json;

std::vector<std::string> interpreters() {
    std::vector<std::string> paths{"/usr/bin/python3"};
    const char *more = std::getenv("TEST_PYTHONS");
    std::istringstream list(more == nullptr ? "" : more);
    for (std::string path; std::getline(list, path, ':');) {
        paths.push_back(path);
    }
    return paths;
}

json python_frames(const json &site) {
    json frames = json::array();
    for (const json &frame : site["frames"]) {
        if (frame["language"] == "python") {
            frames.push_back({frame["file"], frame["line"], frame["function"]});
        }
    }
    return frames;
}

std::map<std::string, json> told_stacks(const std::string &out) {
    std::map<std::string, json> told;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
        const json path = json::parse(line);
        json &stacks = told.try_emplace(path["path"], json::array()).first->second;
        stacks.insert(stacks.end(), path["stacks"].begin(), path["stacks"].end());
    }
    return told;
}

} // namespace flockstat::test
