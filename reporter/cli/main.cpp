/// flockstat: run a command and report what file locks cost it.
#include "reporter/cli/commands.h"
#include "reporter/cli/failure.h"
#include "reporter/cli/options.h"
#include "reporter/cli/terminal.h"

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace flockstat;

int answer(const cli::Answered &answered) {
    std::fputs(answered.out.c_str(), stdout);
    std::fputs(answered.err.c_str(), stderr);
    return answered.status;
}

int carry_out(const cli::Invocation &invocation) {
    return std::visit(
        [](const auto &asked) {
            using Asked = std::decay_t<decltype(asked)>;
            if constexpr (std::is_same_v<Asked, cli::RunOptions>) {
                return cli::run(asked);
            } else if constexpr (std::is_same_v<Asked, cli::ReportOptions>) {
                return cli::report(asked);
            } else if constexpr (std::is_same_v<Asked, cli::PsOptions>) {
                return cli::ps(asked);
            } else if constexpr (std::is_same_v<Asked, cli::TopOptions>) {
                return cli::top(asked);
            } else if constexpr (std::is_same_v<Asked, cli::CheckOptions>) {
                return cli::check(asked);
            } else if constexpr (std::is_same_v<Asked, cli::DiffOptions>) {
                return cli::diff(asked);
            } else {
                return answer(asked);
            }
        },
        invocation);
}

} // namespace

int main(int count, char **arguments) {
    const cli::Invocation invocation = cli::read_command_line({arguments + 1, arguments + count});
    try {
        return carry_out(invocation);
    } catch (const cli::Failure &failure) {
        cli::say(failure.what());
        return failure.status();
    } catch (const std::bad_alloc &) {
        cli::say("out of memory; what was recorded is kept in the run's directory");
    } catch (const std::exception &error) {
        cli::say(std::string(error.what()) + "; what was recorded is kept in the run's directory");
    }
    const bool runs_or_checks = std::holds_alternative<cli::RunOptions>(invocation) ||
                                std::holds_alternative<cli::CheckOptions>(invocation);
    return runs_or_checks ? cli::status_failed_run : cli::status_failed_report;
}
