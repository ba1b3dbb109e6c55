// What of an environment is recorded for its job, and what processes are put together by.
#include "reporter/analyze/process_groups.h"
#include "reporter/record/job_variables.h"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

std::string copied(std::vector<const char *> environment) {
    std::array<char, record::max_job_bytes> room{};
    environment.push_back(nullptr);
    return {room.data(), record::copy_job_variables(environment.data(), room.data())};
}

Origin origin(std::vector<std::pair<std::string, std::string>> job) { return {"node1", std::move(job)}; }

ProcessReport process(const Origin &origin, std::uint64_t wait_ns, std::uint64_t max_ns) {
    ProcessReport process;
    process.origin = std::make_shared<const Origin>(origin);
    process.attempts = 3;
    process.wait = {
        .count = 2, .sum_ns = wait_ns, .mean_ns = wait_ns / 2, .min_ns = wait_ns - max_ns, .max_ns = max_ns};
    return process;
}

} // namespace

TEST_CASE("variables of schedulers and launchers are copied, and no others", "[hosts]") {
    CHECK(copied({}).empty());
    CHECK(record::copy_job_variables(nullptr, nullptr) == 0);
    CHECK(copied({"HOME=/root", "SLURM_JOB_ID=123", "SLURM_JOB_NAME=secret", "PATH=/bin", "PMI_RANK=4",
                  "RANK"}) == std::string("SLURM_JOB_ID=123\0PMI_RANK=4", 27));
    CHECK(copied({"OMPI_COMM_WORLD_RANK=", "PBS_JOBID=7.server"}) == "PBS_JOBID=7.server");
}

TEST_CASE("each variable that is listed is found by its first letter", "[hosts]") {
    const auto all_found = [](const auto &names) {
        for (const std::string_view name : names) {
            const std::string entry = std::string(name) + "=1";
            CAPTURE(entry);
            CHECK(copied({entry.c_str()}) == entry);
        }
    };
    all_found(record::job_id_variables);
    all_found(record::array_task_variables);
    all_found(record::job_step_variables);
    all_found(record::rank_variables);
    all_found(record::local_rank_variables);
    all_found(record::node_variables);
}

TEST_CASE("long values are cut, and the room is kept", "[hosts]") {
    const std::string name = "SLURM_JOB_ID=";
    const std::string entry = name + std::string(5000, 'x');
    CHECK(copied({entry.c_str()}) == name + std::string(record::max_job_value_bytes, 'x'));
    CHECK(copied(std::vector<const char *>(100, entry.c_str())).size() <= record::max_job_bytes);
}

TEST_CASE("the innermost launcher's number is a process's rank", "[hosts]") {
    // mpirun in a Slurm job: SLURM_PROCID is that of the batch script.
    const Origin mpirun =
        origin({{"SLURM_JOB_ID", "9"}, {"SLURM_PROCID", "0"}, {"OMPI_COMM_WORLD_RANK", "3"}});
    CHECK(process_value(mpirun, ProcessKey::rank) == "3");
    CHECK(process_value(mpirun, ProcessKey::job) == "9");
    CHECK(process_value(mpirun, ProcessKey::host) == "node1");
    CHECK(process_value(mpirun, ProcessKey::step).empty());
    CHECK(process_value(origin({{"PMIX_RANK", "1"}, {"RANK", "12"}}), ProcessKey::rank) == "12");
    CHECK(process_value(origin({{"PMIX_RANK", "1"}, {"RANK", "gold"}}), ProcessKey::rank) == "1");
    CHECK(process_value(origin({{"RANK", "gold"}}), ProcessKey::rank).empty());
    CHECK(process_value(origin({{"PBS_JOBID", "12[3].srv"}}), ProcessKey::job) == "12[3].srv");
}

TEST_CASE("lists of keys are read", "[hosts]") {
    CHECK(parse_process_keys("host") == std::vector{ProcessKey::host});
    CHECK(parse_process_keys("rank,host,rank") == std::vector{ProcessKey::rank, ProcessKey::host});
    for (const char *text : {"", ",", "host,", "pid", "Host", "host rank"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_process_keys(text));
    }
}

TEST_CASE("processes are put together by their keys, with what they had of locks", "[hosts]") {
    const Origin first = origin({{"SLURM_PROCID", "0"}});
    const Origin second = origin({{"SLURM_PROCID", "1"}});
    Report report;
    report.processes = {process(second, 500, 400), process(first, 100, 90), process(second, 50, 30),
                        process(origin({}), 10, 10)};
    report.locks.resize(2);
    report.locks[0].fairness.processes = {
        {.process = 0, .waits = 1, .wait_ns = 100},
        {.process = 2, .waits = 1, .wait_ns = 20, .holds = 1, .hold_ns = 7}};
    report.locks[1].fairness.processes = {{.process = 0, .waits = 1, .wait_ns = 400}};
    const ProcessGroups grouped = group_processes(report, {ProcessKey::rank, ProcessKey::host});
    REQUIRE(grouped.groups.size() == 3);
    const ProcessGroup &most = grouped.groups[0];
    CHECK(most.values == std::vector<std::string>{"1", "node1"});
    CHECK(most.processes == 2);
    CHECK(most.attempts == 6);
    CHECK(most.wait.count == 4);
    CHECK(most.wait.sum_ns == 550);
    CHECK(most.wait.mean_ns == 137);
    CHECK(most.wait.min_ns == 20);
    CHECK(most.wait.max_ns == 400);
    REQUIRE(most.locks.size() == 2);
    CHECK(most.locks[0].lock == 1);
    CHECK(most.locks[0].wait_ns == 400);
    CHECK(most.locks[1].wait_ns == 120);
    CHECK(most.locks[1].hold_ns == 7);
    CHECK(grouped.groups[1].values == std::vector<std::string>{"0", "node1"});
    CHECK(grouped.groups[2].values == std::vector<std::string>{"", "node1"});
}
