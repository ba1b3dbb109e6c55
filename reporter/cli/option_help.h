/// What the command lines of all commands have in common.
#pragma once

#include "reporter/cli/options.h"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace flockstat::cli {

/// What a check allows stands in the option's own words.
[[nodiscard]] CLI::Validator unlisted(CLI::Validator check);

/// Gives CLI11's help a usage line of our own.
void set_usage(CLI::App *app, const std::string &usage);

/// What CLI11 made of a command line that asks for help, or is wrong: then one line, and `failed_status`.
[[nodiscard]] Answered answer(CLI::App &app, const CLI::ParseError &error, int failed_status);

/// --top N, of commands that show locks one by one.
void add_top_option(CLI::App *app, reporter::TextOptions *text);

/// CLI11 takes its arguments in reverse order.
[[nodiscard]] std::vector<std::string> reversed(std::vector<std::string> arguments);

} // namespace flockstat::cli
