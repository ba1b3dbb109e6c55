#include "reporter/cli/option_help.h"

#include "reporter/write/printable.h"

#include <algorithm>
#include <memory>
#include <sstream>

namespace flockstat::cli {
namespace {

class Help : public CLI::Formatter {
public:
    explicit Help(std::string usage) : usage_(std::move(usage)) { column_width(28); }
    std::string make_usage(const CLI::App * /*app*/, std::string /*name*/) const override {
        return usage_ + "\n";
    }

private:
    std::string usage_;
};

} // namespace

CLI::Validator unlisted(CLI::Validator check) { return check.description(""); }

void set_usage(CLI::App *app, const std::string &usage) {
    app->formatter(std::make_shared<Help>("Usage: " + usage));
}

Answered answer(CLI::App &app, const CLI::ParseError &error, int failed_status) {
    std::ostringstream out;
    std::ostringstream err;
    Answered answered;
    if (app.exit(error, out, err) != 0) {
        std::string line = error.what();
        std::replace(line.begin(), line.end(), '\n', ' ');
        answered.status = failed_status;
        answered.err =
            "flockstat: " + reporter::printable(line, true) + "; see " + app.get_name() + " --help\n";
    }
    answered.out = out.str();
    return answered;
}

void add_top_option(CLI::App *app, reporter::TextOptions *text) {
    app->add_option("--top", text->top, "Locks that text shows in detail (default: 5)")
        ->type_name("N")
        ->check(unlisted(CLI::Range(1U, 1'000'000U)));
}

std::vector<std::string> reversed(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    return arguments;
}

} // namespace flockstat::cli
