#include "web/dav/xml.hpp"

#include <expat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "web/markup.hpp"

namespace chisme::web::dav {
namespace {

constexpr XML_Char space_end = '\n';  // between a namespace and a local name
constexpr std::string_view xml_space = "http://www.w3.org/XML/1998/namespace";

XmlName name_of(std::string_view joined) {
  std::size_t const end = joined.rfind(space_end);
  if (end == std::string_view::npos) return {{}, std::string{joined}};
  return {std::string{joined.substr(0, end)}, std::string{joined.substr(end + 1)}};
}

// Builder makes the tree of what expat tells; it stops the parser at the first thing that may not
// be.
class Builder {
 public:
  explicit Builder(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, begin, end);
    XML_SetCharacterDataHandler(parser, text);
    XML_SetStartDoctypeDeclHandler(parser, doctype);
  }

  std::optional<XmlNode> root;
  char const* refused = nullptr;  // why it was stopped

 private:
  static Builder& of(void* data) { return *static_cast<Builder*>(data); }
  static void begin(void* data, XML_Char const* name, XML_Char const** attributes) {
    of(data).begin_element(name, attributes);
  }
  static void end(void* data, XML_Char const*) { of(data).end_element(); }
  static void text(void* data, XML_Char const* bytes, int size) {
    of(data).add_text({bytes, static_cast<std::size_t>(size)});
  }
  static void doctype(void* data, XML_Char const*, XML_Char const*, XML_Char const*, int) {
    of(data).stop("a document type is not taken");
  }

  void stop(char const* why) {
    if (refused != nullptr) return;
    refused = why;
    XML_StopParser(parser_, XML_FALSE);
  }
  bool counts_one_more() {
    if (++nodes_ > xml_nodes_max) stop("the body has too many elements");
    return refused == nullptr;
  }
  // Before it is copied into the tree.
  bool has_room_for(std::string_view bytes) {
    bytes_ += bytes.size();
    if (bytes_ > xml_tree_bytes_max) stop("the body is longer than 256 KiB with all namespaces");
    return refused == nullptr;
  }
  bool takes_name(std::string_view joined) {
    std::size_t const end = joined.rfind(space_end);
    bool const is_long = end != std::string_view::npos && end > xml_space_bytes_max;
    if (is_long) stop("a namespace is longer than 256 bytes");
    return has_room_for(joined);
  }
  void begin_element(std::string_view name, XML_Char const** attributes) {
    if (!counts_one_more() || !takes_name(name)) return;
    if (open_.size() == xml_depth_max) return stop("the body's elements are nested too deep");
    XmlNode node;
    node.name = name_of(name);
    for (; attributes[0] != nullptr; attributes += 2) {
      if (node.attributes.size() == xml_attributes_max) {
        return stop("an element has too many attributes");
      }
      if (!takes_name(attributes[0]) || !has_room_for(attributes[1])) return;
      node.attributes.push_back({name_of(attributes[0]), attributes[1]});
    }
    open_.push_back(std::move(node));
  }
  void end_element() {
    if (refused != nullptr || open_.empty()) return;
    XmlNode node = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      root = std::move(node);
    } else {
      open_.back().children.push_back(std::move(node));
    }
  }
  void add_text(std::string_view bytes) {
    if (refused != nullptr || open_.empty()) return;
    auto& siblings = open_.back().children;
    if (siblings.empty() || !siblings.back().is_text()) {
      if (!counts_one_more()) return;
      siblings.emplace_back();
    }
    if (!has_room_for(bytes)) return;
    siblings.back().text += bytes;
  }

  XML_Parser parser_;
  std::vector<XmlNode> open_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

std::string attribute_xml(XmlAttribute const& attribute, std::size_t number) {
  auto const& [space, local] = attribute.name;
  std::string const value = "=\"" + markup_escaped(attribute.value) + "\"";
  if (space.empty()) return " " + local + value;
  if (space == xml_space) return " xml:" + local + value;
  std::string const prefix = "a" + std::to_string(number);
  return " xmlns:" + prefix + "=\"" + markup_escaped(space) + "\" " + prefix + ":" + local + value;
}

void append_xml(std::string& out, XmlNode const& node, std::string const* space) {
  if (node.is_text()) {
    out += markup_escaped(node.text);
    return;
  }
  out += "<" + node.name.local;
  if (space == nullptr || *space != node.name.space) {
    out += " xmlns=\"" + markup_escaped(node.name.space) + "\"";
  }
  for (std::size_t i = 0; i < node.attributes.size(); ++i) {
    out += attribute_xml(node.attributes[i], i);
  }
  if (node.children.empty()) {
    out += "/>";
    return;
  }
  out += ">";
  for (XmlNode const& child : node.children) append_xml(out, child, &node.name.space);
  out += "</" + node.name.local + ">";
}

}  // namespace

XmlNode const* XmlNode::child(std::string_view local) const {
  auto const found =
      std::ranges::find_if(children, [&](XmlNode const& one) { return one.is_dav(local); });
  return found == children.end() ? nullptr : &*found;
}

Result<XmlNode> parse_xml(std::string_view text) {
  if (text.size() > xml_bytes_max) return fail(Fault::too_large, "the body is too long");
  std::unique_ptr<XML_ParserStruct, FreeParser> const parser{
      XML_ParserCreateNS(nullptr, space_end)};
  if (!parser) return fail(Fault::busy, "there is no memory to read the body");
  Builder builder{parser.get()};
  auto const status =
      XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), /*isFinal=*/1);
  if (builder.refused != nullptr) return fail(Fault::invalid, builder.refused);
  if (status != XML_STATUS_OK || !builder.root) {
    return fail(Fault::invalid, std::string{"the body is not well-formed XML: "} +
                                    XML_ErrorString(XML_GetErrorCode(parser.get())));
  }
  return std::move(*builder.root);
}

std::string to_xml(XmlNode const& element) {
  std::string out;
  append_xml(out, element, nullptr);
  return out;
}

}  // namespace chisme::web::dav
