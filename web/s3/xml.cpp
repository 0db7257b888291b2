#include "web/s3/xml.hpp"

#include <expat.h>

#include <charconv>
#include <functional>
#include <memory>
#include <utility>

#include "web/markup.hpp"

namespace chisme::web::s3 {
namespace {

constexpr std::size_t depth_max = 8;

// ElementReader tells each element's end, with its path ("Delete/Object/Key") and the text in it;
// it stops the parser at what may not be. The parser calls it from C.
class ElementReader {
 public:
  using OnEnd = std::function<bool(std::string_view path, std::string const& text)>;
  explicit ElementReader(OnEnd on_end)
      : on_end_(std::move(on_end)), parser_(XML_ParserCreate("UTF-8"), &XML_ParserFree) {}

  // False: it is no XML, or has a document type, or is too deep, or `on_end` did not want it.
  bool read(std::string_view xml) {
    XML_Parser const parser = parser_.get();
    if (parser == nullptr) return false;
    XML_SetUserData(parser, this);
    XML_SetElementHandler(
        parser, [](void* self, XML_Char const* name, XML_Char const**) { of(self).begin(name); },
        [](void* self, XML_Char const*) { of(self).end(); });
    XML_SetCharacterDataHandler(parser, [](void* self, XML_Char const* text, int size) {
      of(self).text_.append(text, static_cast<std::size_t>(size));
    });
    // Entities of a document's own could make much of little.
    XML_SetStartDoctypeDeclHandler(parser, [](void* self, XML_Char const*, XML_Char const*,
                                              XML_Char const*, int) { of(self).stop(); });
    return XML_Parse(parser, xml.data(), static_cast<int>(xml.size()), XML_TRUE) == XML_STATUS_OK;
  }

 private:
  static ElementReader& of(void* self) { return *static_cast<ElementReader*>(self); }
  void stop() { XML_StopParser(parser_.get(), XML_FALSE); }
  // Names may have a prefix: S3's namespace is the only one.
  void begin(std::string_view name) {
    if (begins_.size() == depth_max) return stop();
    begins_.push_back(path_.size());
    if (!path_.empty()) path_ += '/';
    path_ += name.substr(name.find(':') == std::string_view::npos ? 0 : name.find(':') + 1);
    text_.clear();
  }
  void end() {
    if (!on_end_(path_, text_)) return stop();
    path_.resize(begins_.back());
    begins_.pop_back();
    text_.clear();
  }

  OnEnd on_end_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser_;
  std::string path_;
  std::vector<std::size_t> begins_;
  std::string text_;
};

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

XmlWriter::XmlWriter(std::string_view root, bool with_namespace) {
  text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + std::string{root};
  if (with_namespace) text_ += " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
  text_ += '>';
  open_.emplace_back(root);
}

XmlWriter& XmlWriter::open(std::string_view name) {
  text_.append("<").append(name).append(">");
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::close() {
  text_ += "</" + open_.back() + ">";
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::leaf(std::string_view name, std::string_view text) {
  open(name);
  text_ += markup_escaped(text);
  return close();
}

std::string XmlWriter::take() {
  while (!open_.empty()) close();
  return std::move(text_);
}

Result<DeleteList> parse_delete(std::string_view xml) {
  DeleteList list;
  bool too_many = false;
  ElementReader reader([&](std::string_view path, std::string const& text) {
    if (path == "Delete/Quiet") list.quiet = text == "true";
    if (path != "Delete/Object/Key") return true;
    too_many = list.keys.size() == deleted_keys_max;
    if (!too_many) list.keys.push_back(text);
    return !too_many;
  });
  bool const read = xml.size() <= delete_bytes_max && reader.read(xml);
  if (too_many) return fail(Fault::too_large, "one request deletes 1000 objects at most");
  if (!read || list.keys.empty()) {
    return fail(Fault::invalid, "the body is no Delete document that names an object");
  }
  return list;
}

Result<std::vector<NamedPart>> parse_complete(std::string_view xml) {
  std::vector<NamedPart> parts;
  NamedPart part;
  bool ascending = true;
  ElementReader reader([&](std::string_view path, std::string const& text) {
    if (path == "CompleteMultipartUpload/Part/ETag") part.etag = unquoted(text);
    if (path == "CompleteMultipartUpload/Part/PartNumber") {
      auto const [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), part.number);
      return error == std::errc{} && end == text.data() + text.size();
    }
    if (path != "CompleteMultipartUpload/Part") return true;
    ascending = parts.empty() || part.number > parts.back().number;
    bool const fits = ascending && part.number > 0 && part.number <= part_number_max;
    parts.push_back(std::exchange(part, {}));
    return fits;
  });
  bool const read = xml.size() <= complete_bytes_max && reader.read(xml);
  if (!ascending) {
    return fail(Fault::precondition_failed, "the parts must be named in ascending order");
  }
  if (!read || parts.empty()) {
    return fail(Fault::invalid,
                "the body is no CompleteMultipartUpload document with parts of 1 to 10000");
  }
  return parts;
}

}  // namespace chisme::web::s3
