#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <stdexcept>

#include "api/json.h"
#include "api/utf8.h"

namespace pycnn {
namespace {

// Numbers are written by a stream of the classic locale: printf follows the program's, which may say "0,5".
class Writer {
 public:
  Writer() { stream_.imbue(std::locale::classic()); }

  void write(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::kNull: text_ += "null"; break;
      case Json::Kind::kBool: text_ += value.boolean() ? "true" : "false"; break;
      case Json::Kind::kInteger: text_ += std::to_string(value.integer()); break;
      case Json::Kind::kFloat: number(value.number()); break;
      case Json::Kind::kString: string(value.string()); break;
      case Json::Kind::kArray: sequence('[', ']', value.array(), [this](const Json& each) { write(each); }); break;
      case Json::Kind::kObject:
        sequence('{', '}', value.object(), [this](const Json::Member& member) {
          string(member.key);
          text_ += ':';
          write(member.value);
        });
    }
  }
  std::string text() { return std::move(text_); }

 private:
  template <class Values, class Write>
  void sequence(char open, char close, const Values& values, const Write& write_one) {
    text_ += open;
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text_ += ',';
      write_one(values[i]);
    }
    text_ += close;
  }

  void number(double value) {
    if (!std::isfinite(value)) throw std::invalid_argument("JSON has no NaN and no infinity");
    std::string text = digits(value, 9);
    if (!is_float32(value) && read(text) != value) text = digits(value, 17);
    text_ += text;
    if (text.find_first_of(".e") == text.npos) text_ += ".0";  // no integer
  }

  static bool is_float32(double value) {
    return std::abs(value) <= std::numeric_limits<float>::max() &&
           static_cast<double>(static_cast<float>(value)) == value;
  }
  std::string digits(double value, int count) {
    stream_.clear();
    stream_.str({});
    stream_.precision(count);
    stream_ << value;
    return stream_.str();
  }
  double read(const std::string& text) {
    double value = 0;
    stream_.clear();
    stream_.str(text);
    stream_ >> value;
    return value;
  }

  void string(const std::string& value) {
    constexpr char kHex[] = "0123456789abcdef";
    text_ += '"';
    for (size_t i = 0; i < value.size();) {
      const size_t length = utf8_length(std::string_view(value).substr(i));
      if (length == 0) throw std::invalid_argument("a string for JSON is not UTF-8");
      const char c = value[i];
      if (c == '"' || c == '\\') text_ += '\\';
      if (length == 1 && static_cast<unsigned char>(c) < 0x20) {
        text_ += std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
      } else {
        text_.append(value, i, length);
      }
      i += length;
    }
    text_ += '"';
  }

  std::string text_;
  std::stringstream stream_;
};

}  // namespace

std::string Json::text() const {
  Writer writer;
  writer.write(*this);
  return writer.text();
}

}  // namespace pycnn
