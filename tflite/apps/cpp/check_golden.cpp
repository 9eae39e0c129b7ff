// Checks keras_fld.hpp against golden.json: numbers within 0.001, bytes within 1, nearly all of
// them equal.
//
//     g++ -std=c++17 -O2 check_golden.cpp -o check && ./check ../golden.json
//
// Prints "steps: numbers, bytes" for each step, and returns 1 at the first difference.

#include <cstdio>
#include <fstream>
#include <iostream>
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

FaceCrop crop(const Json& json) { return {json["size"].whole(), json["margin"]}; }

void matrices(const Json& golden, Check& check) {
  for (const Json& c : golden["matrix"].list) {
    const Matrix m = crop(c).matrix(box(c["box"]), c["angle"]);
    check.same(m, matrix(c["matrix"]));
    check.same(transform(points(c["points"]), invert(m)), points(c["in_picture"]));
  }
}

void crops(const Json& golden, Check& check) {
  const Image picture = image(golden["picture"]);
  for (const Json& c : golden["crop"].list)
    check.same(warp(picture, crop(c).matrix(box(c["box"]), c["angle"]), c["size"].whole()), image(c));
}

void letterbox(const Json& golden, Check& check) {
  const Image picture = image(golden["picture"]);
  const auto limit = [](const Json& v, double infinite) { return v.kind == Json::NUMBER ? v.number : infinite; };
  for (const Json& c : golden["tiles"].list) {
    const int size = c["size"].whole();
    const std::vector<int> sides = level_sides(std::max(picture.width, picture.height), size, c["smallest"]);
    check.number(double(sides.size()), double(c["sides"].size()));
    for (std::size_t i = 0; i < sides.size(); i++) check.number(sides[i], c["sides"][i]);
    const std::vector<Tile> found = tiles(picture, size, sides);
    check.number(double(found.size()), c["count"]);
    for (std::size_t i = 0; i < c["shown"].size(); i++) {
      const Tile& tile = found.at(std::size_t(c["shown"][i].whole()));
      const Json& right = c["tiles"][i];
      check.same(tile.to_photo, matrix(right["to_photo"]));
      for (std::size_t k = 0; k < 2; k++) {
        check.number(tile.low[k], limit(right["low"][k], -INFINITY));
        check.number(tile.high[k], limit(right["high"][k], INFINITY));
      }
      check.same(tile.image, image(right));
    }
  }
}

BlazeNet network(const Json& name) {
  return BlazeNet([](const std::vector<float>&) { return std::vector<std::vector<float>>{}; }, name.text == "full");
}

void anchors(const Json& golden, Check& check) {
  for (const Json& c : golden["anchors"].list) {
    const BlazeNet net = network(c["network"]);
    check.number(net.size, c["size"]);
    check.number(double(net.centers.size()), c["count"]);
    Points shown;
    for (std::size_t i = 0; i < net.centers.size(); i += std::size_t(c["every"].whole())) shown.push_back(net.centers[i]);
    check.same(shown, points(c["centers"]));
  }
}

void same_faces(Check& check, const Faces& found, const Json& right) {
  check.number(double(found.size()), double(right.size()));
  for (std::size_t i = 0; i < found.size(); i++) {
    for (std::size_t k = 0; k < 14; k++) check.number(found[i].points[k / 2][k % 2], right[i][k]);
    check.number(found[i].side, right[i][14]);
    check.number(found[i].score, right[i][15]);
  }
}

void decoding(const Json& golden, Check& check) {
  for (std::size_t i = 0; i < 13; i++)
    for (std::size_t k = 0; k < 4; k++) check.number(BOX_MAP[i][k], golden["coefficients"][i][k]);
  for (const Json& c : golden["decode"].list) {
    const BlazeNet net = network(c["network"]);
    std::vector<float> numbers(16 * net.centers.size()), logits(net.centers.size(), float(c["nothing"].number));
    for (std::size_t i = 0; i < c["anchors"].size(); i++) {
      const std::size_t anchor = std::size_t(c["anchors"][i].whole());
      logits[anchor] = float(c["logits"][i].number);
      for (std::size_t k = 0; k < 16; k++) numbers[16 * anchor + k] = float(c["numbers"][i][k].number);
    }
    const Faces found = net.decode(numbers, logits, c["threshold"]);
    check.number(double(found.size()), c["found"]);
    const Faces merged = best(found);
    same_faces(check, merged, c["faces"]);
    Faces moved;
    for (std::size_t i = 0; i < merged.size(); i++) {
      moved.push_back(merged[i].moved(matrix(c["matrix"])));
      check.number(merged[i].angle(), c["angles"][i]);
      check.number(turn_on_grid(merged[i].angle()), c["angles_on_grid"][i]);
      const Box tight = tight_box(merged[i]);
      check.same(tight, box(c["boxes"][i]));
      for (std::size_t k = 0; k < 4; k++) check.number(on_grid(tight[k], merged[i].side), c["boxes_on_grid"][i][k]);
    }
    same_faces(check, moved, c["moved"]);
  }
}

ModelInfo model(const Json& golden) {
  ModelInfo info;
  for (std::size_t eye = 0; eye < 2; eye++)
    for (const Json& index : golden["eyes"][eye].list) info.eyes[eye].push_back(std::size_t(index.whole()));
  return info;
}

void places(const Json& golden, Check& check) {
  for (const Json& c : golden["next_place"].list) {
    const Place place = next_place(points(c["landmarks"]), model(golden), c["near"]);
    check.number(place.angle, c["angle"]);
    check.same(place.box, box(c["box"]));
    const FaceCrop frame{64, 1.1};
    const Matrix before = frame.matrix(box(c["before"]), c["near"]);
    check.number(crop_shift(frame.matrix(place.box, place.angle), before, 64), c["shift"]);
  }
}

void plausibility(const Json& golden, Check& check) {
  const Points mean_shape = points(golden["mean_shape"]);
  for (const Json& c : golden["plausible"].list) {
    const Points landmarks = points(c["landmarks"]);
    const auto [off, tilt] = residual(landmarks, mean_shape, c["angle"]);
    check.number(off, c["residual"]);
    check.number(tilt, c["tilt"]);
    const Place before{box(c["box"]), c["angle"]};
    check.number(plausible(landmarks, before, c["width"].whole(), c["height"].whole(), mean_shape), c["plausible"]);
  }
}

void smoothing(const Json& golden, Check& check) {
  for (const Json& c : golden["smooth"].list) {
    OneEuroFilter smooth(c["min_cutoff"], c["beta"]);
    for (const Json& frame : c["frames"].list)
      check.same(smooth(points(frame["points"]), frame["time"], frame["unit"]), points(frame["smoothed"]));
  }
}

void camera(const Json& golden, Check& check) {
  for (const Json& c : golden["yuv"].list) {
    const auto bytes = base64(c["nv21"].text);
    check.same(nv21_to_rgb(bytes.data(), c["width"].whole(), c["height"].whole(), c["full_range"] != 0), image(c));
  }
  const Image sensor = image(golden["sensor"]);
  for (const Json& c : golden["turn"].list) {
    const bool mirrored = c["mirrored"] != 0;
    check.same(turned(sensor, c["degrees"].whole(), mirrored), image(c));
    const Matrix m = turn_matrix(sensor.width, sensor.height, c["degrees"].whole(), mirrored);
    check.same(transform(points(c["points"]), m), points(c["turned"]));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: check golden.json\n"), 2;
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  try {
    const std::string content = text.str();
    const Json golden = Reader(content).value();
    const std::pair<const char*, void (*)(const Json&, Check&)> steps[] = {
        {"matrix", matrices},     {"crop", crops},         {"tiles", letterbox},
        {"anchors", anchors},     {"decode", decoding},    {"next_place", places},
        {"plausible", plausibility}, {"smooth", smoothing}, {"camera", camera}};
    for (const auto& [name, step] : steps) {
      Check check;
      check.step = name;
      step(golden, check);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
