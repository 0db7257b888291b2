#include "node/cli/cli.hpp"

int main(int count, char** arguments) {
  return chisme::node::cli::run(count, arguments);
}
