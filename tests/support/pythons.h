#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace flockstat::test {

/// The distribution's Python, and those that TEST_PYTHONS names, separated by colons.
[[nodiscard]] std::vector<std::string> interpreters();

/// The Python frames of a site as the programs tell them: [file, line, qualified name].
[[nodiscard]] nlohmann::json python_frames(const nlohmann::json &site);

/// What a program told, a JSON object a line: the file of a lock -> the stacks of its calls.
[[nodiscard]] std::map<std::string, nlohmann::json> told_stacks(const std::string &out);

} // namespace flockstat::test
