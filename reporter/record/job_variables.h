/// What of a process's environment tells which part of a job it is: variables of batch schedulers, of job
/// launchers and of torchrun. Each list stands in the order in which they count: those of the innermost
/// launcher first, because it inherits the variables of the ones around it (mpirun within a Slurm job leaves
/// SLURM_PROCID as it was).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace flockstat::record {

/// The job, as its scheduler names it.
inline constexpr std::array<std::string_view, 9> job_id_variables = {
    "SLURM_JOB_ID",       "PBS_JOBID",  "LSB_JOBID",        "FLUX_JOB_ID",
    "COBALT_JOBID",       "OAR_JOB_ID", "AWS_BATCH_JOB_ID", "JOB_ID" /* Grid Engine */,
    "TORCHELASTIC_RUN_ID"};

/// The member of an array of jobs.
inline constexpr std::array<std::string_view, 8> array_task_variables = {
    "SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX",           "PBS_ARRAYID",         "LSB_JOBINDEX", "SGE_TASK_ID",
    "OAR_ARRAY_INDEX",     "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"};

/// The step of a job: one launch.
inline constexpr std::array<std::string_view, 2> job_step_variables = {"SLURM_STEP_ID", "PALS_APID"};

/// The process's number in its launch.
inline constexpr std::array<std::string_view, 9> rank_variables = {
    "RANK" /* torchrun */, "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK",   "PMI_RANK",
    "PALS_RANKID",         "FLUX_TASK_RANK",       "ALPS_APP_PE",         "SLURM_PROCID"};

/// Its number among those of the same node.
inline constexpr std::array<std::string_view, 7> local_rank_variables = {
    "LOCAL_RANK",      "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK",
    "MPI_LOCALRANKID", "PALS_LOCAL_RANKID",          "FLUX_TASK_LOCAL_ID",
    "SLURM_LOCALID"};

/// The node's number in the job.
inline constexpr std::array<std::string_view, 3> node_variables = {"GROUP_RANK" /* torchrun */,
                                                                   "SLURM_NODEID", "PBS_NODENUM"};

/// Longer values are cut there; what does not fit into all of the room is left out.
inline constexpr std::size_t max_job_value_bytes = 255;
inline constexpr std::size_t max_job_bytes = 2048;

/// Is it the name of one of all these?
[[nodiscard]] inline bool is_job_variable(std::string_view name) {
    const auto has = [name](const auto &list) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    return has(job_id_variables) || has(array_task_variables) || has(job_step_variables) ||
           has(rank_variables) || has(local_rank_variables) || has(node_variables);
}

/// Copies those of an environment to `room` (max_job_bytes) as NAME=VALUE separated by NUL, and returns their
/// length. Empty values count as not set. Allocates nothing; async-signal-safe.
[[nodiscard]] inline std::size_t copy_job_variables(const char *const *environment, char *room) {
    std::size_t used = 0;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        // Their names begin with one of these: most of an environment is passed over here.
        if (std::string_view("ACFGJLMOPRST").find(**environment) == std::string_view::npos) {
            continue;
        }
        const std::string_view entry = *environment;
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos || equals + 1 == entry.size() ||
            !is_job_variable(entry.substr(0, equals))) {
            continue;
        }
        const std::size_t bytes = std::min(entry.size(), equals + 1 + max_job_value_bytes);
        const std::size_t separator = used == 0 ? 0 : 1;
        if (used + separator + bytes <= max_job_bytes) {
            room[used] = '\0';
            entry.copy(room + used + separator, bytes);
            used += separator + bytes;
        }
    }
    return used;
}

} // namespace flockstat::record
