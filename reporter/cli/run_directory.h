/// The directory that a run leaves its files in.
#pragma once

#include "reporter/record/run_identity.h"

#include <cstdint>
#include <optional>
#include <string>

namespace flockstat::cli {

/// A directory that a run may write to, and the name of the run's own file in it.
struct RunDirectory {
    std::string path;     ///< absolute
    std::string flk_name; ///< run.flk, run.2.flk, ...
    bool made = false;    ///< by us, for this run
    bool add = false;     ///< to runs that may be there
};

/// Makes `wanted`, or flockstat-NAME-PID in the working directory where nothing is wanted, NAME being
/// `command`'s last component. A directory that is there already is taken too, but one that holds a run only
/// where `add` says so. Throws Failure.
[[nodiscard]] RunDirectory take_run_directory(const std::optional<std::string> &wanted, bool add,
                                              const std::string &command);

/// Puts a symbolic link to the arena in the place of the run's file: that is how a live run is found. Where
/// another run took that name meanwhile, and this one is to be added, it takes the next one. Throws Failure
/// where the directory cannot be written to (and removes the directory if it was made).
void link_arena(RunDirectory *directory, const record::RunIdentity &run);

/// Where somebody removed the directory or the link while the run went on: makes them anew. Throws Failure
/// where it cannot.
void restore_run_directory(const RunDirectory &directory, const record::RunIdentity &run);

/// Removes the link, and the directory where it was made for this run.
void abandon_run_directory(const RunDirectory &directory);

/// The flockstat-* directory in the working directory that holds the newest run. Throws Failure where there
/// is none.
[[nodiscard]] std::string newest_run_directory();

} // namespace flockstat::cli
