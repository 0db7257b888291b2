#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cluster/base/duration.hpp"
#include "node/cli/client_token.hpp"
#include "node/cli/command.hpp"
#include "node/clock.hpp"
#include "node/security/access_token.hpp"
#include "node/security/secret.hpp"
#include "web/json.hpp"

namespace chisme::node::cli {
namespace {

struct NewToken {
  std::string secret_file;
  std::string role;
  std::string expires = "30d";
  bool json = false;
};

Result<AccessToken> token_of(NewToken const& wanted) {
  auto const role = web::parse_role(wanted.role);
  if (!role) {
    return fail(Fault::invalid, "\"" + wanted.role + "\" is no role: say read, write or admin");
  }
  auto const seconds = parse_seconds(wanted.expires);
  double const most = static_cast<double>(web::credential_life_max.count());
  if (!seconds || !(*seconds >= 1 && *seconds <= most)) {
    return fail(Fault::invalid, "\"" + wanted.expires +
                                    "\" is not a time such as 90s, 10m, 24h or 30d, of at most 366 "
                                    "days");
  }
  auto const now = std::chrono::floor<std::chrono::seconds>(wall_now().time_since_epoch());
  std::chrono::seconds const life{static_cast<std::int64_t>(std::floor(*seconds))};
  return AccessToken{*role, {new_credential_number(), WallTime{now + life}}};
}

int make_token(NewToken const& wanted) {
  auto const token = token_of(wanted);
  if (!token) return wrong_usage(token.error());
  auto const secrets = read_secret_file(wanted.secret_file);
  if (!secrets) return failed(secrets.error());
  std::string const text = to_text(*token, KeyRing{*secrets});
  std::string const id = to_string(token->id);
  std::string const end = web::rfc3339(token->id.expires);
  if (wanted.json) {
    std::cout << nlohmann::json{{"token", text},
                                {"id", id},
                                {"role", wanted.role},
                                {"expires", end}}
                     .dump()
              << std::endl;
    return 0;
  }
  std::cout << text << std::endl;
  std::cerr
      << "chisme: a token with the role " << wanted.role << " until " << end
      << ". Whoever has this line may do what it allows. To take it back: chisme token revoke "
      << id << "\n";
  return 0;
}

struct TokenOfSigner {
  std::string token_file;
  bool json = false;
};

// As ~/.aws/credentials has it.
int print_signing_key(TokenOfSigner const& options) {
  auto const token = client_token(options.token_file);
  if (!token) return wrong_usage(token.error());
  auto const pair = signing_key_of(*token);
  if (!pair) {
    return wrong_usage(Error{Fault::invalid,
                             "there is no token to make a pair of: give --token-file FILE or "
                             "CHISME_TOKEN, as chisme token new prints it",
                             0});
  }
  if (options.json) {
    std::cout
        << nlohmann::json{{"access_key", pair->access_key}, {"secret_key", pair->secret}}.dump()
        << std::endl;
    return 0;
  }
  std::cout << "aws_access_key_id = " << pair->access_key
            << "\naws_secret_access_key = " << pair->secret << std::endl;
  return 0;
}

struct RevokedToken : ClientOptions {
  std::string which;
};

// What is given may be the token itself: its id is in it. Only the id goes to the node.
std::optional<std::string> id_of(std::string which) {
  if (which == "-") std::getline(std::cin, which);
  if (auto const token = read_token(which)) return to_string(token->id);
  if (web::parse_credential_id(which)) return which;
  return std::nullopt;
}

int revoke_token(RevokedToken const& options) {
  auto const id = id_of(options.which);
  if (!id) {
    return wrong_usage(
        Error{Fault::invalid,
              "this is neither a token nor the id of one, which chisme token new tells", 0});
  }
  return with_client(options, [&](HttpClient& client) -> Result<void> {
    HttpRequest request;
    request.method = "DELETE";
    request.target = "/tokens/" + *id;
    auto const answer = client.send(request);
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
    std::cout << (options.json ? nlohmann::json{{"revoked", *id}}.dump() : "revoked " + *id)
              << "\n";
    return {};
  });
}

}  // namespace

void add_token_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("token", "tokens that let clients in");
  command.require_subcommand(1);
  auto wanted = std::make_shared<NewToken>();
  CLI::App& made = *command.add_subcommand("new", "make one, and print it");
  made.add_option("--secret-file", wanted->secret_file, "the cluster's secret")
      ->required()
      ->envname("CHISME_SECRET_FILE");
  made.add_option("--role", wanted->role, "what it allows: read, write or admin")->required();
  made.add_option("--expires", wanted->expires, "for how long: 90s, 10m, 24h, 30d [30d]");
  made.add_flag("--json", wanted->json, "print JSON");
  made.callback([wanted, &chosen] { chosen = [wanted] { return make_token(*wanted); }; });
  auto signer = std::make_shared<TokenOfSigner>();
  CLI::App& pair =
      *command.add_subcommand("s3", "print the keys that S3's clients sign with for it");
  pair.add_option("--token-file", signer->token_file,
                  "the token, in a file of mode 0600 [CHISME_TOKEN]");
  pair.add_flag("--json", signer->json, "print JSON");
  pair.callback([signer, &chosen] { chosen = [signer] { return print_signing_key(*signer); }; });
  auto revoked = std::make_shared<RevokedToken>();
  CLI::App& taken = *command.add_subcommand("revoke", "let nobody in by it any more");
  taken
      .add_option("ID", revoked->which,
                  "its id, or the token itself; - to read it from standard input")
      ->required();
  add_client_options(taken, *revoked);
  taken.callback([revoked, &chosen] { chosen = [revoked] { return revoke_token(*revoked); }; });
}

}  // namespace chisme::node::cli
