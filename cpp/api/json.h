// A JSON value (RFC 8259), its parser and its writer. Objects keep the order of their members.
//
// Whatever the text, parse() returns a value or throws std::invalid_argument that names the position: bytes that are
// not UTF-8, keys that occur twice, numbers outside float64, and more than kMaxDepth nested arrays and objects are
// errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pycnn {

class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;
  // In the order of the alternatives of `value_`. Numbers without fraction and exponent that fit are kInteger.
  enum class Kind { kNull, kBool, kInteger, kFloat, kString, kArray, kObject };
  static constexpr int kMaxDepth = 128;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  template <class T>
  Json(T* value) = delete;  // would be a boolean
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value);

  static Json parse(std::string_view text);
  // The same value gives the same text, without white space. A float32 value gets the 9 digits that give it back as a
  // float32, any other number as many as give it back as a float64. std::invalid_argument for NaN, infinities and
  // strings that are not UTF-8.
  std::string text() const;

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  // std::invalid_argument for a value of another kind, which the message names.
  bool boolean() const;
  int64_t integer() const;
  double number() const;  // an integer, too
  const std::string& string() const;
  const Array& array() const;
  const Object& object() const;

  // The member of an object: null where there is none; std::invalid_argument where there is none.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;
  // Replaces or appends a member of an object; null becomes an object.
  void set(std::string_view key, Json value);

  friend bool operator==(const Json& a, const Json& b);
  friend bool operator!=(const Json& a, const Json& b) { return !(a == b); }

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string key;
  Json value;

  friend bool operator==(const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; }
};

}  // namespace pycnn
