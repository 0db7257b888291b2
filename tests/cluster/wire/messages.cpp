#include "tests/cluster/wire/messages.hpp"

#include "cluster/base/check.hpp"
#include "cluster/config.hpp"

namespace chisme::cluster::testing {

std::string MessageMaker::text(std::size_t max) {
  std::string made(random_.below(max + 1), ' ');
  for (char& c : made) c = static_cast<char>(random_());
  return made;
}

Endpoint MessageMaker::endpoint() {
  Endpoint made;
  for (auto& byte : made.address) byte = static_cast<std::uint8_t>(random_());
  made.port = static_cast<std::uint16_t>(random_());
  return made;
}

Digest MessageMaker::digest() {
  Digest made;
  for (auto& byte : made.bytes) byte = static_cast<std::uint8_t>(random_());
  return made;
}

WallTime MessageMaker::wall() {
  return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(random_())}};
}

AliveRecord MessageMaker::alive() {
  return {.id = node(),
          .epoch = epoch(),
          .incarnation = Incarnation{small()},
          .peer = endpoint(),
          .http = endpoint(),
          .zone = text(zone_bytes_max),
          .weight = small(),
          .versions = {1, 2, 3},
          .draining = flag(),
          .run_nonce = number()};
}

LoadRecord MessageMaker::load() {
  return {.id = node(),
          .epoch = epoch(),
          .sequence = number(),
          .age_ms = small(),
          .in_flight = small(),
          .capacity = real(),
          .arrival_rate = real(),
          .bytes_per_second = real(),
          .delay_seconds = real(),
          .error_ratio = real(),
          .disk_used_ratio = real(),
          .health = 7};
}

Change MessageMaker::change(std::size_t kind) {
  switch (kind) {
    case 0:
      return PutRecord{text(name_bytes_max), version(), ByteCount{number()}, digest(),
                       text(type_bytes_max), wall()};
    case 1:
      return DeleteRecord{text(name_bytes_max), version(), wall()};
    case 2:
      return HaveRecord{digest(), ByteCount{number()}};
    default:
      return DropRecord{digest()};
  }
}

CatalogueRecord MessageMaker::catalogue_record() {
  return {{node(), epoch(), sequence()}, change(random_.below(4))};
}

LogPosition MessageMaker::log_position() {
  return {node(), flag() ? LogKind::names : LogKind::holdings, epoch(), sequence()};
}

Record MessageMaker::record(std::size_t kind) {
  switch (kind) {
    case 0:
      return alive();
    case 1:
      return suspect();
    case 2:
      return DeadRecord{node(), epoch(), Incarnation{small()}, node()};
    case 3:
      return left();
    case 4:
      return load();
    default:
      return catalogue_record();
  }
}

std::vector<Record> MessageMaker::records() {
  return some([&] { return record(random_.below(std::variant_size_v<Record>)); });
}

Message MessageMaker::message(std::size_t kind) {
  if (kind == 27) return access_news();
  auto const member = [&] {
    return MemberRecord{alive(), static_cast<MemberState>(random_.below(4))};
  };
  auto const change_record = [&] { return catalogue_record(); };
  switch (kind) {
    case 0:
      return Ping{number(), node(), flag() ? std::optional{suspect()} : std::nullopt, records()};
    case 1:
      return Ack{number(), load(), records()};
    case 2:
      return PingReq{number(), node(), endpoint()};
    case 3:
      return Nack{number()};
    case 4:
      return WrongTarget{number(), node()};
    case 5:
      return Gossip{number(), records()};
    case 6:
      return LoadProbe{number()};
    case 7:
      return LoadReply{number(), load()};
    case 8:
      return PushPull{alive(), flag(), flag(), some(member)};
    case 9:
      return Leave{left()};
    case 10:
      return CatalogueDigest{some([&] { return log_position(); }), flag()};
    case 11:
      return CatalogueDelta{some(change_record), some([&] { return log_position(); })};
    case 12:
      return CommitWrite{number(), catalogue_record()};
    case 13:
      return WriteCommitted{number(), flag(),
                            flag() ? std::optional{catalogue_record()} : std::nullopt};
    case 14:
      return FetchObject{digest(), ByteCount{number()}, some([&] { return node(); })};
    case 15:
      return LookupName{number(), text(name_bytes_max)};
    case 16:
      return LookupAnswer{number(), some(change_record)};
    case 17:
      return VerifyCopy{number(), digest()};
    case 18:
      return CopyVerified{number(), digest(), flag()};
    case 19:
      return FetchFailed{digest()};
    case 20:
      return WriteSuperseded{number(), catalogue_record()};
    case 21:
      return HorizonNotice{{{number(), node()}, some([&] { return log_position(); }), some([&] {
                              return log_position();
                            })}};
    case 22:
      return range_sync();
    case 23:
      return MembersDigest{alive(), some([&] { return small(); })};
    case 25:
      return PeersMissed{};
    case 26:
      return CatalogueAnswer{epoch(), {some(change_record), some([&] { return log_position(); })}};
    case 28:
      return AccessDigest{number(), flag()};
    default:
      return MembersDelta{alive(), static_cast<std::uint16_t>(small()),
                          some([&] { return static_cast<std::uint16_t>(small()); }), flag(),
                          some(member)};
  }
}

AccessNews MessageMaker::access_news() {
  auto const kind = [&] { return flag() ? CredentialKind::link : CredentialKind::token; };
  auto const count = [&] { return LinkUses::Count{node(), small()}; };
  return {.revoked = some([&] { return Revocation{kind(), number(), wall()}; }),
          .uses = some([&] { return LinkUses{number(), wall(), some(count)}; })};
}

RangeSync MessageMaker::range_sync() {
  auto const slot = [&] { return static_cast<std::uint16_t>(random_()); };
  auto const range = [&] {
    RangeSync::Range made{static_cast<std::uint8_t>(random_()), slot(), {}};
    for (std::uint64_t& part : made.parts) part = number();
    return made;
  };
  auto const marks = [&] { return RangeSync::Marks{slot(), some([&] { return number(); })}; };
  return {.horizon = {number(), node()},
          .from = slot(),
          .ranges = some(range),
          .slots = some(marks),
          .wanted = some(marks),
          .records = some([&] { return catalogue_record(); })};
}

Envelope MessageMaker::envelope(std::size_t kind) {
  Envelope made{node(), epoch(), endpoint(), message(kind)};
  CHECK(made.message.index() == kind);
  return made;
}

}  // namespace chisme::cluster::testing
