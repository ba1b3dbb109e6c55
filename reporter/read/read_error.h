/// What reading a run can fail with.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace flockstat::reporter {

/// A run that cannot be read. what() is one line for the user: it names the file, says what is wrong with it,
/// and what to do.
class ReadError : public std::runtime_error {
public:
    ReadError(const std::filesystem::path &file, const std::string &problem_and_remedy)
        : std::runtime_error(file.string() + ": " + problem_and_remedy) {}
};

} // namespace flockstat::reporter
