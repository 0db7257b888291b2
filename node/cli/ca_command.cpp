#include <iostream>
#include <memory>

#include "node/cli/command.hpp"
#include "node/security/certificates.hpp"

namespace chisme::node::cli {
namespace {

struct CaOptions {
  std::string directory;
  std::string prefix;
  std::vector<std::string> hosts;
  unsigned days = usual_days;
};

int make_ca(std::string const& directory) {
  auto const made = make_authority(directory);
  if (!made) return failed(made.error());
  std::cerr << "chisme: made " << directory << "/ca.pem, which clients are to trust (--ca, curl "
            << "--cacert, a browser's list of authorities), and " << directory
            << "/ca.key: whoever has that can pass for any node. Next: chisme ca issue "
            << directory << " --host NAME_OR_ADDRESS --out PREFIX\n";
  return 0;
}

int issue(CaOptions const& options) {
  auto const made =
      issue_certificate(options.directory, {options.hosts, options.prefix, options.days});
  if (!made) return failed(made.error());
  std::cerr << "chisme: made " << options.prefix << ".pem and " << options.prefix
            << ".key: start the node with --tls-certificate " << options.prefix << ".pem --tls-key "
            << options.prefix << ".key\n";
  return 0;
}

}  // namespace

void add_ca_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command =
      *app.add_subcommand("ca", "certificates for https://, by an authority of one's own");
  command.require_subcommand(1);
  auto options = std::make_shared<CaOptions>();
  CLI::App& made = *command.add_subcommand("new", "make an authority: DIR/ca.pem and DIR/ca.key");
  made.add_option("DIR", options->directory, "where to")->required();
  made.callback([options, &chosen] { chosen = [options] { return make_ca(options->directory); }; });
  CLI::App& issued =
      *command.add_subcommand("issue", "make a node's certificate: PREFIX.pem and PREFIX.key");
  issued.add_option("DIR", options->directory, "the authority's")->required();
  issued
      .add_option("--host", options->hosts,
                  "name or address that clients call the node by; may be repeated")
      ->required()
      ->allow_extra_args(false);
  issued.add_option("--out", options->prefix, "of the files to be made")->required();
  issued.add_option("--days", options->days, "that it is valid [397]")
      ->check(CLI::Range(1u, 3650u));
  issued.callback([options, &chosen] { chosen = [options] { return issue(*options); }; });
}

}  // namespace chisme::node::cli
