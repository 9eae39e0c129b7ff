// Reads golden.json, and compares with it.
#pragma once

#include <cstdio>
#include <map>
#include <sstream>

#include "keras_fld.hpp"

namespace {

using namespace keras_fld;

/// A value of JSON, as far as golden.json needs it: text has no escapes.
struct Json {
  enum { NOTHING, NUMBER, TEXT, LIST, TABLE } kind = NOTHING;
  double number = 0;
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> table;

  const Json& operator[](const std::string& key) const {
    const auto found = table.find(key);
    if (found == table.end()) throw std::runtime_error("golden.json has no " + key);
    return found->second;
  }
  const Json& operator[](std::size_t i) const { return list.at(i); }
  std::size_t size() const { return list.size(); }
  operator double() const { return number; }
  int whole() const { return int(number); }
};

class Reader {
 public:
  explicit Reader(const std::string& text) : at_(text.c_str()) {}

  Json value() {
    Json out;
    const char next = peek();
    if (next == '{') {
      out.kind = Json::TABLE;
      for (at_++; peek() != '}';) {
        const std::string key = string();
        expect(':');
        out.table[key] = value();
        if (peek() == ',') at_++;
      }
      at_++;
    } else if (next == '[') {
      out.kind = Json::LIST;
      for (at_++; peek() != ']';) {
        out.list.push_back(value());
        if (peek() == ',') at_++;
      }
      at_++;
    } else if (next == '"') {
      out.kind = Json::TEXT;
      out.text = string();
    } else if (next == 'n') {
      at_ += 4;
    } else if (next == 't' || next == 'f') {
      out.kind = Json::NUMBER;
      out.number = next == 't';
      at_ += next == 't' ? 4 : 5;
    } else {
      char* end = nullptr;
      out.kind = Json::NUMBER;
      out.number = std::strtod(at_, &end);
      if (end == at_) throw std::runtime_error("golden.json: not a number");
      at_ = end;
    }
    return out;
  }

 private:
  char peek() {
    while (*at_ == ' ' || *at_ == '\n') at_++;
    return *at_;
  }
  void expect(char c) {
    if (peek() != c) throw std::runtime_error(std::string("golden.json: no ") + c);
    at_++;
  }
  std::string string() {
    expect('"');
    std::string out;
    while (*at_ && *at_ != '"') out += *at_++;
    expect('"');
    return out;
  }

  const char* at_;
};

std::vector<std::uint8_t> base64(const std::string& text) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> out;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    buffer = (buffer << 6) | unsigned(digits.find(c));
    bits += 6;
    if (bits >= 8) bits -= 8, out.push_back(std::uint8_t(buffer >> bits));
  }
  return out;
}

Image image(const Json& json) {
  Image out(json["width"].whole(), json["height"].whole());
  out.data = base64(json["rgb"].text);
  return out;
}

Box box(const Json& json) { return {json[0], json[1], json[2], json[3]}; }

Points points(const Json& json) {
  Points out;
  for (const Json& p : json.list) out.push_back({p[0], p[1]});
  return out;
}

Matrix matrix(const Json& json) {
  return {json[0][0], json[0][1], json[0][2], json[1][0], json[1][1], json[1][2]};
}

/// What was compared, and the largest differences.
struct Check {
  std::string step;
  long numbers = 0, bytes = 0, bytes_off = 0;
  double off = 0;

  void number(double found, double right) {
    numbers++;
    if (found == right) return;  // infinity too
    const double difference = std::abs(found - right);
    if (!(difference <= 0.001)) {
      std::ostringstream message;
      message << step << ": " << found << " must be " << right;
      throw std::runtime_error(message.str());
    }
    off = std::max(off, difference);
  }
  void all(const std::vector<double>& found, const std::vector<double>& right) {
    number(double(found.size()), double(right.size()));
    for (std::size_t i = 0; i < found.size(); i++) number(found[i], right[i]);
  }
  template <typename Array>
  void same(const Array& found, const Array& right) {
    all({found.begin(), found.end()}, {right.begin(), right.end()});
  }
  void same(const Points& found, const Points& right) {
    number(double(found.size()), double(right.size()));
    for (std::size_t i = 0; i < found.size(); i++) same<Point>(found[i], right[i]);
  }
  void same(const Image& found, const Image& right) {
    number(found.width, right.width);
    number(found.height, right.height);
    number(double(found.data.size()), double(right.data.size()));
    for (std::size_t i = 0; i < found.data.size(); i++) {
      const int difference = std::abs(int(found.data[i]) - int(right.data[i]));
      if (difference > 1)
        throw std::runtime_error(step + ": byte " + std::to_string(i) + " is " + std::to_string(found.data[i]) +
                                 ", must be " + std::to_string(right.data[i]));
      bytes++;
      bytes_off += difference;
    }
    // Another processor may round a tie elsewhere; more would move landmarks of an int8 network.
    if (bytes_off * 1000 > bytes + 3000)
      throw std::runtime_error(step + ": " + std::to_string(bytes_off) + " of " + std::to_string(bytes) + " bytes differ by 1");
  }
  ~Check() {
    std::printf("%s: %ld numbers within %.1g, %ld bytes, %ld off by 1\n", step.c_str(), numbers, off, bytes, bytes_off);
  }
};

}  // namespace
