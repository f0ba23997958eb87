#include "api/json.h"

#include <stdexcept>

namespace pycnn {
namespace {

const char* const kKindNames[] = {"null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};

[[noreturn]] void wrong_kind(const Json& value, const char* expected) {
  throw std::invalid_argument(std::string("JSON has ") + kKindNames[static_cast<int>(value.kind())] + "; expected " +
                              expected);
}

}  // namespace

Json::Json(Object value) : value_(std::move(value)) {}

bool Json::boolean() const {
  if (kind() != Kind::kBool) wrong_kind(*this, "a boolean");
  return *std::get_if<bool>(&value_);
}

int64_t Json::integer() const {
  if (kind() != Kind::kInteger) wrong_kind(*this, "an integer");
  return *std::get_if<int64_t>(&value_);
}

double Json::number() const {
  if (kind() == Kind::kInteger) return static_cast<double>(integer());
  if (kind() != Kind::kFloat) wrong_kind(*this, "a number");
  return *std::get_if<double>(&value_);
}

const std::string& Json::string() const {
  if (kind() != Kind::kString) wrong_kind(*this, "a string");
  return *std::get_if<std::string>(&value_);
}

const Json::Array& Json::array() const {
  if (kind() != Kind::kArray) wrong_kind(*this, "an array");
  return *std::get_if<Array>(&value_);
}

const Json::Object& Json::object() const {
  if (kind() != Kind::kObject) wrong_kind(*this, "an object");
  return *std::get_if<Object>(&value_);
}

const Json* Json::find(std::string_view key) const {
  for (const Member& member : object())
    if (member.key == key) return &member.value;
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  if (const Json* found = find(key)) return *found;
  throw std::invalid_argument("a JSON object lacks the key '" + std::string(key) + "'");
}

void Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  if (kind() != Kind::kObject) wrong_kind(*this, "an object");
  Object& members = *std::get_if<Object>(&value_);
  for (Member& member : members) {
    if (member.key != key) continue;
    member.value = std::move(value);
    return;
  }
  members.push_back({std::string(key), std::move(value)});
}

bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

}  // namespace pycnn
