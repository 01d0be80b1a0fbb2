// SPDX-License-Identifier: Apache-2.0
#include "report/page.hpp"

#include <cstdio>

#include "report/plot.hpp"

namespace odeum::report {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #6b7280; --line: #d8dce2; --paper: #ffffff; --card: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #9aa3af; --line: #363c45; --paper: #14171b; --card: #1c2026; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1160px;
  margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
p.status { color: var(--soft); margin: .2rem 0 1.2rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: .6rem; margin: 0; }
dl div { background: var(--card); border-radius: 6px; padding: .5rem .8rem; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border-radius: 6px; padding: .6rem .8rem; }
figcaption { font-size: .9rem; margin-bottom: .2rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .line { fill: none; stroke-width: 1.5; }
img { width: 100%; image-rendering: pixelated; }
.s0 { stroke: #2f6fde; } .s1 { stroke: #e0792b; } .s2 { stroke: #2a9d66; }
.s3 { stroke: #b94a8c; } .s4 { stroke: #8a6fd1; } .s5 { stroke: #7a8a2a; }
svg text.legend { stroke: none; } text.s0 { fill: #2f6fde; } text.s1 { fill: #e0792b; } text.s2 { fill: #2a9d66; }
text.s3 { fill: #b94a8c; } text.s4 { fill: #8a6fd1; } text.s5 { fill: #7a8a2a; }
pre { background: var(--card); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; }
)";

std::string text_of(const io::Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump();
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value.get<double>());
  return text;
}

std::string fact(const std::string& name, const std::string& value) {
  return "<div><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd></div>\n";
}

/// Numbers with their standard errors.
std::string results(const io::Json& found) {
  std::string html;
  for (const auto& [name, value] : found.items()) {
    if (!value.is_number() || name.ends_with("_stderr")) continue;
    std::string text = text_of(value);
    if (found.contains(name + "_stderr")) text += " ± " + text_of(found[name + "_stderr"]);
    html += fact(name, text);
  }
  return html;
}

std::string section(const std::string& title, const std::string& body) {
  return body.empty() ? "" : "<h2>" + title + "</h2>\n" + body;
}

std::string facts_of(const io::Json& summary) {
  std::string html;
  for (const char* key : {"steps", "seconds", "parameters", "device", "precision", "seed", "loss",
                          "entropy", "skipped_samples"}) {
    if (summary.contains(key) && !summary[key].is_null()) html += fact(key, text_of(summary[key]));
  }
  return "<dl>\n" + html + "</dl>\n";
}

std::string plugins_of(const io::Json& summary) {
  std::string text;
  for (const io::Json& plugin : summary.value("plugins", io::Json::array())) {
    text += text_of(plugin["kind"]) + "/" + text_of(plugin["name"]) + " " +
            text_of(plugin["version"]) + "\n";
  }
  return text.empty() ? "" : "<pre>" + escaped(text) + "</pre>\n";
}

std::string status_of(const io::Json& summary) {
  std::string text = "odeum";
  if (summary.contains("versions")) text += " " + text_of(summary["versions"]["odeum"]);
  text += ": " + text_of(summary["status"]);
  if (summary.contains("message")) text += ". " + text_of(summary["message"]);
  return text;
}

}  // namespace

std::string to_html(const Page& page) {
  const io::Json& summary = page.summary;
  std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" +
                     escaped(page.title) + "</title>\n<style>" + kStyle +
                     "</style></head>\n<body>\n<h1>" + escaped(page.title) +
                     "</h1>\n<p class=\"status\">" + escaped(status_of(summary)) + "</p>\n";
  html += facts_of(summary);
  for (const char* key : {"test", "validation", "evaluations"}) {
    if (!summary.contains(key)) continue;
    html += section(key == std::string("evaluations") ? "evaluations a training step" : key,
                    "<dl>\n" + results(summary[key]) + "</dl>\n");
  }
  if (!page.pictures.empty()) {
    html += section("pictures", "<div class=\"pictures\">\n" + page.pictures + "</div>\n");
  }
  if (!page.plots.empty()) {
    html += section("training", "<div class=\"plots\">\n" + page.plots + "</div>\n");
  }
  html += section("configuration", "<pre>" + escaped(page.configuration) + "</pre>\n");
  html += section("plugins", plugins_of(summary));
  return html + "</body></html>\n";
}

}  // namespace odeum::report
