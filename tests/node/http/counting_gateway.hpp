#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "web/gateway.hpp"

namespace chisme::node {

// A node that takes uploads of the byte 'b' and keeps nothing of them but counts.
class CountingGateway final : public web::Gateway {
 public:
  std::size_t unexpected_bytes = 0;
  std::size_t largest_write = 0;

  void begin_upload(web::UploadRequest request,
                    web::Done<std::unique_ptr<web::Upload>> done) override {
    done(std::make_unique<CountingUpload>(*this, std::move(request.name)));
  }

  web::Lookup lookup(std::string_view) override { return {}; }
  void lookup_everywhere(std::string, web::Done<web::Lookup> done) override { done(web::Lookup{}); }
  std::vector<web::Replica> replicas(web::FileInfo const&) override { return {}; }
  std::optional<web::Replica> redirect(web::FileInfo const&, bool) override { return {}; }
  std::optional<web::Replica> bounce(web::FileInfo const&) override { return {}; }
  std::optional<web::Replica> least_loaded_node() override { return {}; }
  web::Listing list(std::string_view, std::string_view, std::size_t) override { return {}; }
  void search(web::FileQuery, web::FilePage, web::Done<web::FoundFiles> done) override {
    done(web::FoundFiles{});
  }
  void count_files(web::Done<void> done) override { done({}); }
  web::ClusterStatus cluster() override { return {}; }
  web::Readiness readiness(bool) override { return {true, ""}; }
  std::string metrics() override { return ""; }
  bool knows_origin(std::string_view) override { return false; }
  void remove(std::string, web::Condition, web::Done<web::RemovedFile> done) override {
    done(fail(Fault::not_found, "nothing is kept"));
  }
  Result<std::shared_ptr<web::OpenObject const>> open(Digest const&) override {
    return fail(Fault::not_found, "nothing is kept");
  }
  std::unique_ptr<web::RemoteRead> relay(web::FileInfo const&, ByteOffset, ByteCount) override {
    return nullptr;
  }
  std::unique_ptr<web::Subscription> subscribe(
      std::function<void(web::ClusterEvent const&)>) override {
    return nullptr;
  }
  void leave() override {}
  void request_began() override {}
  void request_ended(bool) override {}
  void delivered(ByteCount) override {}

 private:
  class CountingUpload final : public web::Upload {
   public:
    CountingUpload(CountingGateway& gateway, std::string name)
        : gateway_(gateway), name_(std::move(name)) {}
    void write(std::span<std::byte const> bytes, web::Done<void> done) override {
      size_ += bytes.size();
      gateway_.largest_write = std::max(gateway_.largest_write, bytes.size());
      gateway_.unexpected_bytes += static_cast<std::size_t>(std::count_if(
          bytes.begin(), bytes.end(), [](std::byte it) { return it != std::byte{'b'}; }));
      done({});
    }
    void retype(std::string) override {}
    void finish(web::Done<web::StoredFile> done) override {
      web::StoredFile stored;
      stored.name = name_;
      stored.size = ByteCount{size_};
      done(std::move(stored));
    }

   private:
    CountingGateway& gateway_;
    std::string name_;
    std::uint64_t size_ = 0;
  };
};

}  // namespace chisme::node
