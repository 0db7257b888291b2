#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"

// Certificates for the nodes of a cluster, signed by an authority of its owner: for whoever has no
// certificates of a public authority. ECDSA with P-256 and SHA-256, X.509 version 3 (RFC 5280).
namespace chisme::node {

// Makes DIRECTORY/ca.pem, which clients are to trust, and DIRECTORY/ca.key (mode 0600), valid for
// ten years from now. Faults: invalid (there are such files; nothing was changed), io.
[[nodiscard]] Result<void> make_authority(std::filesystem::path const& directory);

struct CertificateRequest {
  std::vector<std::string> hosts;  // names and addresses that clients call the node by, 1 to 100
  std::filesystem::path prefix;    // of the files to be made
  unsigned days = 0;               // that it is valid, from now
};
// As long as some clients take one for good.
inline constexpr unsigned usual_days = 397;

// Makes PREFIX.pem, a certificate for these hosts and the authority's, and PREFIX.key (mode 0600).
// It does not outlive the authority. Faults: invalid (no name or address, no authority in the
// directory, there are such files; nothing was changed), io.
[[nodiscard]] Result<void> issue_certificate(std::filesystem::path const& authority,
                                             CertificateRequest const& request);

}  // namespace chisme::node
