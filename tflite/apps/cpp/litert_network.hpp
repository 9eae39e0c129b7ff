// A network in LiteRT's libLiteRt.so, by its C API (2.x), as far as the networks here need it.
//
// The few functions are declared here, so that neither LiteRT's headers nor its build are needed. With
// another build of LiteRT or TensorFlow Lite, replace this file: keras_fld.hpp asks for callbacks only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
int LiteRtCreateEnvironment(int count, const void* options, void** environment);
int LiteRtCreateModelFromFile(void* environment, const char* path, void** model);
int LiteRtCreateOptions(void** options);
int LiteRtSetOptionsHardwareAccelerators(void* options, int accelerators);
int LiteRtCreateCompiledModel(void* environment, void* model, void* options, void** compiled);
int LiteRtGetModelSignature(void* model, std::size_t index, void** signature);
int LiteRtGetNumSignatureInputs(void* signature, std::size_t* count);
int LiteRtGetNumSignatureOutputs(void* signature, std::size_t* count);
int LiteRtGetSignatureInputTensorByIndex(void* signature, std::size_t index, void** tensor);
int LiteRtGetSignatureOutputTensorByIndex(void* signature, std::size_t index, void** tensor);
int LiteRtGetRankedTensorType(void* tensor, void* type);
int LiteRtGetCompiledModelInputBufferRequirements(void* compiled, std::size_t signature, std::size_t index, void** requirements);
int LiteRtGetCompiledModelOutputBufferRequirements(void* compiled, std::size_t signature, std::size_t index, void** requirements);
int LiteRtCreateManagedTensorBufferFromRequirements(void* environment, const void* type, void* requirements, void** buffer);
int LiteRtGetTensorBufferPackedSize(void* buffer, std::size_t* size);
int LiteRtLockTensorBuffer(void* buffer, void** address, int mode);
int LiteRtUnlockTensorBuffer(void* buffer);
int LiteRtRunCompiledModel(void* compiled, std::size_t signature, std::size_t inputs, void** input, std::size_t outputs, void** output);
}

/// A `.tflite` file ready to run on the CPU. It lives as long as the process: nothing is released.
class LiteRtNetwork {
 public:
  explicit LiteRtNetwork(const std::string& path) : path_(path) {
    if (!std::ifstream(path)) throw std::runtime_error(path + ": the file cannot be opened");
    static void* environment = nullptr;
    if (!environment) check(LiteRtCreateEnvironment(0, nullptr, &environment), path);
    void *model = nullptr, *options = nullptr, *signature = nullptr;
    check(LiteRtCreateModelFromFile(environment, path.c_str(), &model), path);
    check(LiteRtCreateOptions(&options), path);
    check(LiteRtSetOptionsHardwareAccelerators(options, 1), path);  // the CPU
    check(LiteRtCreateCompiledModel(environment, model, options, &compiled_), path);
    check(LiteRtGetModelSignature(model, 0, &signature), path);
    std::size_t inputs = 0, outputs = 0;
    check(LiteRtGetNumSignatureInputs(signature, &inputs), path);
    check(LiteRtGetNumSignatureOutputs(signature, &outputs), path);
    for (std::size_t i = 0; i < inputs + outputs; i++) {
      const bool is_input = i < inputs;
      void *tensor = nullptr, *requirements = nullptr, *buffer = nullptr;
      alignas(16) unsigned char type[256] = {};  // a LiteRtRankedTensorType, which is smaller
      const std::size_t index = is_input ? i : i - inputs;
      check((is_input ? LiteRtGetSignatureInputTensorByIndex : LiteRtGetSignatureOutputTensorByIndex)(signature, index, &tensor), path);
      check(LiteRtGetRankedTensorType(tensor, type), path);
      check((is_input ? LiteRtGetCompiledModelInputBufferRequirements : LiteRtGetCompiledModelOutputBufferRequirements)(
                compiled_, 0, index, &requirements), path);
      check(LiteRtCreateManagedTensorBufferFromRequirements(environment, type, requirements, &buffer), path);
      (is_input ? inputs_ : outputs_).push_back(buffer);
    }
  }

  /// Runs on numbers of the input's type; returns each output, which must be float32.
  template <typename Number>
  std::vector<std::vector<float>> run(const std::vector<Number>& input) {
    std::size_t size = 0;
    void* at = nullptr;
    check(LiteRtGetTensorBufferPackedSize(inputs_.at(0), &size), path_);
    if (size != input.size() * sizeof(Number))
      throw std::invalid_argument(path_ + ": the input must have " + std::to_string(size) + " bytes. Got: " +
                                  std::to_string(input.size() * sizeof(Number)) + ". Is it another network's file?");
    check(LiteRtLockTensorBuffer(inputs_[0], &at, 1), path_);  // to write
    std::memcpy(at, input.data(), size);
    check(LiteRtUnlockTensorBuffer(inputs_[0]), path_);
    check(LiteRtRunCompiledModel(compiled_, 0, inputs_.size(), inputs_.data(), outputs_.size(), outputs_.data()), path_);
    std::vector<std::vector<float>> found;
    for (void* output : outputs_) {
      check(LiteRtGetTensorBufferPackedSize(output, &size), path_);
      check(LiteRtLockTensorBuffer(output, &at, 0), path_);  // to read
      found.emplace_back(size / sizeof(float));
      std::memcpy(found.back().data(), at, size);
      check(LiteRtUnlockTensorBuffer(output), path_);
    }
    return found;
  }

 private:
  static void check(int status, const std::string& what) {
    if (status) throw std::runtime_error(what + ": LiteRT returned the status " + std::to_string(status));
  }

  std::string path_;
  void* compiled_ = nullptr;
  std::vector<void*> inputs_, outputs_;
};
