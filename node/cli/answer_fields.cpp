#include "node/cli/answer_fields.hpp"

#include <nlohmann/json.hpp>

namespace chisme::node::cli {
namespace {

// nullptr: there is no such field.
nlohmann::json const* field(nlohmann::json const& object, char const* key) {
  if (!object.is_object()) return nullptr;
  auto const found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_field(nlohmann::json const& object, char const* key) {
  auto const* const found = field(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string{};
}

std::uint64_t count_field(nlohmann::json const& object, char const* key) {
  auto const* const found = field(object, key);
  return found != nullptr && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

double real_field(nlohmann::json const& object, char const* key) {
  auto const* const found = field(object, key);
  return found != nullptr && found->is_number() ? found->get<double>() : 0;
}

bool flag_field(nlohmann::json const& object, char const* key, bool otherwise) {
  auto const* const found = field(object, key);
  return found != nullptr && found->is_boolean() ? found->get<bool>() : otherwise;
}

nlohmann::json const& part_field(nlohmann::json const& object, char const* key) {
  static nlohmann::json const nothing = nlohmann::json::array();
  auto const* const found = field(object, key);
  return found != nullptr && found->is_structured() ? *found : nothing;
}

}  // namespace chisme::node::cli
