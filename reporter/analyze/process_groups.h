/// Processes put together by where they ran and which part of a job they were.
#pragma once

#include "reporter/analyze/report.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::reporter {

struct ProcessKeyName {
    ProcessKey key;
    std::string_view name;
    std::string_view meaning;
};

/// All of them, for the command line and for every writer.
inline constexpr std::array<ProcessKeyName, 7> process_keys{{
    {ProcessKey::host, "host", "the host's name"},
    {ProcessKey::job, "job", "SLURM_JOB_ID, PBS_JOBID, LSB_JOBID, ..."},
    {ProcessKey::task, "task", "member of an array of jobs: SLURM_ARRAY_TASK_ID, ..."},
    {ProcessKey::step, "step", "SLURM_STEP_ID, PALS_APID"},
    {ProcessKey::rank, "rank", "RANK, OMPI_COMM_WORLD_RANK, PMIX_RANK, PMI_RANK, SLURM_PROCID, ..."},
    {ProcessKey::local_rank, "local-rank", "LOCAL_RANK, OMPI_COMM_WORLD_LOCAL_RANK, SLURM_LOCALID, ..."},
    {ProcessKey::node, "node", "GROUP_RANK, SLURM_NODEID, PBS_NODENUM"},
}};

/// The keys of a list like "host,rank"; nothing where a name is not known, or there is none.
[[nodiscard]] std::optional<std::vector<ProcessKey>> parse_process_keys(std::string_view text);

[[nodiscard]] std::string_view process_key_name(ProcessKey key);

/// What a process has of a key; empty where it has nothing. The first variable of job_variables.h's list that
/// is set; those that count something only where they are decimal numbers (RANK is anybody's name).
[[nodiscard]] std::string process_value(const Origin &origin, ProcessKey key);

/// The report's processes by these keys.
[[nodiscard]] ProcessGroups group_processes(const Report &report, const std::vector<ProcessKey> &keys);

} // namespace flockstat::reporter
