#include "node/http/internal_files.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "node/http/await.hpp"

namespace chisme::node {

web::UploadRequest internal_file(std::string name, std::optional<ByteCount> size) {
  return {std::move(name), "application/octet-stream", size, std::nullopt, {}};
}

asio::awaitable<Result<web::StoredFile>> put_small(asio::io_context& loop, web::Gateway& gateway,
                                                   web::UploadRequest request, std::string bytes) {
  request.size = ByteCount{bytes.size()};
  auto const upload = co_await begin_upload(loop, gateway, std::move(request));
  if (!upload) co_return tl::unexpected(upload.error());
  auto write = [&](web::Done<void> done) {
    (*upload)->write(std::as_bytes(std::span{bytes}), std::move(done));
  };
  auto const written = co_await await_done<void>(loop, write);
  if (!written) co_return tl::unexpected(written.error());
  auto finish = [&](web::Done<web::StoredFile> done) { (*upload)->finish(std::move(done)); };
  co_return co_await await_done<web::StoredFile>(loop, finish);
}

asio::awaitable<Result<std::string>> read_small(asio::io_context& loop, web::Gateway& gateway,
                                                web::FileInfo file) {
  std::string bytes(std::min(file.size.value(), internal_file_bytes_max), '\0');
  std::shared_ptr<web::RemoteRead> const source =
      gateway.relay(file, ByteOffset{0}, ByteCount{bytes.size()});
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    auto const into = std::as_writable_bytes(std::span{bytes}).subspan(filled);
    auto read = [&](web::Done<std::size_t> done) { source->read(into, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "a file that describes another is cut short");
    filled += *count;
  }
  co_return bytes;
}

Result<std::optional<web::FileInfo>> known_file(Result<web::Lookup> found) {
  if (!found) return tl::unexpected(found.error());
  switch (found->status) {
    case web::LookupStatus::found:
    case web::LookupStatus::lost:
      return std::optional{std::move(found->file)};
    case web::LookupStatus::absent:
      return std::optional<web::FileInfo>{};
    case web::LookupStatus::out_of_touch:
      break;
  }
  return fail(Fault::unavailable, "this node is out of touch with most of its cluster");
}

}  // namespace chisme::node
