// Checks keras_fld.hpp against golden.json: numbers within 0.001, bytes within 1, nearly all of
// them equal.
//
//     g++ -std=c++17 -O2 check_golden.cpp -o check && ./check ../golden.json
//
// Prints "steps: numbers, bytes" for each step, and returns 1 at the first difference.

#include <fstream>
#include <iostream>

#include "golden.hpp"

namespace {

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

/// Writes the listed anchors of a detector's answer into its whole outputs.
void fill(const Json& answer, std::vector<float>& numbers, std::vector<float>& logits) {
  for (std::size_t i = 0; i < answer["anchors"].size(); i++) {
    const std::size_t anchor = std::size_t(answer["anchors"][i].whole());
    logits[anchor] = float(answer["logits"][i].number);
    for (std::size_t k = 0; k < 16; k++) numbers[16 * anchor + k] = float(answer["numbers"][i][k].number);
  }
}

void decoding(const Json& golden, Check& check) {
  for (std::size_t i = 0; i < 13; i++)
    for (std::size_t k = 0; k < 4; k++) check.number(BOX_MAP[i][k], golden["coefficients"][i][k]);
  for (const Json& c : golden["decode"].list) {
    const BlazeNet net = network(c["network"]);
    std::vector<float> numbers(16 * net.centers.size()), logits(net.centers.size(), float(c["nothing"].number));
    fill(c, numbers, logits);
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

void parts(const Json& golden, Check& check) {
  for (const Json& c : golden["box_in_face"].list) {
    ModelInfo info;
    info.box_in_face = box(c["part"]);
    const Place face{box(c["face"]), c["angle"], 0.5, true};
    const Place place = in_face(face, info);
    check.same(place.box, box(c["box"]));
    check.number(place.angle, c["angle"]);
    check.number(place.score, 0.5);
    check.same(in_face(place, info).box, place.box);
    check.same(face_around(place, info).box, face.box);
    check.same(face_around(face, info).box, face.box);
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

void grouping(const Json& golden, Check& check) {
  for (const Json& c : golden["boxes"].list) {
    std::vector<Box> boxes, others;
    for (const Json& b : c["boxes"].list) boxes.push_back(box(b));
    for (const Json& b : c["others"].list) others.push_back(box(b));
    for (std::size_t i = 0; i < boxes.size(); i++) {
      double most = 0;
      for (std::size_t k = 0; k < others.size(); k++) {
        check.number(overlap(boxes[i], others[k]), c["overlap"][i][k]);
        most = std::max(most, covered(boxes[i], others[k]));
      }
      check.number(most, c["covered"][i]);
    }
    const auto found = pairs(boxes, others, 0.3);
    check.number(double(found.size()), double(c["pairs"].size()));
    for (std::size_t i = 0; i < found.size(); i++) {
      check.number(double(found[i].first), c["pairs"][i][0]);
      check.number(double(found[i].second), c["pairs"][i][1]);
    }
    std::vector<double> later, right;
    std::vector<Box> all = others;
    all.insert(all.end(), boxes.begin(), boxes.end());
    const std::vector<bool> twice = doubled(all);
    for (std::size_t i = 0; i < twice.size(); i++)
      if (twice[i]) later.push_back(double(i));
    for (const Json& i : c["doubled"].list) right.push_back(i);
    check.all(later, right);
  }
}

/// Gives a network's recorded answers, each once, by the mean of what the network is shown: the order
/// in which faces are looked at is free.
class Answers {
 public:
  Answers(const Json& list, Check& check) : list_(list), check_(check), used_(list.size()) {}

  const Json& next(double mean) {
    for (std::size_t i = 0; i < list_.size(); i++) {
      if (used_[i] || std::abs(list_[i]["mean"] - mean) > 0.001) continue;
      used_[i] = true;
      check_.number(mean, list_[i]["mean"]);
      return list_[i];
    }
    throw std::runtime_error(check_.step + ": a network is shown another picture than Python's, of the mean " + std::to_string(mean));
  }
  void finish() const {
    check_.number(double(std::count(used_.begin(), used_.end(), true)), double(list_.size()));
  }

 private:
  const Json& list_;
  Check& check_;
  std::vector<bool> used_;
};

/// A frame of the video: a texture, and the picture in several places.
Image video_frame(const Json& track, const Image& picture, const Json& places) {
  Image frame(track["width"].whole(), track["height"].whole());
  for (int y = 0; y < frame.height; y++)
    for (int x = 0; x < frame.width; x++) std::fill_n(frame.at(x, y), 3, std::uint8_t((2 * x * x + y * y + x * y) % 139 + 53));
  for (const Json& place : places.list)
    for (int y = 0; y < picture.height; y++)
      for (int x = 0; x < picture.width; x++) {
        const int u = x + place[0].whole(), v = y + place[1].whole();
        if (u >= 0 && v >= 0 && u < frame.width && v < frame.height) std::copy_n(picture.at(x, y), 3, frame.at(u, v));
      }
  return frame;
}

void tracking(const Json& golden, Check& check) {
  const Json& track = golden["track"];
  const Image picture = image(golden["picture"]);
  Answers landmarks(track["landmarks"], check), faces(track["detector"], check);
  const auto mean = [](const auto& values) { return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size()); };
  const LandmarkNetwork landmark_network = [&](const Image& crop) {
    std::vector<float> output;
    for (const Json& p : landmarks.next(mean(crop.data))["output"].list) output.push_back(float(p[0].number)), output.push_back(float(p[1].number));
    return output;
  };
  const DetectorNetwork detector_network = [&](const std::vector<float>& input) {
    const Json& answer = faces.next((mean(input) + 1) * 127.5);
    std::vector<float> numbers(16 * 896), logits(896, float(track["nothing"].number));
    fill(answer, numbers, logits);
    return std::vector<std::vector<float>>{logits, numbers};
  };
  ModelInfo info = model(golden);
  info.crop = crop(track);
  for (const Point& p : points(golden["mean_shape"])) {
    const double scale = info.crop.size / info.crop.margin, middle = (info.crop.size - 1) / 2.0;
    info.mean_shape.push_back({p[0] * scale + middle, p[1] * scale + middle});
  }
  FaceTracker tracker(Landmarker(landmark_network, info), BlazeFace(BlazeNet(detector_network)));
  for (const Json& frame : track["frames"].list) {
    const std::vector<TrackedFace> found = tracker.update(video_frame(track, picture, frame["places"]), frame["time"]);
    check.number(double(found.size()), double(frame["faces"].size()));
    for (std::size_t i = 0; i < found.size(); i++) {
      const Json& right = frame["faces"][i];
      check.number(found[i].id, right["id"]);
      check.same(found[i].place.box, box(right["box"]));
      check.number(found[i].place.angle, right["angle"]);
      Points shown;
      for (std::size_t k = 0; k < found[i].landmarks.size(); k += std::size_t(track["every"].whole())) shown.push_back(found[i].landmarks[k]);
      check.same(shown, points(right["landmarks"]));
    }
  }
  landmarks.finish();
  faces.finish();
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
        {"box_in_face", parts},   {"plausible", plausibility}, {"smooth", smoothing},
        {"boxes", grouping},      {"track", tracking},   {"camera", camera}};
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
