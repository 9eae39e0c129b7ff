// Faces and their landmarks in pictures and videos: the pipeline around the networks of keras_fld.
//
// One header of C++17 without dependencies. The networks run in any build of LiteRT or TensorFlow
// Lite: two callbacks take the input and return the outputs (see README.md). Names and results are
// those of the Python package, which golden.json checks.
//
// Pixel centers are at whole numbers. A matrix is {a, b, c, d, e, f}, the rows of a 2x3 matrix. A box is
// {x, y, width, height}. Angles are in radians, clockwise; the box of a rotated face is the box of the
// face after rotating it upright about the box's center.
//
// License: Apache-2.0, that of keras_fld and of the detector's network files, which are Google's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace keras_fld {

using Point = std::array<double, 2>;
using Points = std::vector<Point>;
using Box = std::array<double, 4>;
using Matrix = std::array<double, 6>;

constexpr double PI = 3.14159265358979323846;

/// An RGB picture: rows from the top, three bytes for each pixel.
struct Image {
  int width = 0, height = 0;
  std::vector<std::uint8_t> data;

  Image() = default;
  Image(int width_, int height_)
      : width(width_), height(height_), data(std::size_t(width_) * std::size_t(height_) * 3) {}
  std::uint8_t* at(int x, int y) { return &data[3 * (std::size_t(y) * std::size_t(width) + std::size_t(x))]; }
  const std::uint8_t* at(int x, int y) const {
    return &data[3 * (std::size_t(y) * std::size_t(width) + std::size_t(x))];
  }
};

// ---------------------------------------------------------------------------------- camera frames

namespace detail {

inline std::uint8_t byte(int value) { return std::uint8_t(std::clamp(value, 0, 255)); }

inline void check_image(const Image& image) {
  if (image.width < 1 || image.height < 1 ||
      image.data.size() != std::size_t(image.width) * std::size_t(image.height) * 3)
    throw std::invalid_argument("an image must have width * height * 3 bytes, at least one pixel");
}

/// As Python's round: halves to the even neighbor.
inline int round_even(double value) { return int(std::nearbyint(value)); }

}  // namespace detail

/// RGB of a camera's YUV 4:2:0 frame with 8 bits (BT.601).
///
/// All layouts are cases of this one: NV21 has v = uv, u = uv + 1 and a pixel stride of 2; NV12 has
/// u = uv, v = uv + 1; I420 has a pixel stride of 1. An Android Image gives the pointers and strides.
///
/// @param full_range whether Y is from 0 to 255, as from Android's cameras and iOS's "FullRange"
///     formats; otherwise from 16 to 235, as in most videos.
inline Image yuv420_to_rgb(const std::uint8_t* y, int y_stride, const std::uint8_t* u,
                           const std::uint8_t* v, int uv_stride, int uv_pixel_stride, int width,
                           int height, bool full_range = true) {
  Image image(width, height);
  for (int row = 0; row < height; row++) {
    std::uint8_t* out = image.at(0, row);
    for (int column = 0; column < width; column++, out += 3) {
      const std::ptrdiff_t at = std::ptrdiff_t(row / 2) * uv_stride + std::ptrdiff_t(column / 2) * uv_pixel_stride;
      const int luma = y[std::ptrdiff_t(row) * y_stride + column], cb = u[at] - 128, cr = v[at] - 128;
      // OpenCV's integers, so that the bytes are those of Python.
      if (full_range) {
        out[0] = detail::byte(luma + ((22987 * cr + 8192) >> 14));
        out[1] = detail::byte(luma + ((-5636 * cb - 11698 * cr + 8192) >> 14));
        out[2] = detail::byte(luma + ((29049 * cb + 8192) >> 14));
      } else {
        const int base = std::max(0, luma - 16) * 1220542 + (1 << 19);
        out[0] = detail::byte((base + 1673527 * cr) >> 20);
        out[1] = detail::byte((base - 852492 * cr - 409993 * cb) >> 20);
        out[2] = detail::byte((base + 2116026 * cb) >> 20);
      }
    }
  }
  return image;
}

/// RGB of an NV21 frame without padding: Y of all pixels, then V and U of each 2x2 pixels.
inline Image nv21_to_rgb(const std::uint8_t* nv21, int width, int height, bool full_range = true) {
  const std::uint8_t* vu = nv21 + std::ptrdiff_t(width) * height;
  const int stride = 2 * ((width + 1) / 2);
  return yuv420_to_rgb(nv21, width, vu + 1, vu, stride, 2, width, height, full_range);
}

/// RGB of four bytes a pixel, such as an Android Bitmap's RGBA; `bgra` for iOS's BGRA.
inline Image rgba_to_rgb(const std::uint8_t* rgba, int stride, int width, int height,
                         bool bgra = false) {
  Image image(width, height);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      const std::uint8_t* from = rgba + std::ptrdiff_t(y) * stride + 4 * std::ptrdiff_t(x);
      std::uint8_t* to = image.at(x, y);
      for (int k = 0; k < 3; k++) to[k] = from[bgra ? 2 - k : k];
    }
  }
  return image;
}

/// The matrix from a sensor's pixels to those of `turned`.
inline Matrix turn_matrix(int width, int height, int degrees, bool mirrored = false) {
  if (degrees % 90) throw std::invalid_argument("degrees must be 0, 90, 180 or 270. Got: " + std::to_string(degrees));
  const int quarter = ((degrees / 90) % 4 + 4) % 4;
  const double right = width - 1, bottom = height - 1;
  Matrix m = quarter == 0   ? Matrix{1, 0, 0, 0, 1, 0}
             : quarter == 1 ? Matrix{0, -1, bottom, 1, 0, 0}
             : quarter == 2 ? Matrix{-1, 0, right, 0, -1, bottom}
                            : Matrix{0, 1, 0, -1, 0, right};
  if (mirrored) m = {-m[0], -m[1], (quarter % 2 ? bottom : right) - m[2], m[3], m[4], m[5]};
  return m;
}

/// A sensor's picture turned clockwise by 0, 90, 180 or 270 degrees, then mirrored if asked.
inline Image turned(const Image& image, int degrees, bool mirrored = false) {
  detail::check_image(image);
  const Matrix m = turn_matrix(image.width, image.height, degrees, mirrored);
  const bool sideways = m[0] == 0;
  Image out(sideways ? image.height : image.width, sideways ? image.width : image.height);
  for (int y = 0; y < image.height; y++) {
    for (int x = 0; x < image.width; x++) {
      std::uint8_t* to = out.at(int(m[0] * x + m[1] * y + m[2]), int(m[3] * x + m[4] * y + m[5]));
      std::copy_n(image.at(x, y), 3, to);
    }
  }
  return out;
}

// -------------------------------------------------------------------------------------- geometry

inline Point transform(const Point& p, const Matrix& m) {
  return {m[0] * p[0] + m[1] * p[1] + m[2], m[3] * p[0] + m[4] * p[1] + m[5]};
}

inline Points transform(const Points& points, const Matrix& m) {
  Points out;
  for (const Point& point : points) out.push_back(transform(point, m));
  return out;
}

/// The matrix of the way back.
inline Matrix invert(const Matrix& m) {
  const double det = m[0] * m[4] - m[1] * m[3];
  const double a = m[4] / det, b = -m[1] / det, c = -m[3] / det, d = m[0] / det;
  return {a, b, -(a * m[2] + b * m[5]), c, d, -(c * m[2] + d * m[5])};
}

/// The matrix that applies `before`, then `after`.
inline Matrix compose(const Matrix& after, const Matrix& before) {
  const auto [a, b, c, d, e, f] = after;
  const auto [p, q, r, s, t, u] = before;
  return {a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f};
}

/// The matrix that rotates about 0, 0.
inline Matrix rotation(double angle) {
  const double cos = std::cos(angle), sin = std::sin(angle);
  return {cos, -sin, 0, sin, cos, 0};
}

inline Point center(const Box& box) { return {box[0] + box[2] / 2, box[1] + box[3] / 2}; }

inline double longer_side(const Box& box) { return std::max(box[2], box[3]); }

inline Box box_around(const Point& middle, double width, double height) {
  return {middle[0] - width / 2, middle[1] - height / 2, width, height};
}

/// Intersection over union of two boxes.
inline double overlap(const Box& a, const Box& b) {
  const double across = std::min(a[0] + a[2], b[0] + b[2]) - std::max(a[0], b[0]);
  const double down = std::min(a[1] + a[3], b[1] + b[3]) - std::max(a[1], b[1]);
  const double common = std::max(0.0, across) * std::max(0.0, down);
  return common / (a[2] * a[3] + b[2] * b[3] - common);
}

/// The share of a box's area that another box covers.
inline double covered(const Box& box, const Box& by) {
  const double across = std::min(box[0] + box[2], by[0] + by[2]) - std::max(box[0], by[0]);
  const double down = std::min(box[1] + box[3], by[1] + by[3]) - std::max(box[1], by[1]);
  return std::max(0.0, across) * std::max(0.0, down) / (box[2] * box[3]);
}

/// Pairs boxes with others, the largest overlap first; each is used at most once.
inline std::vector<std::pair<std::size_t, std::size_t>> pairs(const std::vector<Box>& boxes, const std::vector<Box>& others,
                                                              double least) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  std::vector<bool> paired(boxes.size()), taken(others.size());
  for (;;) {
    double most = least;
    std::optional<std::pair<std::size_t, std::size_t>> next;
    for (std::size_t i = 0; i < boxes.size(); i++)
      for (std::size_t k = 0; k < others.size(); k++) {
        if (paired[i] || taken[k]) continue;
        const double common = overlap(boxes[i], others[k]);
        if (next ? common > most : common >= most) most = common, next = {i, k};
      }
    if (!next) return found;
    paired[next->first] = taken[next->second] = true;
    found.push_back(*next);
  }
}

/// Which boxes are on the same face as an earlier one.
inline std::vector<bool> doubled(const std::vector<Box>& boxes) {
  std::vector<bool> found(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); i++)
    for (std::size_t k = 0; k < i; k++) found[i] = found[i] || overlap(boxes[k], boxes[i]) >= 0.6;
  return found;
}

/// The tight box around landmarks of a face rotated by an angle.
inline Box upright_box(const Points& points, double angle) {
  const Matrix to_photo = rotation(angle), back = invert(to_photo);
  Point low{INFINITY, INFINITY}, high{-INFINITY, -INFINITY};
  for (const Point& point : points) {
    const Point p = transform(point, back);
    for (std::size_t k = 0; k < 2; k++) low[k] = std::min(low[k], p[k]), high[k] = std::max(high[k], p[k]);
  }
  const double width = std::max(high[0] - low[0], 1e-6), height = std::max(high[1] - low[1], 1e-6);
  const Point middle = transform(Point{low[0] + width / 2, low[1] + height / 2}, to_photo);
  return box_around(middle, width, height);
}

/// The least-squares similarity between two sets of points.
inline Matrix similarity(const Points& points, const Points& onto) {
  using C = std::complex<double>;
  C mean_a = 0, mean_b = 0, product = 0;
  double norm = 0;
  const double count = double(points.size());
  for (std::size_t i = 0; i < points.size(); i++) {
    mean_a += C(points[i][0], points[i][1]) / count;
    mean_b += C(onto[i][0], onto[i][1]) / count;
  }
  for (std::size_t i = 0; i < points.size(); i++) {
    const C a = C(points[i][0], points[i][1]) - mean_a, b = C(onto[i][0], onto[i][1]) - mean_b;
    product += std::conj(a) * b;
    norm += std::norm(a);
  }
  const C factor = product / norm, shift = mean_b - factor * mean_a;
  return {factor.real(), -factor.imag(), shift.real(), factor.imag(), factor.real(), shift.imag()};
}

/// The size and margin of the square crop that a network sees; both are in the file's metadata.
struct FaceCrop {
  int size = 64;
  double margin = 1.1;

  /// The matrix from the picture to the crop that shows the face upright.
  Matrix matrix(const Box& box, double angle = 0) const {
    if (!(box[2] > 0 && box[3] > 0 && std::isfinite(box[0] + box[1] + box[2] + box[3])))
      throw std::invalid_argument("a box must be x, y, width, height with a positive size");
    const double scale = size / (margin * longer_side(box)), middle = (size - 1) / 2.0;
    const double cos = scale * std::cos(angle), sin = scale * std::sin(angle);
    const auto [x, y] = center(box);
    return {cos, sin, middle - (cos * x + sin * y), -sin, cos, middle - (cos * y - sin * x)};
  }
};

// --------------------------------------------------------------------------------------- pictures

namespace detail {

/// Along one axis of a reduced picture: the old pixels that each new one covers, and by how much.
struct Coverage {
  std::vector<std::size_t> starts{0};
  std::vector<int> places;
  std::vector<float> shares;

  Coverage(int size, int new_size, bool whole) {
    const double factor = double(size) / new_size;
    for (int i = 0; i < new_size; i++) {
      const double low = i * factor, high = std::min(low + factor, double(size));
      for (int k = int(low); k < high - 1e-6; k++) {
        places.push_back(k);
        const double part = std::min(k + 1.0, high) - std::max(double(k), low);
        shares.push_back(whole ? 1.0f : float(part / (high - low)));
      }
      starts.push_back(places.size());
    }
  }
};

/// Means of 2 by 2 pixels. The last row or column of an odd number is dropped.
inline Image halved(const Image& image) {
  Image out(image.width / 2, image.height / 2);
  for (int v = 0; v < out.height; v++)
    for (int u = 0; u < out.width; u++) {
      const std::uint8_t *upper = image.at(2 * u, 2 * v), *lower = image.at(2 * u, 2 * v + 1);
      for (int k = 0; k < 3; k++)
        out.at(u, v)[k] = std::uint8_t((upper[k] + upper[k + 3] + lower[k] + lower[k + 3] + 2) >> 2);
    }
  return out;
}

/// Area averaging: each new pixel is the mean of what it covers, in float32 as OpenCV has it.
inline Image reduce(const Image& image, int width, int height) {
  // Halved first, which is faster, where all pixels have a neighbor.
  if (image.width % 2 == 0 && image.height % 2 == 0 && image.width >= 2 * width && image.height >= 2 * height)
    return reduce(halved(image), width, height);
  if (image.width == width && image.height == height) return image;
  const bool whole = image.width % width == 0 && image.height % height == 0;
  const int pixels = whole ? (image.width / width) * (image.height / height) : 1;
  const Coverage columns(image.width, width, whole), rows(image.height, height, whole);
  Image out(width, height);
  std::vector<float> total(std::size_t(width) * 3);
  for (int v = 0; v < height; v++) {
    std::fill(total.begin(), total.end(), 0.0f);
    for (std::size_t i = rows.starts[std::size_t(v)]; i < rows.starts[std::size_t(v) + 1]; i++) {
      for (std::size_t u = 0; u < std::size_t(width); u++) {
        float sums[3] = {0, 0, 0};
        for (std::size_t j = columns.starts[u]; j < columns.starts[u + 1]; j++) {
          const std::uint8_t* pixel = image.at(columns.places[j], rows.places[i]);
          for (int k = 0; k < 3; k++) sums[k] += columns.shares[j] * float(pixel[k]);
        }
        for (std::size_t k = 0; k < 3; k++) total[3 * u + k] += rows.shares[i] * sums[k];
      }
    }
    const float scale = 1.0f / float(pixels);
    for (std::size_t j = 0; j < total.size(); j++)
      out.at(0, v)[j] = byte(round_even(double(total[j] * scale)));
  }
  return out;
}

/// Along one axis of an enlarged picture: two old pixels for each new one, and weights of 2048.
struct Neighbors {
  int places[2], weights[2];

  /// OpenCV moves a column at the edge to its center, but weighs an edge's row with itself.
  static std::vector<Neighbors> along(int size, int new_size, bool is_row) {
    std::vector<Neighbors> found;
    for (int i = 0; i < new_size; i++) {
      float place = float((i + 0.5) * (double(size) / new_size) - 0.5);
      if (!is_row) place = std::clamp(place, 0.0f, float(size - 1));
      const int low = int(std::floor(place));
      const float share = place - float(low);
      found.push_back({{std::clamp(low, 0, size - 1), std::clamp(low + 1, 0, size - 1)},
                       {round_even(2048.0 * double(1 - share)), round_even(2048.0 * double(share))}});
    }
    return found;
  }
};

/// Bilinear interpolation, edge pixels repeated outside, in OpenCV's integers.
inline Image enlarge(const Image& image, int width, int height) {
  const auto columns = Neighbors::along(image.width, width, false), rows = Neighbors::along(image.height, height, true);
  Image out(width, height);
  for (int v = 0; v < height; v++) {
    const Neighbors& row = rows[std::size_t(v)];
    for (int u = 0; u < width; u++) {
      const Neighbors& column = columns[std::size_t(u)];
      for (int k = 0; k < 3; k++) {
        int sum = 0;
        for (int i = 0; i < 2; i++) {
          const int across = (image.at(column.places[0], row.places[i])[k] * column.weights[0] +
                              image.at(column.places[1], row.places[i])[k] * column.weights[1]) >> 4;
          sum += (across * row.weights[i]) >> 16;
        }
        out.at(u, v)[k] = byte((sum + 2) >> 2);
      }
    }
  }
  return out;
}

/// A crop by bilinear interpolation, black outside; places are rounded to 1/32 pixel as in OpenCV.
inline Image bilinear(const Image& image, const Matrix& back, int size) {
  static const std::uint8_t black[3] = {0, 0, 0};
  const auto at = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < image.width && y < image.height ? image.at(x, y) : black;
  };
  // Far outside the picture nothing but black is seen; the limit keeps the integers small.
  const auto fixed = [](double value) { return int(std::nearbyint(std::clamp(value * 1024, -1e9, 1e9))); };
  Image crop(size, size);
  for (int v = 0; v < size; v++) {
    const int start_x = fixed(back[1] * v + back[2]) + 16, start_y = fixed(back[4] * v + back[5]) + 16;
    for (int u = 0; u < size; u++) {
      const int x = (start_x + fixed(back[0] * u)) >> 5, y = (start_y + fixed(back[3] * u)) >> 5;
      const int x0 = x >> 5, y0 = y >> 5, fx = x & 31, fy = y & 31;
      const std::uint8_t *a = at(x0, y0), *b = at(x0 + 1, y0), *c = at(x0, y0 + 1), *d = at(x0 + 1, y0 + 1);
      for (int k = 0; k < 3; k++) {
        const int upper = a[k] * (32 - fx) + b[k] * fx, lower = c[k] * (32 - fx) + d[k] * fx;
        crop.at(u, v)[k] = std::uint8_t((upper * (32 - fy) + lower * fy + 512) >> 10);
      }
    }
  }
  return crop;
}

/// A part of a picture; what lies outside is black.
inline Image cut(const Image& image, int left, int top, int width, int height) {
  Image out(width, height);
  const int first = std::max(left, 0), count = std::min(left + width, image.width) - first;
  for (int y = std::max(top, 0); count > 0 && y < std::min(top + height, image.height); y++)
    std::copy_n(image.at(first, y), 3 * count, out.at(first - left, y - top));
  return out;
}

}  // namespace detail

/// A picture in another size, as OpenCV's resize makes it: averaged down, or interpolated up.
inline Image resize(const Image& image, int width, int height) {
  if (width == image.width && height == image.height) return image;
  const bool smaller = width < image.width || height < image.height;
  return smaller ? detail::reduce(image, width, height) : detail::enlarge(image, width, height);
}

/// Cuts a square crop by a matrix from the picture to the crop; outside the picture it is black.
///
/// A picture of more than twice the crop's scale is first halved, until it is not: a plain warp
/// would alias.
inline Image warp(const Image& image, const Matrix& matrix, int size) {
  detail::check_image(image);
  double scale = std::sqrt(std::abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]));
  if (!(scale < 0.5)) return detail::bilinear(image, invert(matrix), size);
  const Matrix to_photo = invert(matrix);
  const double end = size, limits[2] = {double(image.width), double(image.height)};
  int low[2], extent[2];
  for (std::size_t k = 0; k < 2; k++) {
    double least = INFINITY, most = -INFINITY;
    for (const Point& corner : {Point{0, 0}, Point{end, 0}, Point{0, end}, Point{end, end}}) {
      least = std::min(least, transform(corner, to_photo)[k]);
      most = std::max(most, transform(corner, to_photo)[k]);
    }
    low[k] = int(std::clamp(std::floor(least - 2 / scale), 0.0, limits[k]));
    extent[k] = int(std::clamp(std::ceil(most + 2 / scale) + 1, 0.0, limits[k])) - low[k];
  }
  if (extent[0] < 1 || extent[1] < 1) return Image(size, size);
  Image part = detail::cut(image, low[0], low[1], extent[0], extent[1]);
  Matrix to_crop = compose(matrix, Matrix{1, 0, double(low[0]), 0, 1, double(low[1])});
  for (; scale < 0.5 && std::min(part.width, part.height) > 1; scale *= 2) {
    part = detail::halved(part);
    to_crop = compose(to_crop, Matrix{2, 0, 0.5, 0, 2, 0.5});
  }
  return detail::bilinear(part, invert(to_crop), size);
}

// --------------------------------------------------------------------------------------- detector

/// A face as BlazeFace gives it: the square's center, the eye on the left in an upright face, the
/// other eye, the tip of the nose, the mouth, and the ears in the eyes' order.
struct BlazeFaceFace {
  std::array<Point, 7> points{};
  double side = 0, score = 0;

  Box square() const { return box_around(points[0], side, side); }

  /// Radians by which the face is rotated clockwise.
  double angle() const {
    const Point &right = points[1], &left = points[2], &mouth = points[4];
    const double down_x = mouth[0] - (right[0] + left[0]) / 2, down_y = mouth[1] - (right[1] + left[1]) / 2;
    return std::atan2(left[1] - right[1] - down_x, left[0] - right[0] + down_y);
  }

  /// The face where a similarity takes it.
  BlazeFaceFace moved(const Matrix& m) const {
    BlazeFaceFace face = *this;
    for (Point& point : face.points) point = transform(point, m);
    face.side *= std::sqrt(std::abs(m[0] * m[4] - m[1] * m[3]));
    return face;
  }
};

using Faces = std::vector<BlazeFaceFace>;

/// Whether the squares of two faces are about the same one.
inline bool same(const BlazeFaceFace& a, const BlazeFaceFace& b) { return overlap(a.square(), b.square()) >= 0.3; }

/// One face of those whose squares are about the same one: the highest score, surest first.
inline Faces best(Faces faces) {
  std::stable_sort(faces.begin(), faces.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  Faces kept;
  for (const BlazeFaceFace& face : faces)
    if (std::none_of(kept.begin(), kept.end(), [&](const auto& other) { return same(face, other); }))
      kept.push_back(face);
  return kept;
}

/// Runs a network of BlazeFace on (size, size, 3) numbers from -1 to 1. Returns both outputs, in any
/// order: 16 numbers for each anchor, and one score.
using DetectorNetwork = std::function<std::vector<std::vector<float>>(const std::vector<float>& input)>;

/// One of BlazeFace's two networks with its anchors.
class BlazeNet {
 public:
  /// @param full whether it is face_detection_full_range.tflite; otherwise the short range.
  explicit BlazeNet(DetectorNetwork network, bool full = false)
      : size(full ? 192 : 128), run_(std::move(network)) {
    using Grid = std::pair<int, int>;
    for (const auto& [cells, each] : full ? std::vector<Grid>{{48, 1}} : std::vector<Grid>{{16, 2}, {8, 6}})
      for (int i = 0; i < cells * cells * each; i++) {
        const int cell = i / each;
        centers.push_back({(cell % cells + 0.5) / cells * size - 0.5, (cell / cells + 0.5) / cells * size - 0.5});
      }
  }

  /// Faces of a picture of the network's size with at least a score, several for each face.
  Faces find(const Image& image, double threshold) const {
    std::vector<float> input(image.data.size());
    for (std::size_t i = 0; i < input.size(); i++) input[i] = float(image.data[i]) * (2.0f / 255.0f) - 1.0f;
    std::vector<std::vector<float>> outputs = run_(input);
    if (outputs.size() != 2) throw std::invalid_argument("a detector's network must return two outputs");
    const bool swapped = outputs[0].size() < outputs[1].size();
    return decode(outputs[swapped ? 1 : 0], outputs[swapped ? 0 : 1], threshold);
  }

  /// The faces that the outputs are about.
  Faces decode(const std::vector<float>& numbers, const std::vector<float>& logits, double threshold) const {
    if (numbers.size() != 16 * centers.size() || logits.size() != centers.size())
      throw std::invalid_argument("the outputs must be 16 numbers and a score for each of " +
                                  std::to_string(centers.size()) + " anchors");
    const double least = std::log(threshold / (1 - threshold));
    Faces found;
    for (std::size_t i = 0; i < centers.size(); i++) {
      if (double(logits[i]) < least) continue;
      const float* values = &numbers[16 * i];
      BlazeFaceFace face;
      for (std::size_t k = 0; k < 7; k++) {
        const std::size_t pair = k ? k + 1 : 0;
        face.points[k] = {double(values[2 * pair]) + centers[i][0], double(values[2 * pair + 1]) + centers[i][1]};
      }
      face.side = (double(values[2]) + double(values[3])) / 2;
      face.score = 1 / (1 + std::exp(-double(logits[i])));
      found.push_back(face);
    }
    return found;
  }

  int size;
  Points centers;

 private:
  DetectorNetwork run_;
};

/// A square part of a picture, reduced, for a network.
struct Tile {
  Image image;
  Matrix to_photo;
  /// Pixels of the tile between which a face lies wholly in it; infinite at the picture's own edges.
  Point low, high;
};

/// Longer sides to which a picture is reduced, the largest first.
/// @param min_face the smallest face wanted, as a share of the picture's longer side.
inline std::vector<int> level_sides(int longer, int size, double min_face) {
  std::vector<int> found;
  for (double side = std::min(20 / min_face, double(longer)); side > 1.25 * size; side /= 2)
    found.push_back(detail::round_even(side));
  found.push_back(size);
  return found;
}

/// The tiles of a picture reduced to each of these sides.
inline std::vector<Tile> tiles(const Image& image, int size, const std::vector<int>& sides) {
  const auto starts = [size](int side) {
    if (side <= size) return std::vector<int>{-((size - side) / 2)};
    const int shared = size / 4, count = (side - shared + size - shared - 1) / (size - shared);
    std::vector<int> found;
    for (int i = 0; i < count; i++)
      found.push_back(detail::round_even(i * (double(side - size) / (count - 1))));
    return found;
  };
  detail::check_image(image);
  std::vector<Tile> found;
  Image level = image;
  for (const int side : sides) {
    const double scale = double(side) / std::max(image.width, image.height);
    const int width = std::max(1, detail::round_even(image.width * scale));
    const int height = std::max(1, detail::round_even(image.height * scale));
    level = resize(level, width, height);  // made of the one before
    const double fx = double(image.width) / width, fy = double(image.height) / height;
    for (const int y : starts(height))
      for (const int x : starts(width))
        found.push_back({detail::cut(level, x, y, size, size),
                         {fx, 0, (x + 0.5) * fx - 0.5, 0, fy, (y + 0.5) * fy - 0.5},
                         {x <= 0 ? -INFINITY : -0.5, y <= 0 ? -INFINITY : -0.5},
                         {x + size >= width ? INFINITY : size - 0.5, y + size >= height ? INFINITY : size - 0.5}});
  }
  return found;
}

/// A number rounded to the grid of a face with this side, so that tiny differences between processors
/// do not change the next look's bytes.
inline double on_grid(double pixels, double side) {
  const double step = std::exp2(std::floor(std::log2(std::abs(side)))) / 512;
  return std::nearbyint(pixels / step) * step;
}

inline double turn_on_grid(double angle) { return (std::floor(angle * 256) + 0.5) / 256; }

/// From the six points of an upright face, in sides of its square, to the tight box.
constexpr double BOX_MAP[13][4] = {
    {0.3271, -0.368, 1.5669, 1.2785},
    {-0.1998, -0.0807, 2.1574, 0.178},
    {0.7675, -0.0674, -2.7183, -0.0213},
    {0.2403, -0.1838, 1.4712, 0.8327},
    {-1.4441, 0.5375, 1.6618, -1.7943},
    {-0.1633, 0.3639, -2.8965, -2.9885},
    {0.9874, -0.3208, -1.2619, 1.2832},
    {0.2308, 0.3579, 1.5512, 3.2844},
    {0.205, 0.2829, -1.8948, -0.5163},
    {-0.5369, 0.0795, -0.2185, 0.0052},
    {-0.1464, 0.0236, 2.0709, 0.0238},
    {0.8308, 0.2964, -0.3668, 0.1973},
    {0.0567, 0.0124, 0.5501, 0.5181},
};

/// The tight box of the whole face, from brows to chin.
inline Box tight_box(const BlazeFaceFace& face) {
  const Matrix turn = rotation(face.angle()), back = invert(turn);
  double box[4];
  for (std::size_t column = 0; column < 4; column++) {
    double sum = BOX_MAP[12][column];
    for (std::size_t i = 0; i < 6; i++) {
      const Point& p = face.points[i + 1];
      const Point away = transform(Point{(p[0] - face.points[0][0]) / face.side, (p[1] - face.points[0][1]) / face.side}, back);
      sum += away[0] * BOX_MAP[2 * i][column] + away[1] * BOX_MAP[2 * i + 1][column];
    }
    box[column] = face.side * sum;
  }
  const Point away = transform(Point{box[0], box[1]}, turn);
  return box_around({face.points[0][0] + away[0], face.points[0][1] + away[1]}, box[2], box[3]);
}

/// Where a face is: its tight box and its roll.
struct Place {
  Box box{};
  double angle = 0;
  double score = 1;
  /// Whether it is the box of a whole face, as the detector finds it, and not that of the model's landmarks.
  bool whole_face = false;
};

/// Finds faces in three looks: propose, judge each proposal upright and large, measure.
class BlazeFace {
 public:
  /// @param full the full range, which finds small faces; without it faces are found from 0.16 of the
  ///     picture's longer side on.
  explicit BlazeFace(BlazeNet short_range, std::optional<BlazeNet> full = std::nullopt, double threshold = 0.7)
      : short_(std::move(short_range)), full_(std::move(full)), threshold_(threshold) {}

  /// Faces of a picture, largest first.
  /// @param min_face side of the smallest face as a share of the picture's longer side; without it
  ///     0.03, and 0.16 where a close face is surely found.
  std::vector<Place> detect(const Image& image, std::optional<double> min_face = std::nullopt) const {
    const int longer = std::max(image.width, image.height);
    const Faces first = seen(short_, image, {short_.size});
    Faces faces;
    for (const auto& face : first)
      if (face.score >= std::max(0.85, threshold_) && face.side >= 0.2 * longer && std::abs(face.angle()) <= PI / 6)
        faces.push_back(face);
    const double large = 20.0 / 128, smallest = min_face.value_or(faces.empty() ? 0.03 : large);
    Faces proposals = first;
    if (full_ && smallest < large) {
      const Faces more = seen(*full_, image, level_sides(longer, full_->size, smallest));
      proposals.insert(proposals.end(), more.begin(), more.end());
      proposals = best(proposals);
    }
    const std::size_t close = faces.size();
    for (const auto& proposal : proposals) {
      if (std::any_of(faces.begin(), faces.begin() + std::ptrdiff_t(close), [&](const auto& f) { return same(f, proposal); }))
        continue;
      const auto judged = look(image, proposal, 1.5);
      if (!judged || judged->score < threshold_) continue;
      BlazeFaceFace measured = look(image, *judged, 2.0).value_or(*judged);
      measured.score = judged->score;
      faces.push_back(measured);
    }
    std::vector<Place> places;
    for (const auto& face : best(faces)) {
      Box box = tight_box(face);
      for (double& value : box) value = on_grid(value, face.side);
      places.push_back({box, turn_on_grid(face.angle()), face.score, true});
    }
    std::stable_sort(places.begin(), places.end(),
                     [](const Place& a, const Place& b) { return a.box[2] * a.box[3] > b.box[2] * b.box[3]; });
    return places;
  }

 private:
  /// What a network sees in tiles of a picture.
  static Faces seen(const BlazeNet& network, const Image& image, const std::vector<int>& sides) {
    Faces found;
    for (const Tile& tile : tiles(image, network.size, sides))
      for (const auto& face : best(network.find(tile.image, 0.3))) {
        const Box square = face.square();
        if (square[0] >= tile.low[0] && square[1] >= tile.low[1] && square[0] + face.side <= tile.high[0] &&
            square[1] + face.side <= tile.high[1])
          found.push_back(face.moved(tile.to_photo));
      }
    return found;
  }

  /// The face once more, upright and large; nothing where none is in the middle.
  std::optional<BlazeFaceFace> look(const Image& image, const BlazeFaceFace& face, double margin) const {
    const double middle = (short_.size - 1) / 2.0, reach = short_.size / margin;
    const double side = on_grid(face.side, face.side);
    const Point at{on_grid(face.points[0][0], face.side), on_grid(face.points[0][1], face.side)};
    const Matrix m = FaceCrop{short_.size, margin}.matrix(box_around(at, side, side), turn_on_grid(face.angle()));
    for (const auto& again : best(short_.find(warp(image, m, short_.size), 0.3)))
      if (std::max(std::abs(again.points[0][0] - middle), std::abs(again.points[0][1] - middle)) < reach / 4)
        return again.moved(invert(m));
    return std::nullopt;
  }

  BlazeNet short_;
  std::optional<BlazeNet> full_;
  double threshold_;
};

// -------------------------------------------------------------------------------------- landmarks

/// Runs a landmark model on a crop's RGB bytes. Returns x and y of each landmark in pixels of the crop.
using LandmarkNetwork = std::function<std::vector<float>(const Image& crop)>;

/// What the metadata of a landmark model says; about.py writes it as code.
struct ModelInfo {
  FaceCrop crop;
  /// Landmarks of the first and of the second eye; empty where the model has none.
  std::array<std::vector<std::size_t>, 2> eyes;
  /// Pixels of the crop; empty where there is none.
  Points mean_shape;
  /// Where the tight box of the landmarks is in that of a whole face: left, top, width and height, in its sides.
  Box box_in_face{0, 0, 1, 1};
};

/// From the center of a face's box of this size to that of the model's landmarks.
inline Point away_in_face(const Box& part, double width, double height, double angle) {
  return transform(Point{(part[0] + part[2] / 2 - 0.5) * width, (part[1] + part[3] / 2 - 0.5) * height},
                   rotation(angle));
}

/// The place of a model's landmarks in that of a whole face; other places stay as they are.
inline Place in_face(Place place, const ModelInfo& info) {
  const Box& part = info.box_in_face;
  if (!place.whole_face || part == Box{0, 0, 1, 1}) return place;
  const double width = place.box[2], height = place.box[3];
  const Point away = away_in_face(part, width, height, place.angle);
  const auto [x, y] = center(place.box);
  return {box_around(Point{x + away[0], y + away[1]}, width * part[2], height * part[3]), place.angle, place.score};
}

/// The place of the whole face around that of a model's landmarks.
inline Place face_around(const Place& place, const ModelInfo& info) {
  const Box& part = info.box_in_face;
  if (place.whole_face || part == Box{0, 0, 1, 1}) return place;
  const double width = place.box[2] / part[2], height = place.box[3] / part[3];
  const Point away = away_in_face(part, width, height, place.angle);
  const auto [x, y] = center(place.box);
  return {box_around(Point{x - away[0], y - away[1]}, width, height), place.angle, place.score, true};
}

/// A face: the place that its crop was cut by, and its landmarks in the picture.
struct DetectedFace {
  Place place;
  Points landmarks;
};

/// A face's roll by the line through its eyes.
/// @param near the roll that the landmarks were found with.
inline double roll(const Points& landmarks, const std::array<std::vector<std::size_t>, 2>& eyes, double near) {
  if (eyes[0].empty() || eyes[1].empty()) return near;
  // In float32, as in Python, so that the next crop has the same bytes.
  float middles[2][2] = {};
  for (std::size_t i = 0; i < 2; i++)
    for (std::size_t k = 0; k < 2; k++) {
      for (const std::size_t index : eyes[i]) middles[i][k] += float(landmarks.at(index)[k]);
      middles[i][k] /= float(eyes[i].size());
    }
  const double x = middles[1][0] - middles[0][0], y = middles[1][1] - middles[0][1];
  // A scheme may name the eyes from either side.
  return x * std::cos(near) + y * std::sin(near) < 0 ? std::atan2(-y, -x) : std::atan2(y, x);
}

/// The box around landmarks and their roll: what the next crop is cut by.
inline Place next_place(const Points& landmarks, const ModelInfo& info, double near) {
  const double angle = roll(landmarks, info.eyes, near);
  return {upright_box(landmarks, angle), angle};
}

/// The largest distance between a corner of a crop and the same corner of another, in sides of a crop.
inline double crop_shift(const Matrix& crop, const Matrix& other, int size) {
  const Matrix back = invert(other);
  const double last = size - 1;
  double most = 0;
  for (const Point corner : {Point{0, 0}, Point{last, 0}, Point{0, last}, Point{last, last}}) {
    const Point moved = transform(transform(corner, back), crop);
    most = std::max(most, std::hypot(moved[0] - corner[0], moved[1] - corner[1]));
  }
  return most / size;
}

/// Predicts landmarks of faces.
class Landmarker {
 public:
  Landmarker(LandmarkNetwork network, ModelInfo model) : info(std::move(model)), run_(std::move(network)) {}

  /// @param passes 2 for a detector's place, 1 for the place from the frame before. A pass is skipped if its crop
  ///     would show the face like the last one.
  DetectedFace detect(const Image& image, Place place, int passes = 2) const {
    DetectedFace face;
    place = in_face(place, info);
    Matrix m = info.crop.matrix(place.box, place.angle);
    for (int i = 0; i < passes; i++) {
      if (i) {
        const Place next = next_place(face.landmarks, info, place.angle);
        if (!inside(next.box, image)) break;
        const Matrix moved = info.crop.matrix(next.box, next.angle);
        if (crop_shift(moved, m, info.crop.size) <= 0.06) break;
        place = {next.box, next.angle, place.score};
        m = moved;
      }
      const Matrix back = invert(m);
      const std::vector<float> flat = run_(warp(image, m, info.crop.size));
      if (flat.empty() || flat.size() % 2) throw std::invalid_argument("a landmark network must return x and y of each landmark");
      face = {place, {}};
      for (std::size_t k = 0; k < flat.size(); k += 2) {
        const Point p = transform(Point{double(flat[k]), double(flat[k + 1])}, back);
        face.landmarks.push_back({double(float(p[0])), double(float(p[1]))});  // float32, as in Python
      }
    }
    return face;
  }

  /// Whether a box shows any of a picture.
  static bool inside(const Box& box, const Image& image) {
    return box[0] < image.width && box[1] < image.height && box[0] + box[2] > 0 && box[1] + box[3] > 0;
  }

  ModelInfo info;

 private:
  LandmarkNetwork run_;
};

// ---------------------------------------------------------------------------------------- tracking

/// The One-Euro filter (Casiez, Roussel and Vogel, 2012): steady at rest, quick in motion.
class OneEuroFilter {
 public:
  explicit OneEuroFilter(double min_cutoff = 1, double beta = 0, double d_cutoff = 1)
      : min_cutoff_(min_cutoff), beta_(beta), d_cutoff_(d_cutoff) {}

  void reset() { time_.reset(); }

  /// @param time in seconds, later than the call before.
  /// @param unit what speeds are counted in: the face's size.
  Points operator()(const Points& points, double time, double unit = 1) {
    if (!time_) {
      time_ = time, values_ = points, speed_.assign(points.size(), Point{});
      return points;
    }
    if (!(time > *time_)) throw std::invalid_argument("time must be later than the frame before");
    const double step = time - *time_;
    for (std::size_t i = 0; i < points.size(); i++)
      for (std::size_t k = 0; k < 2; k++) {
        double &value = values_[i][k], &speed = speed_[i][k];
        speed += weight(d_cutoff_, step) * ((points[i][k] - value) / (step * unit) - speed);
        value += weight(min_cutoff_ + beta_ * std::abs(speed), step) * (points[i][k] - value);
      }
    time_ = time;
    return values_;
  }

 private:
  static double weight(double cutoff, double step) { return 1 / (1 + 1 / (2 * PI * cutoff * step)); }

  double min_cutoff_, beta_, d_cutoff_;
  std::optional<double> time_;
  Points values_, speed_;
};

/// How unlike a face landmarks are: the distance from the mean shape in sizes of the face, and the
/// degrees between the face's roll and `angle`.
/// @param mean_shape with the longer side of its box 1.
inline std::pair<double, double> residual(const Points& landmarks, const Points& mean_shape, double angle) {
  const Matrix m = similarity(landmarks, mean_shape);
  double sum = 0;
  for (std::size_t i = 0; i < landmarks.size(); i++) {
    const Point p = transform(landmarks[i], m);
    sum += std::pow(p[0] - mean_shape[i][0], 2) + std::pow(p[1] - mean_shape[i][1], 2);
  }
  const std::complex<double> turn = std::complex<double>(m[0], m[3]) * std::polar(1.0, angle);
  return {std::sqrt(sum / double(landmarks.size())), std::abs(std::arg(turn)) * 180 / PI};
}

/// Whether landmarks can be those of a face that was in a place a moment ago.
inline bool plausible(const Points& landmarks, const Place& before, int width, int height, const Points& mean_shape) {
  const Box found = upright_box(landmarks, before.angle);
  const auto [x, y] = center(found);
  const double side = longer_side(found), old = longer_side(before.box);
  if (!(side >= 10 && x >= 0 && y >= 0 && x < width && y < height && side >= old / 1.5 && side <= old * 1.5 &&
        overlap(found, before.box) >= 0.3))
    return false;
  if (mean_shape.empty()) return true;
  const auto [off, tilt] = residual(landmarks, mean_shape, before.angle);
  return off <= 0.18 && tilt <= 60;
}

/// A face in a frame of a video.
struct TrackedFace {
  /// From 1, the same in every frame. A face that appears where one was lost in the last 60 frames gets
  /// its number; otherwise numbers are not used again.
  int id;
  /// The place that the crop was cut by.
  Place place;
  /// Smoothed, and as predicted from this frame only.
  Points landmarks, raw;
};

/// Follows the faces of a video, by the rules of the Python FaceTracker without a face score.
class FaceTracker {
 public:
  FaceTracker(Landmarker landmarker, BlazeFace detector, bool smooth = true)
      : landmarker_(std::move(landmarker)), detector_(std::move(detector)), smooth_(smooth) {
    const FaceCrop& crop = landmarker_.info.crop;
    for (const auto& [x, y] : landmarker_.info.mean_shape)
      mean_shape_.push_back({(x - (crop.size - 1) / 2.0) * crop.margin / crop.size, (y - (crop.size - 1) / 2.0) * crop.margin / crop.size});
  }

  /// The faces in the next frame, in the order in which they were first found.
  /// @param time of the frame in seconds, later than the one before.
  std::vector<TrackedFace> update(const Image& frame, double time) {
    frame_++;
    follow(frame);
    merge();
    check(frame);
    if (frame_ >= search_at_) search(frame);
    std::vector<TrackedFace> shown;
    for (Track& track : tracks_) {
      const Points& raw = track.face.landmarks;
      shown.push_back({track.id, track.face.place, smooth_ ? track.filter(raw, time, longer_side(track.next.box)) : raw, raw});
    }
    return shown;
  }

 private:
  /// Frames between two searches, two checks, until a new or doubted face is checked, and for which a
  /// lost face keeps its number.
  static constexpr int SEARCH_EVERY = 90, CHECK_EVERY = 15, SOON = 5, KEEP = 60;
  static constexpr double STEADY = 0.85, SAME = 0.3, PART = 0.5, LARGE = 20.0 / 128;

  /// The state of one face; `next` is the place of its next crop.
  struct Track {
    int id;
    DetectedFace face;
    Place next;
    OneEuroFilter filter{0.3, 30.0};
    int check_at = 0, checks = 0, misses = 0, lost_at = 0;
    bool confirmed = false, lost = false;
  };

  Place next_of(const DetectedFace& face) const { return next_place(face.landmarks, landmarker_.info, face.place.angle); }

  static std::vector<Box> boxes(const std::vector<Track>& tracks) {
    std::vector<Box> found;
    for (const Track& track : tracks) found.push_back(track.next.box);
    return found;
  }

  bool good(const std::optional<DetectedFace>& face, const Box& before, const Image& frame) const {
    return face && plausible(face->landmarks, {before, face->place.angle}, frame.width, frame.height, mean_shape_);
  }

  static bool steady(const DetectedFace& face) {
    return overlap(face.place.box, upright_box(face.landmarks, face.place.angle)) >= STEADY;
  }

  std::optional<DetectedFace> look(const Image& frame, const Place& place) const {
    if (!Landmarker::inside(place.box, frame)) return std::nullopt;
    return landmarker_.detect(frame, place, 1);
  }

  /// Each face from its landmarks in the frame before; those that moved far in a second pass.
  void follow(const Image& frame) {
    std::vector<std::optional<DetectedFace>> faces;
    std::vector<bool> kept;
    for (const Track& track : tracks_) {
      faces.push_back(look(frame, track.next));
      kept.push_back(good(faces.back(), track.next.box, frame));
    }
    for (std::size_t i = 0; i < tracks_.size(); i++) {
      if (!kept[i] || steady(*faces[i])) continue;
      faces[i] = look(frame, next_of(*faces[i]));
      kept[i] = good(faces[i], tracks_[i].next.box, frame);
    }
    for (std::size_t i = 0; i < tracks_.size(); i++) {
      Track& track = tracks_[i];
      if (!kept[i]) {
        lose(track);
        continue;
      }
      track.face = *faces[i], track.next = next_of(*faces[i]);
      if (!steady(track.face)) track.check_at = std::min(track.check_at, frame_ + SOON);
    }
    drop_lost();
  }

  /// Of tracks on the same face the later ones end.
  void merge() {
    const std::vector<bool> later = doubled(boxes(tracks_));
    for (std::size_t i = later.size(); i-- > 0;)
      if (later[i]) tracks_.erase(tracks_.begin() + std::ptrdiff_t(i));
  }

  /// Looks for each face that is due in its surroundings.
  void check(const Image& frame) {
    for (Track& track : tracks_) {
      if (track.check_at > frame_) continue;
      track.checks++;
      if (is_there(frame, track.next, track.checks)) {
        confirm(track);
        continue;
      }
      track.check_at = frame_ + (track.confirmed ? CHECK_EVERY : SOON);
      if (++track.misses >= (track.confirmed ? 3 : 2)) lose(track);
    }
    drop_lost();
  }

  bool is_there(const Image& frame, const Place& place, int turn) const {
    static constexpr double regions[3] = {2.0, 1.7, 2.4};
    const Box& box = place.box;
    const Box whole = face_around(place, landmarker_.info).box;
    const double half = regions[turn % 3] * longer_side(whole) / 2;
    const auto [x, y] = center(whole);
    const int left = std::max(0, int(std::floor(x - half))), top = std::max(0, int(std::floor(y - half)));
    const int right = std::min(frame.width, int(std::ceil(x + half))), bottom = std::min(frame.height, int(std::ceil(y + half)));
    if (right <= left || bottom <= top) return false;
    for (const Place& other : find(detail::cut(frame, left, top, right - left, bottom - top), 128)) {
      const Box& b = other.box;
      if (overlap({b[0] + left, b[1] + top, b[2], b[3]}, box) >= SAME) return true;
    }
    return false;
  }

  /// Looks for new faces in the whole frame.
  void search(const Image& frame) {
    std::vector<Place> found = find(frame, 320);
    const std::vector<Box> known = boxes(tracks_);
    std::vector<bool> is_new(found.size(), true);
    for (const auto& [row, column] : pairs(boxes(found), known, SAME)) confirm(tracks_[column]), is_new[row] = false;
    std::vector<Place> places;
    for (std::size_t i = 0; i < found.size(); i++) {
      const Box& box = found[i].box;
      const bool part = std::any_of(known.begin(), known.end(), [&](const Box& b) { return covered(box, b) >= PART; });
      if (is_new[i] && !part) places.push_back(found[i]);
    }
    lost_.erase(std::remove_if(lost_.begin(), lost_.end(), [&](const Track& t) { return frame_ - t.lost_at > KEEP; }), lost_.end());
    std::vector<std::optional<int>> numbers(places.size());
    for (const auto& [row, column] : pairs(boxes(places), boxes(lost_), SAME)) numbers[row] = lost_[column].id;
    for (std::size_t i = 0; i < places.size(); i++) {
      if (!Landmarker::inside(places[i].box, frame)) continue;
      const DetectedFace face = landmarker_.detect(frame, places[i]);
      if (good(face, places[i].box, frame)) begin(face, numbers[i]);
    }
    merge();
    search_at_ = frame_ + (tracks_.empty() ? CHECK_EVERY : SEARCH_EVERY);
  }

  static std::vector<Box> boxes(const std::vector<Place>& places) {
    std::vector<Box> found;
    for (const Place& place : places) found.push_back(place.box);
    return found;
  }

  /// Faces of a picture reduced to a longer side; boxes count from the picture's edge.
  std::vector<Place> find(const Image& image, int side) const {
    const double scale = double(side) / std::max(image.width, image.height);
    if (scale >= 1) return in_face(detector_.detect(image, LARGE));
    const int width = std::max(1, detail::round_even(image.width * scale)), height = std::max(1, detail::round_even(image.height * scale));
    std::vector<Place> places = detector_.detect(resize(image, width, height), LARGE);
    const double fx = double(image.width) / width, fy = double(image.height) / height;
    for (Place& found : places) found.box = {found.box[0] * fx, found.box[1] * fy, found.box[2] * fx, found.box[3] * fy};
    return in_face(places);
  }

  /// The places of the model's landmarks in those of faces.
  std::vector<Place> in_face(std::vector<Place> places) const {
    for (Place& place : places) place = keras_fld::in_face(place, landmarker_.info);
    return places;
  }

  /// A new track, with the number of a lost one if it is given.
  void begin(const DetectedFace& face, std::optional<int> number) {
    if (number)
      lost_.erase(std::find_if(lost_.begin(), lost_.end(), [&](const Track& t) { return t.id == *number; }));
    Track track{number ? *number : ++ids_, face, next_of(face)};
    track.check_at = frame_ + SOON;
    tracks_.insert(std::find_if(tracks_.begin(), tracks_.end(), [&](const Track& t) { return t.id > track.id; }), track);
  }

  void confirm(Track& track) const { track.confirmed = true, track.misses = 0, track.check_at = frame_ + CHECK_EVERY; }

  void lose(Track& track) { track.lost = true, track.lost_at = frame_, search_at_ = frame_; }

  void drop_lost() {
    for (std::size_t i = 0; i < tracks_.size();) {
      if (!tracks_[i].lost) {
        i++;
        continue;
      }
      lost_.push_back(tracks_[i]);
      tracks_.erase(tracks_.begin() + std::ptrdiff_t(i));
    }
  }

  Landmarker landmarker_;
  BlazeFace detector_;
  bool smooth_;
  Points mean_shape_;
  std::vector<Track> tracks_, lost_;
  int frame_ = -1, search_at_ = 0, ids_ = 0;
};

}  // namespace keras_fld
