#include "web/dav/multistatus.hpp"

#include "web/markup.hpp"
#include "web/problem.hpp"

namespace chisme::web::dav {
namespace {

constexpr std::string_view xml_head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

std::string status_xml(unsigned status) {
  return "<D:status>HTTP/1.1 " + std::to_string(status) + " " + std::string{reason_phrase(status)} +
         "</D:status>";
}

}  // namespace

void Multistatus::append(std::string const& response) {
  is_full_ = is_full_ || xml_.size() + response.size() > multistatus_bytes_max;
  if (is_full_) {
    xml_ = std::string{};
  } else {
    xml_ += response;
  }
}

void Multistatus::add(std::string_view href, unsigned status) {
  append("<D:response><D:href>" + markup_escaped(href) + "</D:href>" + status_xml(status) +
         "</D:response>\n");
}

void Multistatus::add(std::string_view href, std::vector<Group> const& groups) {
  std::string xml = "<D:response><D:href>" + markup_escaped(href) + "</D:href>";
  bool is_empty = true;
  for (Group const& group : groups) {
    if (group.properties.empty()) continue;
    is_empty = false;
    xml += "<D:propstat><D:prop>" + group.properties + "</D:prop>" + status_xml(group.status) +
           "</D:propstat>";
  }
  if (is_empty) xml += "<D:propstat><D:prop/>" + status_xml(200) + "</D:propstat>";
  append(xml + "</D:response>\n");
}

Reply Multistatus::finish() && {
  if (is_full_) {
    return problem(507,
                   "The answer would be longer than 16 MiB: ask for fewer properties, by "
                   "name, or for one resource at a time.");
  }
  return xml_reply(207, "<D:multistatus xmlns:D=\"DAV:\">\n" + xml_ + "</D:multistatus>\n");
}

std::string property_xml(Told const& told) {
  std::string const open = "D:" + told.name.local;
  if (told.value.empty()) return "<" + open + "/>";
  return "<" + open + ">" + told.value + "</" + open + ">";
}

std::string empty_xml(XmlName const& name) {
  return to_xml(XmlNode{.name = name, .attributes = {}, .text = {}, .children = {}});
}

Reply xml_reply(unsigned status, std::string const& element) {
  return Reply{.status = status,
               .headers = {{"Content-Type", "application/xml; charset=\"utf-8\""},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::string{xml_head} + element};
}

Reply condition_reply(unsigned status, std::string_view condition, std::string_view href) {
  std::string const name{condition};
  std::string const about = href.empty() ? "<D:" + name + "/>"
                                         : "<D:" + name + "><D:href>" + markup_escaped(href) +
                                               "</D:href></D:" + name + ">";
  return xml_reply(status, "<D:error xmlns:D=\"DAV:\">" + about + "</D:error>\n");
}

}  // namespace chisme::web::dav
