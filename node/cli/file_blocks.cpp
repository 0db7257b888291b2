#include "node/cli/file_blocks.hpp"

#include <algorithm>
#include <thread>

namespace chisme::node::cli {
namespace {

constexpr std::chrono::milliseconds round_pause{250};

}  // namespace

Result<std::vector<std::byte>> FileBlocks::read(std::uint64_t offset) {
  auto const until = std::chrono::steady_clock::now() + patience_;
  auto const& nodes = client_.nodes();
  for (;;) {
    Result<std::vector<std::byte>> last = fail(Fault::invalid, "no node was named");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::size_t const chosen = (preferred_ + i) % nodes.size();
      last = ask(nodes[chosen], offset);
      if (!last && last.error().fault == Fault::unavailable) continue;
      preferred_ = chosen;
      return last;
    }
    if (std::chrono::steady_clock::now() >= until) return last;
    std::this_thread::sleep_for(round_pause);
  }
}

Result<std::vector<std::byte>> FileBlocks::ask(Origin const& node, std::uint64_t offset) {
  std::uint64_t const size = std::min(block_bytes, file_.size - offset);
  std::string const etag = "\"" + file_.sha256 + "\"";
  HttpRequest request;
  request.target = "/files/" + encode_path(file_.name);
  request.headers = {
      {"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1)},
      {"If-Match", etag}};
  std::vector<std::byte> bytes;
  bytes.reserve(size);
  auto const take = [&](web::Response const& head,
                        std::span<std::byte const> more) -> Result<void> {
    if (head.status != 206 || head.header("ETag") != etag || bytes.size() + more.size() > size) {
      return fail(Fault::unavailable, to_string(node) + " sends other bytes");
    }
    bytes.insert(bytes.end(), more.begin(), more.end());
    return {};
  };
  auto const answer = client_.send_to(node, request, take);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  if (bytes.size() == size) return bytes;
  return fail(Fault::unavailable, to_string(node) + " sends too few bytes");
}

}  // namespace chisme::node::cli
