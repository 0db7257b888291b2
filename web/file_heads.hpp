#pragma once

#include <string>
#include <vector>

#include "web/gateway.hpp"
#include "web/http/fields.hpp"

namespace chisme::web {

// FileHeads keeps the fields that every answer about a version of a file has, which take longer to
// write than to look up: its type and how browsers must treat it, ETag, dates and digests.
//
// At most `places` of them, each in the place of its name's hash: about 1 KiB for a name of usual
// length. One thread owns it.
class FileHeads {
 public:
  static constexpr std::size_t places = 256;

  // Good until the next call.
  [[nodiscard]] Fields const& of(FileInfo const& file, bool download);

 private:
  struct Head {
    std::string name;
    std::string version;
    bool download = false;
    Fields fields;
  };
  std::vector<Head> heads_;
};

// Type and disposition of a user's bytes, and that they must never run as a part of this site.
void add_content_fields(Fields& fields, std::string_view name, std::string_view type,
                        bool download);

}  // namespace chisme::web
