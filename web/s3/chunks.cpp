#include "web/s3/chunks.hpp"

#include <algorithm>
#include <charconv>

#include "web/http/characters.hpp"

namespace chisme::web::s3 {
namespace {

constexpr std::string_view trailer_signature = "x-amz-trailer-signature";

}  // namespace

ChunkReader::Progress ChunkReader::feed(std::span<std::byte const> bytes) {
  Progress progress;
  while (progress.consumed < bytes.size() && at_ != At::failed) {
    auto const rest = bytes.subspan(progress.consumed);
    if (at_ == At::end) {
      fail();
      break;
    }
    if (at_ == At::data) {
      progress.data = rest.first(std::min<std::uint64_t>(left_, rest.size()));
      progress.consumed += progress.data.size();
      left_ -= progress.data.size();
      data_bytes_ += progress.data.size();
      if (signing_) hash_.update(progress.data);
      if (left_ == 0) at_ = At::data_end;
      break;
    }
    line_ += static_cast<char>(rest.front());
    ++progress.consumed;
    if (line_.ends_with("\r\n")) {
      std::string const line = std::exchange(line_, {});
      take_line(std::string_view{line}.substr(0, line.size() - 2));
    } else if (line_.size() > line_bytes_max) {
      fail();
    }
  }
  return progress;
}

void ChunkReader::take_line(std::string_view line) {
  switch (at_) {
    case At::size:
      return take_size(line);
    case At::data_end:
      return line.empty() ? end_chunk() : fail();
    case At::trailer:
      return line.empty() ? end_trailers() : take_trailer(line);
    case At::data:
    case At::end:
    case At::failed:
      break;
  }
}

// "SIZE;chunk-signature=HEX", in hexadecimal digits.
void ChunkReader::take_size(std::string_view line) {
  constexpr std::string_view extension = "chunk-signature=";
  std::string_view const size = line.substr(0, line.find(';'));
  std::string_view rest = line.substr(std::min(line.size(), size.size() + 1));
  bool const is_signed = rest.starts_with(extension);
  shown_ = is_signed ? rest.substr(extension.size()) : std::string_view{};
  auto const [end, error] = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
  bool const is_number =
      !size.empty() && error == std::errc{} && end == size.data() + size.size() && left_ >> 60 == 0;
  if (!is_number || (signing_ && !is_signed)) return fail();
  last_ = left_ == 0;
  if (!last_) {
    at_ = At::data;
  } else {
    end_chunk();
  }
}

// The empty chunk has no line of its own behind its data: with trailers these follow at once,
// without them an empty line.
void ChunkReader::end_chunk() {
  if (signing_ && !is_next_signature("AWS4-HMAC-SHA256-PAYLOAD",
                                     hex(sha256("")) + "\n" + hex(hash_.take()), shown_)) {
    forged_ = true;
    return fail();
  }
  at_ = last_ ? At::trailer : At::size;
}

void ChunkReader::take_trailer(std::string_view line) {
  std::size_t const colon = line.find(':');
  if (!with_trailers_ || colon == std::string_view::npos || trailers_.size() == trailers_max) {
    return fail();
  }
  std::string name{trimmed(line.substr(0, colon))};
  std::ranges::transform(name, name.begin(), to_lower);
  trailers_.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
}

void ChunkReader::end_trailers() {
  at_ = At::end;
  if (!signing_ || !with_trailers_) return;
  std::string text;
  std::string shown;
  for (auto const& [name, value] : trailers_) {
    if (name == trailer_signature) {
      shown = value;
    } else {
      text += name + ":" + value + "\n";
    }
  }
  if (is_next_signature("AWS4-HMAC-SHA256-TRAILER", hex(sha256(text)), shown)) return;
  forged_ = true;
  fail();
}

bool ChunkReader::is_next_signature(std::string_view kind, std::string_view hash,
                                    std::string_view shown) {
  std::string const to_sign = std::string{kind} + "\n" + signing_->time + "\n" + signing_->scope +
                              "\n" + signing_->signature + "\n" + std::string{hash};
  signing_->signature = hex(hmac(bytes_of(signing_->key), to_sign));
  return equal_in_secret(signing_->signature, shown);
}

}  // namespace chisme::web::s3
