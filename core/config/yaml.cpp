// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "config/mistakes.hpp"
#include "config/utf8.hpp"

namespace odeum::config {
namespace {

// More than any configuration has; a few lines of nested aliases could otherwise fill the memory.
constexpr std::size_t kMostNodes = 200000;

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Member& m : node.members) count += count_nodes(m.value);
  return count;
}

// A value of the command line has one place: the whole argument.
Place place_in(const std::string& file, const YAML::Mark& mark) {
  if (mark.is_null() || file.starts_with("--")) return {file, 0, 0};
  return {file, mark.line + 1, mark.column + 1};
}

[[noreturn]] void malformed(const Place& place, const std::string& text) {
  throw ConfigError(Mistake{place, "", text}.line());
}

/// Builds Nodes from the parser's events.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string file, Mistakes& mistakes) : file_(std::move(file)), mistakes_(mistakes) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place(mark);
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) malformed(place(mark), "this alias stands inside its own anchor");
    nodes_ += count_nodes(found->second);
    finish(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = scalar_node(value, place(mark));
    node.quoted = tag == "!";
    if (tag != "!" && tag != "?") refuse_tag(node.place, tag);
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // a map whose next value belongs to `key`
    std::string key;
    Place key_place;
  };

  Place place(const YAML::Mark& mark) const { return place_in(file_, mark); }

  void refuse_tag(const Place& where, const std::string& tag) {
    const std::string standard = "tag:yaml.org,2002:";
    const std::string shown = tag.starts_with(standard) ? "!!" + tag.substr(standard.size()) : tag;
    mistakes_.add(where, "", "the tag '" + shown + "' means nothing here: leave it out");
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    Open opened;
    opened.node.kind = kind;
    opened.node.place = place(mark);
    opened.anchor = anchor;
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(opened.node.place, tag);
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    finish(std::move(closed.node), closed.anchor);
  }

  void finish(Node node, YAML::anchor_t anchor) {
    if (++nodes_ > kMostNodes) malformed(node.place, "the aliases make this too large");
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      parent.has_key = false;
      add_member(parent, std::move(node));
    } else {
      if (!node.is_scalar()) malformed(node.place, "a key is a plain word, not " + node.shown());
      parent.has_key = true;
      parent.key = node.scalar;
      parent.key_place = node.place;
    }
  }

  void add_member(Open& parent, Node value) {
    if (value.kind == Node::Kind::null) value.place = parent.key_place;
    if (parent.key == "<<") {
      mistakes_.add(parent.key_place, "", "merge keys are not supported: use `include: file.yaml`");
    } else if (parent.key.empty()) {
      mistakes_.add(parent.key_place, "", "this key is empty");
    } else if (const Member* first = parent.node.find(parent.key)) {
      mistakes_.add(parent.key_place, parent.key,
                    "this key was given before, in line " + std::to_string(first->place.line));
    } else {
      parent.node.members.push_back({parent.key, parent.key_place, std::move(value)});
    }
  }

  std::string file_;
  Mistakes& mistakes_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
};

// The parser would put another character in the place of each such byte.
void refuse_other_encodings(const std::string& text, const std::string& file) {
  const std::size_t at = first_not_utf8(text);
  if (at == std::string::npos) return;
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  malformed({file, static_cast<int>(line) + 1, static_cast<int>(at - begin) + 1},
            "this is not UTF-8: save the file in that encoding");
}

void refuse_tabs_and_binary(const std::string& text, const std::string& file) {
  int line = 1;
  bool indentation = true;
  int column = 0;
  for (const char c : text) {
    ++column;
    if (c == '\0') malformed({file, line, column}, "this is not a text file");
    if (c == '\n') {
      ++line;
      column = 0;
      indentation = true;
    } else if (indentation && c == '\t') {
      malformed({file, line, column}, "a tab in the indentation: YAML is indented with spaces");
    } else if (c != ' ') {
      indentation = false;
    }
  }
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& file) {
  refuse_tabs_and_binary(text, file);
  refuse_other_encodings(text, file);
  Mistakes mistakes;
  Builder builder(file, mistakes);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) malformed({file, 1, 1}, "there is nothing in it");
    Mistakes unused;
    Builder second(file, unused);
    if (parser.HandleNextDocument(second)) {
      const Place place = second.take().place;
      malformed(place, "a second document begins here: a configuration is one document");
    }
  } catch (const YAML::Exception& error) {
    malformed(place_in(file, error.mark), "malformed YAML: " + error.msg);
  }
  mistakes.raise();
  return builder.take();
}

}  // namespace odeum::config
