#include "node/cli/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "node/version.hpp"

namespace chisme::node::cli {
namespace {

// Text as roff has it (groff_char(7)): a hyphen that is to be typed, no escapes, no requests.
std::string roff(std::string_view text) {
  std::string made;
  bool const is_request = text.starts_with('.') || text.starts_with('\'');
  if (is_request) made += "\\&";
  for (char const c : text) {
    if (c == '\\') {
      made += "\\e";
    } else if (c == '-') {
      made += "\\-";
    } else {
      made += c;
    }
  }
  return made;
}

std::string sentence(std::string text) {
  if (!text.empty()) {
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  }
  return roff(text) + ".\n";
}

std::string usage_of(CommandNode const& node, std::string const& path) {
  std::string line = "\\fB" + roff(path) + "\\fR";
  bool const has_options = std::ranges::any_of(
      node.options, [](CommandOption const& option) { return !option.names.empty(); });
  if (has_options) line += " [\\fIOPTIONS\\fR]";
  for (CommandOption const& option : node.options) {
    if (!option.names.empty()) continue;
    std::string const name = "\\fI" + roff(option.positional) + "\\fR";
    line += option.is_required ? " " + name : " [" + name + "]";
  }
  return line + (node.commands.empty() ? "" : " \\fICOMMAND\\fR") + "\n";
}

std::string options_of(CommandNode const& node) {
  std::string text;
  for (CommandOption const& option : node.options) {
    text += ".TP\n";
    if (option.names.empty()) {
      text += "\\fI" + roff(option.positional) + "\\fR\n";
    } else {
      std::string names;
      for (std::string const& name : option.names) {
        names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
      }
      text += names + (option.takes_value ? " \\fIVALUE\\fR" : "") + "\n";
    }
    text += sentence(option.help);
  }
  return text;
}

void add_command(CommandNode const& node, std::string const& path, std::string& text) {
  text += ".SS \"" + roff(path) + "\"\n" + usage_of(node, path) + ".PP\n" + sentence(node.help) +
          options_of(node);
  for (CommandNode const& command : node.commands) {
    add_command(command, path + " " + command.name, text);
  }
}

constexpr std::string_view ending = R"(.SH ENVIRONMENT
.TP
\fBCHISME_NODE\fR
URLs of nodes, separated by commas, for commands that take \fB\-\-node\fR.
.TP
\fBCHISME_TOKEN\fR
The token that those commands show.
.TP
\fBCHISME_CA\fR
A file with certificates that https:// nodes are signed by.
.TP
\fBCHISME_CONFIG\fR, \fBCHISME_\fIKEY\fR
What \fBchisme node\fR is not told by flags; before what its configuration file says.
.SH "EXIT STATUS"
0 when all was done, 1 when something failed, 2 when the command was not understood. A sentence on
standard error says what happened and what to do.
.SH FILES
.TP
\fI/etc/chisme/chisme.toml\fR
The configuration of a packaged node; \fBchisme config example\fR prints one with all keys.
.SH SIGNALS
Of a node: \fBSIGTERM\fR and \fBSIGINT\fR stop it in good order, a second one at once;
\fBSIGHUP\fR makes it read its configuration, secret and certificate again.
)";

}  // namespace

std::string man_page(CommandNode const& program) {
  std::string text = ".TH CHISME 1 \"\" \"chisme " + roff(program_version) +
                     "\" \"User Commands\"\n.SH NAME\nchisme \\- " +
                     roff("a cluster of identical nodes that hold files and play them") +
                     "\n.SH SYNOPSIS\n" + usage_of(program, program.name) + ".SH OPTIONS\n" +
                     options_of(program) + ".SH COMMANDS\n";
  for (CommandNode const& command : program.commands) {
    add_command(command, program.name + " " + command.name, text);
  }
  return text + std::string{ending};
}

}  // namespace chisme::node::cli
