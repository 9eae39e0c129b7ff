// Prints the landmarks of every face in a picture, a line for each: x y x y ...
//
//     example face.tflite face_detection_short_range.tflite face_detection_full_range.tflite face.ppm
//
// The picture is a binary PPM (P6), which needs no library to read; an app has camera frames instead.

#include <cstdio>
#include <fstream>
#include <memory>

#include "face_model.hpp"
#include "keras_fld.hpp"
#include "litert_network.hpp"

using namespace keras_fld;

Image read_ppm(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int width = 0, height = 0, limit = 0;
  file >> kind >> width >> height >> limit;
  file.get();
  if (!file || kind != "P6" || limit != 255 || width < 1 || height < 1)
    throw std::runtime_error(std::string(path) + ": must be a binary PPM of 8 bits");
  Image image(width, height);
  file.read(reinterpret_cast<char*>(image.data.data()), std::streamsize(image.data.size()));
  if (!file) throw std::runtime_error(std::string(path) + ": the picture ends early");
  return image;
}

DetectorNetwork detector_network(const char* path) {
  auto network = std::make_shared<LiteRtNetwork>(path);
  return [network](const std::vector<float>& input) { return network->run(input); };
}

LandmarkNetwork landmark_network(const char* path) {
  auto network = std::make_shared<LiteRtNetwork>(path);
  return [network](const Image& crop) { return network->run(crop.data).at(0); };
}

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: example face.tflite short.tflite full.tflite picture.ppm\n"), 2;
  try {
    const Landmarker landmarker(landmark_network(argv[1]), FACE_MODEL);
    const BlazeFace detector(BlazeNet(detector_network(argv[2])), BlazeNet(detector_network(argv[3]), true));
    const Image image = read_ppm(argv[4]);
    for (const Place& place : detector.detect(image)) {
      const DetectedFace face = landmarker.detect(image, place);
      for (const auto& [x, y] : face.landmarks) std::printf("%.4f %.4f ", x, y);
      std::printf("\n");
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
