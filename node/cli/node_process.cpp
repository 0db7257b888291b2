#include "node/cli/node_process.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <system_error>

#include "node/storage/posix.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

// In the child, between fork and exec: system calls only.
struct Inherited {
  int nothing;
  int log;
  int link;
};
[[noreturn]] void become(char* const* arguments, Inherited its, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::dup2(its.nothing, STDIN_FILENO);
  ::dup2(its.log, STDOUT_FILENO);
  ::dup2(its.log, STDERR_FILENO);
  // Onto itself, dup2 would leave it to be closed by exec.
  if (its.link == inherited_link) ::fcntl(inherited_link, F_SETFD, 0);
  if (its.link >= 0 && its.link != inherited_link) ::dup2(its.link, inherited_link);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

}  // namespace

Result<pid_t> start_process(NodeCommand const& command) {
  if (auto made = make_directories(command.log.parent_path()); !made) {
    return tl::unexpected<Error>(made.error());
  }
  auto const log = open_file(command.log, O_WRONLY | O_CREAT | O_APPEND);
  if (!log) return tl::unexpected<Error>(log.error());
  auto const nothing = open_file("/dev/null", O_RDONLY);
  if (!nothing) return tl::unexpected<Error>(nothing.error());
  std::vector<std::string> texts = command.arguments;
  texts.insert(texts.begin(), "chisme");
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  pid_t const parent = ::getpid();
  pid_t const child = ::fork();
  if (child == 0) {
    become(arguments.data(), {nothing->number(), log->number(), command.link}, parent);
  }
  if (child < 0) return tl::unexpected<Error>(system_failure(errno, "starting a node"));
  return child;
}

std::string last_line(fs::path const& log) {
  auto const text = read_file(log);
  if (!text) return {};
  std::istringstream lines(*text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

std::string describe_end(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return "ended with code " + std::to_string(WEXITSTATUS(wait_status));
  }
  int const number = WTERMSIG(wait_status);
  return "was ended by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

Result<void> check_port_is_free(unsigned port) {
  if (port > 65535) {
    return fail(Fault::invalid,
                "there is no port " + std::to_string(port) + ": choose a smaller --base-port");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int const kind : {SOCK_STREAM, SOCK_DGRAM}) {
    Descriptor const socket{::socket(AF_INET, kind | SOCK_CLOEXEC, 0)};
    int const on = 1;
    // Connections of an earlier run that linger are no obstacle; a UDP socket would share.
    if (kind == SOCK_STREAM) {
      ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      return fail(Fault::invalid, "port " + std::to_string(port) +
                                      " of 127.0.0.1 cannot be used (" +
                                      std::generic_category().message(errno) +
                                      "): stop what uses it, or choose another --base-port");
    }
  }
  return {};
}

}  // namespace chisme::node::cli
