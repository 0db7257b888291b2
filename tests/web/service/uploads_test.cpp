#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"
#include "web/conditions.hpp"
#include "web/digest_fields.hpp"

namespace chisme::web {
namespace {

using Uploads = ServiceTest;

TEST_F(Uploads, PutReceivesTheFileThatItsHeadDescribes) {
  Digest const digest = sha256_of("x");
  auto const upload = planned<ReceiveFile>(
                          "PUT /files/d/a%20b.mp4\nContent-Length: 1000\n"
                          "Content-Type: video/mp4; codecs=\"avc1\"\n"
                          "Repr-Digest: md5=:abc:, sha-256=:" +
                          base64(digest) + ":")
                          .upload;
  EXPECT_EQ(upload.name, "d/a b.mp4");
  EXPECT_EQ(upload.type, "video/mp4; codecs=\"avc1\"");
  EXPECT_EQ(upload.size, ByteCount{1000});
  EXPECT_EQ(upload.expected, digest);
  EXPECT_EQ(upload.condition, Condition{});
}

TEST_F(Uploads, TheTypeComesFromTheNameWhenTheClientDoesNotKnow) {
  auto const type_with = [&](std::string const& header) {
    return planned<ReceiveFile>("PUT /files/a.mp4\nContent-Length: 1" + header).upload.type;
  };
  EXPECT_EQ(type_with(""), "video/mp4");
  EXPECT_EQ(type_with("\nContent-Type: application/octet-stream"), "video/mp4");
  EXPECT_EQ(type_with("\nContent-Type: application/x-www-form-urlencoded"), "video/mp4");
  EXPECT_EQ(type_with("\nContent-Type: nonsense"), "video/mp4");
  EXPECT_EQ(type_with("\nContent-Type: text/html"), "text/html");
}

TEST_F(Uploads, APutWithoutABodyIsAnEmptyFileAndAChunkedOneHasNoSizeYet) {
  EXPECT_EQ(planned<ReceiveFile>("PUT /files/a").upload.size, ByteCount{0});
  EXPECT_EQ(planned<ReceiveFile>("PUT /files/a\nTransfer-Encoding: chunked").upload.size,
            std::nullopt);
}

TEST_F(Uploads, PutIsRefusedBeforeItsBodyIsRead) {
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1001"), 413u);
  EXPECT_EQ(status("PUT /files/..\nContent-Length: 1"), 400u);
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1\nContent-Range: bytes 0-0/2"), 400u);
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1\nContent-Encoding: gzip"), 415u);
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1\nRepr-Digest: sha-256=:AAAA:"), 400u);
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1\nContent-Digest: sha-256=abc"), 400u);
  EXPECT_EQ(status("PUT /files/a\nContent-Length: 1\nRepr-Digest: " + repr_digest(sha256_of("a")) +
                   "\nContent-Digest: " + repr_digest(sha256_of("b"))),
            400u);
  EXPECT_TRUE(gateway.uploads_begun.empty());
}

TEST_F(Uploads, ConditionsAreCheckedAtOnceAndPassedOn) {
  std::string const current = etag_of(sha256_of("hello, world"));
  std::string const other = etag_of(sha256_of("other"));
  auto const put = [](std::string const& name, std::string const& headers) {
    return "PUT /files/" + name + "\nContent-Length: 1\n" + headers;
  };
  EXPECT_EQ(status(put("local.mp4", "If-None-Match: *")), 412u);
  EXPECT_EQ(status(put("local.mp4", "If-Match: " + other)), 412u);
  EXPECT_EQ(status(put("local.mp4", "If-Match: W/" + current)), 412u);
  EXPECT_EQ(status(put("local.mp4", "If-Match: \"foreign\"")), 412u);
  EXPECT_EQ(status(put("local.mp4", "If-None-Match: " + current)), 412u);
  EXPECT_TRUE(planned<ReceiveFile>(put("new", "If-None-Match: *")).upload.condition.must_be_absent);
  EXPECT_TRUE(planned<ReceiveFile>(put("new", "If-Match: *")).upload.condition.must_exist);
  EXPECT_EQ(planned<ReceiveFile>(put("local.mp4", "If-Match: " + other + "\nIf-Match: " + current))
                .upload.condition.must_match,
            (std::vector{sha256_of("other"), sha256_of("hello, world")}));
  EXPECT_EQ(planned<ReceiveFile>(put("local.mp4", "If-None-Match: " + other))
                .upload.condition.must_not_match,
            std::vector{sha256_of("other")});
}

StoredFile stored_file(bool created) {
  StoredFile stored;
  stored.name = "a b";
  stored.version = "v";
  stored.size = ByteCount{1};
  stored.digest = sha256_of("x");
  stored.copies = {"1", "2"};
  stored.wanted = 3;
  stored.created = created;
  return stored;
}
std::string const stored_json = "{\"name\":\"a b\",\"version\":\"v\",\"size\":1,\"sha256\":\"" +
                                to_hex(sha256_of("x")) +
                                "\",\"copies\":[\"1\",\"2\"],\"wanted\":3}";

TEST_F(Uploads, AStoredFileIsDescribed) {
  Request const put = request_of("PUT /files/a%20b\nContent-Length: 1");
  Reply const created = service.stored(put, stored_file(true));
  EXPECT_EQ(created.status, 201u);
  EXPECT_EQ(created.body, stored_json + "\n");
  EXPECT_EQ(header_of(created, "Location"), "/files/a%20b");
  EXPECT_EQ(header_of(created, "ETag"), etag_of(sha256_of("x")));
  Reply const replaced = service.stored(put, stored_file(false));
  EXPECT_EQ(replaced.status, 200u);
  EXPECT_EQ(header_of(replaced, "Location"), "");
}

TEST_F(Uploads, EachFaultHasItsStatusAndASentence) {
  Request const put = request_of("PUT /files/a\nContent-Length: 1");
  for (auto const& [fault, expected] :
       std::initializer_list<std::pair<Fault, unsigned>>{{Fault::invalid, 400},
                                                         {Fault::not_found, 404},
                                                         {Fault::precondition_failed, 412},
                                                         {Fault::digest_mismatch, 400},
                                                         {Fault::incomplete, 400},
                                                         {Fault::too_large, 413},
                                                         {Fault::no_space, 507},
                                                         {Fault::no_quorum, 503},
                                                         {Fault::unavailable, 503},
                                                         {Fault::lost, 410},
                                                         {Fault::corrupt, 500},
                                                         {Fault::busy, 503},
                                                         {Fault::io, 500}}) {
    Reply const answer = service.stored(put, fail(fault, "it went \"wrong\""));
    EXPECT_EQ(answer.status, expected) << to_string(fault);
    EXPECT_NE(answer.body.find("It went \\\"wrong\\\"."), std::string::npos) << answer.body;
    EXPECT_EQ(header_of(answer, "Retry-After"), expected == 503 ? "2" : "") << to_string(fault);
    EXPECT_FALSE(answer.close) << to_string(fault);
  }
  for (Fault const fault : {Fault::unknown_outcome, Fault::cancelled}) {
    Reply const silence = service.stored(put, fail(fault, "x"));
    EXPECT_EQ(silence.status, 0u);
    EXPECT_TRUE(silence.close);
  }
}

TEST_F(Uploads, AFormIsReceivedPartByPart) {
  std::string const post =
      "POST /files\nContent-Length: 9\nContent-Type: multipart/form-data; boundary=b";
  auto const form = planned<ReceiveForm>(post);
  EXPECT_EQ(form.boundary, "b");
  EXPECT_FALSE(form.browser);
  EXPECT_TRUE(planned<ReceiveForm>(post + "\nAccept: text/html,*/*").browser);
  EXPECT_EQ(status("POST /files\nContent-Length: 9\nContent-Type: text/plain"), 415u);
  EXPECT_EQ(status("POST /files\nContent-Length: 9"), 415u);
}

TEST_F(Uploads, AFilePartIsAnUploadUnderItsFileName) {
  PartHead part{
      .name = "file", .filename = "C:\\videos\\clip.mp4", .type = "application/octet-stream"};
  auto const upload = service.form_upload(part);
  ASSERT_TRUE(upload);
  EXPECT_EQ(upload->name, "clip.mp4");
  EXPECT_EQ(upload->type, "video/mp4");
  EXPECT_EQ(upload->size, std::nullopt);
  part.filename = "dir/clip.mp4";
  part.type = "video/x-own";
  EXPECT_EQ(service.form_upload(part)->name, "dir/clip.mp4");
  EXPECT_EQ(service.form_upload(part)->type, "video/x-own");
  for (char const* name : {"", "..", "a\nb", "/etc/passwd"}) {
    part.filename = name;
    EXPECT_EQ(service.form_upload(part).error().fault, Fault::invalid) << name;
  }
}

TEST_F(Uploads, AFormsResultsBecomeOneAnswer) {
  Request const post = request_of("POST /files\nContent-Length: 9");
  std::vector<Result<StoredFile>> results{stored_file(false), stored_file(true)};
  Reply const all = service.form_stored(post, {"b", false}, results);
  EXPECT_EQ(all.status, 201u);
  EXPECT_EQ(all.body, "{\"files\":[" + stored_json + "," + stored_json + "]}\n");
  Reply const browser = service.form_stored(post, {"b", true}, results);
  EXPECT_EQ(browser.status, 303u);
  EXPECT_EQ(header_of(browser, "Location"), "/");
  results.push_back(fail(Fault::no_space, "the disk is full"));
  Reply const partly = service.form_stored(post, {"b", true}, results);
  EXPECT_EQ(partly.status, 507u);
  EXPECT_NE(partly.body.find("Stored before that: a b, a b"), std::string::npos) << partly.body;
  EXPECT_EQ(service.form_stored(post, {"b", false}, {}).status, 400u);
}

TEST_F(Uploads, DeleteIsPlannedForFilesThatExistOrAreLost) {
  EXPECT_EQ(planned<RemoveFile>("DELETE /files/local.mp4").name, "local.mp4");
  std::string const other = etag_of(sha256_of("other"));
  EXPECT_EQ(status("DELETE /files/local.mp4\nIf-Match: " + other), 412u);
  EXPECT_EQ(planned<RemoveFile>("DELETE /files/local.mp4\nIf-Match: *").condition.must_exist, true);
  gateway.absent_because["gone"] = LookupStatus::lost;
  EXPECT_EQ(planned<RemoveFile>("DELETE /files/gone").name, "gone");
  EXPECT_EQ(std::get<Reply>(plan_after_asking("DELETE /files/unknown")).status, 404u);
  gateway.elsewhere["there"] = gateway.files["remote.txt"];
  EXPECT_EQ(std::get<RemoveFile>(plan_after_asking("DELETE /files/there")).name, "there");
  gateway.in_touch = false;
  EXPECT_EQ(std::get<Reply>(plan_after_asking("DELETE /files/unknown")).status, 503u);
  Request const request = request_of("DELETE /files/local.mp4");
  EXPECT_EQ(service.removed(request, RemovedFile{"v"}).status, 204u);
  EXPECT_EQ(service.removed(request, fail(Fault::no_quorum, "alone")).status, 503u);
}

}  // namespace
}  // namespace chisme::web
