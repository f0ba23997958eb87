#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <stdexcept>

#include "api/json.h"
#include "api/utf8.h"

namespace pycnn {
namespace {

// Numbers are read by a stream of the classic locale: strtod follows the program's, which may want "0,5".
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { stream_.imbue(std::locale::classic()); }

  Json document() {
    Json result = value(0);
    skip_space();
    if (position_ < text_.size()) fail("expected the end of the text");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw std::invalid_argument("JSON, byte " + std::to_string(position_) + " of " + std::to_string(text_.size()) +
                                ": " + message);
  }
  // The next byte, or -1 at the end.
  int peek() const { return position_ < text_.size() ? static_cast<unsigned char>(text_[position_]) : -1; }
  bool take(char c) {
    if (peek() != static_cast<unsigned char>(c)) return false;
    ++position_;
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++position_;
  }

  Json value(int depth) {
    skip_space();
    switch (peek()) {
      case -1: fail("the text ends where a value is expected");
      case '{': return object(nested(depth));
      case '[': return array(nested(depth));
      case '"': return string();
      case 't': return literal("true", true);
      case 'f': return literal("false", false);
      case 'n': return literal("null", nullptr);
      default: return number();
    }
  }

  int nested(int depth) const {
    if (depth == Json::kMaxDepth)
      fail("arrays and objects are nested more than " + std::to_string(Json::kMaxDepth) + " deep");
    return depth + 1;
  }

  Json literal(std::string_view name, Json result) {
    if (text_.substr(position_, name.size()) != name) fail("expected a value");
    position_ += name.size();
    return result;
  }

  Json array(int depth) {
    Json::Array values;
    ++position_;
    skip_space();
    if (take(']')) return values;
    while (true) {
      values.push_back(value(depth));
      skip_space();
      if (take(']')) return values;
      if (!take(',')) fail("expected ',' or ']' after a value of an array");
    }
  }

  Json object(int depth) {
    Json::Object members;
    ++position_;
    skip_space();
    if (take('}')) return members;
    while (true) {
      skip_space();
      if (peek() != '"') fail("expected a key in double quotes");
      std::string key = string();
      skip_space();
      if (!take(':')) fail("expected ':' after a key");
      members.push_back({std::move(key), value(depth)});
      skip_space();
      if (take('}')) break;
      if (!take(',')) fail("expected ',' or '}' after a member of an object");
    }
    check_unique(members);
    return members;
  }

  void check_unique(const Json::Object& members) const {
    std::vector<std::string_view> keys;
    for (const Json::Member& member : members) keys.emplace_back(member.key);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end())
      fail("the object that ends here has the key '" + std::string(twice->substr(0, 80)) + "' twice");
  }

  std::string string() {
    std::string result;
    ++position_;
    while (true) {
      const int byte = peek();
      if (byte < 0) fail("the text ends inside a string");
      if (byte < 0x20) fail("a control character inside a string");
      if (byte == '"') break;
      if (byte == '\\') {
        escape(result);
        continue;
      }
      const size_t length = utf8_length(text_.substr(position_));
      if (length == 0) fail("a string is not UTF-8");
      result.append(text_, position_, length);
      position_ += length;
    }
    ++position_;
    return result;
  }

  void escape(std::string& result) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kCharacters = "\"\\/\b\f\n\r\t";
    ++position_;
    if (take('u')) {
      append_utf8(result, code_point());
      return;
    }
    const size_t index = peek() < 0 ? kNames.npos : kNames.find(static_cast<char>(peek()));
    if (index == kNames.npos) fail("an unknown escape inside a string");
    result += kCharacters[index];
    ++position_;
  }

  // Behind "\u". What UTF-16 writes as a pair of surrogates is one code point.
  uint32_t code_point() {
    const uint32_t first = hexadecimal();
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first > 0xDBFF || !take('\\') || !take('u')) fail("half of a surrogate pair inside a string");
    const uint32_t second = hexadecimal();
    if (second < 0xDC00 || second > 0xDFFF) fail("half of a surrogate pair inside a string");
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  uint32_t hexadecimal() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
      const int c = peek();
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("expected four hexadecimal digits after \\u");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }

  static bool is_digit(int c) { return c >= '0' && c <= '9'; }
  void digits() {
    if (!is_digit(peek())) fail("expected a digit");
    while (is_digit(peek())) ++position_;
  }

  Json number() {
    const size_t begin = position_;
    const bool negative = take('-');
    if (!is_digit(peek())) fail(negative ? "expected a digit" : "expected a value");
    if (!take('0')) digits();
    bool integer = true;
    if (take('.')) {
      integer = false;
      digits();
    }
    if (take('e') || take('E')) {
      integer = false;
      if (!take('+')) take('-');
      digits();
    }
    const std::string_view text = text_.substr(begin, position_ - begin);
    int64_t exact = 0;
    if (integer && as_integer(text, negative, exact)) return exact;
    double result = 0;
    stream_.clear();
    stream_.str(std::string(text));
    stream_ >> result;
    if (stream_.fail() || !std::isfinite(result)) {
      position_ = begin;
      fail("a number is outside the range of float64");
    }
    return result;
  }

  static bool as_integer(std::string_view text, bool negative, int64_t& result) {
    constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
    int64_t value = 0;  // negative, so that the lowest one fits
    for (const char c : text.substr(negative ? 1 : 0)) {
      const int64_t digit = c - '0';
      if (value < (kLowest + digit) / 10) return false;
      value = value * 10 - digit;
    }
    if (!negative && value == kLowest) return false;
    result = negative ? value : -value;
    return true;
  }

  std::string_view text_;
  size_t position_ = 0;
  std::istringstream stream_;
};

}  // namespace

Json Json::parse(std::string_view text) { return Parser(text).document(); }

}  // namespace pycnn
