#pragma once

#include <map>
#include <string>
#include <vector>

namespace flockstat::test {

/// How often each cause of an end is expected; those that are not named: never.
using Ends = std::map<std::string, int>;

/// Steps of tests/programs/relay.c, and how its regions end.
struct Relay {
    const char *what;
    const char *steps;
    Ends released;
};

/// Runs the steps in a family of locks, under `around` (a program that runs the command that follows it;
/// empty: none), and checks (Catch2 CHECKs) how the regions ended. Where a step is marked as the one that
/// released the lock, also that the region lasted as long as the programs' own clock says.
void check_relay(const std::string &family, const Relay &relay, const std::string &around = {});

/// check_relay of each, in both families whose locks belong to open file descriptions.
void check_description_relays(const std::vector<Relay> &relays, const std::string &around = {});

} // namespace flockstat::test
