#include "node/cli/completion.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace chisme::node::cli {
namespace {

// In single quotes, as all three shells take it but for backslashes, which fish would take.
std::string quoted(std::string const& text) {
  std::string made = "'";
  for (char const c : text) {
    if (c == '\'') {
      made += "'\\''";
    } else if (c == '\\') {
      made += '/';
    } else {
      made += c;
    }
  }
  return made + "'";
}

void each_command(CommandNode const& node, std::string const& path,
                  std::function<void(CommandNode const&, std::string const&)> const& take) {
  take(node, path);
  for (CommandNode const& command : node.commands) {
    each_command(command, path + " " + command.name, take);
  }
}

std::string names_where(CommandNode const& node,
                        std::function<bool(CommandOption const&)> const& wanted) {
  std::string names;
  for (CommandOption const& option : node.options) {
    if (!wanted(option)) continue;
    for (std::string const& name : option.names) names += (names.empty() ? "" : " ") + name;
  }
  return names;
}

bool has_file_argument(CommandNode const& node) {
  return std::ranges::any_of(node.options, [](CommandOption const& option) {
    return option.names.empty() && option.takes_file;
  });
}

std::string command_names(CommandNode const& node) {
  std::string names;
  for (CommandNode const& command : node.commands) {
    names += (names.empty() ? "" : " ") + command.name;
  }
  return names;
}

// For each command a branch that sets what may follow: the same text for bash and zsh.
std::string branches(CommandNode const& program) {
  std::string text;
  each_command(program, "", [&](CommandNode const& node, std::string const& path) {
    text += "    " + quoted(path) + ")\n";
    text += "      commands=" + quoted(command_names(node)) + "\n";
    text +=
        "      options=" + quoted(names_where(node, [](CommandOption const&) { return true; })) +
        "\n";
    text += "      with_file=" +
            quoted(names_where(node, [](CommandOption const& o) { return o.takes_file; })) + "\n";
    text += "      with_value=" +
            quoted(names_where(
                node, [](CommandOption const& o) { return o.takes_value && !o.takes_file; })) +
            "\n";
    text += std::string("      files=") + (has_file_argument(node) ? "yes" : "no") + " ;;\n";
  });
  return text;
}

// Which words go on with a command.
std::string paths(CommandNode const& program) {
  std::string text;
  each_command(program, "", [&](CommandNode const&, std::string const& path) {
    if (!path.empty()) text += (text.empty() ? "" : "|") + quoted(path);
  });
  return text;
}

void add_fish_options(CommandNode const& node, std::string const& condition, std::string& text) {
  for (CommandOption const& option : node.options) {
    if (option.names.empty()) continue;
    text += "complete -c chisme -n " + quoted(condition);
    for (std::string const& name : option.names) {
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (option.takes_value) text += option.takes_file ? " -r -F" : " -x";
    text += " -d " + quoted(option.help) + "\n";
  }
  if (has_file_argument(node)) text += "complete -c chisme -n " + quoted(condition) + " -F\n";
}

}  // namespace

std::string bash_completion(CommandNode const& program) {
  return R"(# bash completion for chisme: . <(chisme completion bash)
_chisme() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  local path='' commands='' options='' with_file='' with_value='' files=no i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
      )" +
         paths(program) + R"() path="$path ${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
)" + branches(program) +
         R"(  esac
  COMPREPLY=()
  if [[ -n $before && " $with_file " == *" $before "* ]]; then
    compopt -o default
  elif [[ -n $before && " $with_value " == *" $before "* ]]; then
    return
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  elif [[ $files == yes ]]; then
    compopt -o default
  fi
}
complete -F _chisme chisme
)";
}

std::string zsh_completion(CommandNode const& program) {
  return R"(#compdef chisme
# zsh completion for chisme: a file _chisme in a directory of $fpath, or . <(chisme completion zsh)
_chisme() {
  local current=${words[CURRENT]} before=${words[CURRENT-1]}
  local path_='' commands='' options='' with_file='' with_value='' files=no i
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ ${words[i]}" in
      )" +
         paths(program) + R"() path_="$path_ ${words[i]}" ;;
    esac
  done
  case "$path_" in
)" + branches(program) +
         R"(  esac
  if [[ " $with_file " == *" $before "* ]]; then
    _files
  elif [[ " $with_value " == *" $before "* ]]; then
    return 1
  elif [[ $current == -* ]]; then
    compadd -- ${=options}
  elif [[ -n $commands ]]; then
    compadd -- ${=commands}
  elif [[ $files == yes ]]; then
    _files
  fi
}
if [[ ${funcstack[1]} == _chisme ]]; then
  _chisme "$@"
else
  compdef _chisme chisme
fi
)";
}

std::string fish_completion(CommandNode const& program) {
  std::string text =
      "# fish completion for chisme: chisme completion fish > "
      "~/.config/fish/completions/chisme.fish\ncomplete -c chisme -f\n";
  add_fish_options(program, "__fish_use_subcommand", text);
  for (CommandNode const& command : program.commands) {
    text += "complete -c chisme -n __fish_use_subcommand -a " + command.name + " -d " +
            quoted(command.help) + "\n";
    std::string const seen = "__fish_seen_subcommand_from " + command.name;
    std::string const below = command_names(command);
    add_fish_options(command,
                     below.empty() ? seen : seen + "; and not __fish_seen_subcommand_from " + below,
                     text);
    for (CommandNode const& inner : command.commands) {
      text += "complete -c chisme -n " +
              quoted(seen + "; and not __fish_seen_subcommand_from " + below) + " -a " +
              inner.name + " -d " + quoted(inner.help) + "\n";
      add_fish_options(inner, seen + "; and __fish_seen_subcommand_from " + inner.name, text);
    }
  }
  return text;
}

}  // namespace chisme::node::cli
