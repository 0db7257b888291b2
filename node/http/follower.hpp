#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "web/gateway.hpp"
#include "web/tus/upload.hpp"

namespace chisme::node {

// Follower reads an upload from its beginning while it is under way: the parts that are safe, then
// each as it becomes safe, and at the end what is left from the file that was made of them. The
// bytes come from whichever nodes hold the parts, so it outlives the node that takes the upload.
//
// One web loop's thread. `gateway` must outlive it.
class Follower {
 public:
  // So long without a new part, the upload is taken to be given up.
  static constexpr std::chrono::seconds patience{15};

  // `length`: of the upload, when it is known.
  Follower(asio::io_context& loop, web::Gateway& gateway, std::string id,
           std::optional<ByteCount> length);

  // At least one byte; 0 at the end. Faults: cancelled (the upload was ended, or nothing more came)
  // and those of web::RemoteRead.
  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into);

 private:
  // Opens what comes next; false when it is not there yet.
  asio::awaitable<Result<bool>> open_next(bool far);
  // `far`: also of a part that begins long before.
  [[nodiscard]] std::optional<web::tus::Piece> next_piece(bool far) const;

  asio::io_context& loop_;
  web::Gateway& gateway_;
  std::string id_;
  std::optional<ByteCount> length_;
  std::uint64_t at_ = 0;
  std::shared_ptr<web::RemoteRead> source_;
  std::uint64_t left_ = 0;  // of `source_`
  asio::steady_timer pause_;
};

}  // namespace chisme::node
