#include "api/json.h"

#include <array>
#include <cstdio>
#include <functional>
#include <locale>
#include <stdexcept>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

std::string error_of(const std::string& text) {
  try {
    Json::parse(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

// Without all white space and with numbers in their usual form.
std::string rewritten(const std::string& text) { return Json::parse(text).text(); }

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}

bool throws(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument&) {
    return true;
  }
  return false;
}

}  // namespace

TEST(json_reads_and_writes) {
  const std::string text = R"({"b":[1,-2,3.5,true,false,null,"x"],"a":{"empty":{},"none":[]},"":""})";
  const Json value = Json::parse(text);
  CHECK(value.text() == text);
  CHECK(Json::parse(value.text()) == value);
  CHECK(rewritten(" { \"b\" :\t[ 1 , 2 ]\r\n} ") == R"({"b":[1,2]})");
  CHECK(value.object()[0].key == "b" && value.object()[1].key == "a");
  CHECK_EQUAL(value.at("b").array()[1].integer(), -2, "integer");
  CHECK_EQUAL(value.at("b").array()[2].number(), 3.5, "number");
  CHECK_EQUAL(value.at("b").array()[0].number(), 1, "an integer as a number");
  CHECK(value.at("b").array()[3].boolean() && value.at("b").array()[5].is_null());
  CHECK(value.find("c") == nullptr && value.find("a")->find("empty")->object().empty());
  CHECK(Json::parse("7") != Json::parse("7.0") && Json::parse("[1]") != Json::parse("[2]"));
  CHECK(Json::parse(R"({"a":1})") != Json::parse(R"({"b":1})"));
}

TEST(json_is_built) {
  Json value;
  value.set("name", "conv");
  value.set("size", Json::Array{3, int64_t{3}, 0.5, nullptr, false});
  value.set("name", std::string("dense"));
  CHECK(value.text() == R"({"name":"dense","size":[3,3,0.5,null,false]})");
  CHECK(throws([&] { Json(1).set("a", 1); }));
  CHECK(throws([&] { value.at("units"); }));
}

TEST(json_kinds_are_checked) {
  const Json values[] = {nullptr, true, 1, 1.5, "s", Json::Array{}, Json::Object{}};
  for (const Json& value : values) {
    const Json::Kind kind = value.kind();
    CHECK(throws([&] { value.boolean(); }) == (kind != Json::Kind::kBool));
    CHECK(throws([&] { value.integer(); }) == (kind != Json::Kind::kInteger));
    CHECK(throws([&] { value.number(); }) == (kind != Json::Kind::kInteger && kind != Json::Kind::kFloat));
    CHECK(throws([&] { value.string(); }) == (kind != Json::Kind::kString));
    CHECK(throws([&] { value.array(); }) == (kind != Json::Kind::kArray));
    CHECK(throws([&] { value.find("x"); }) == (kind != Json::Kind::kObject));
  }
}

TEST(json_integers_are_exact) {
  for (const char* text : {"0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993"})
    CHECK(Json::parse(text).kind() == Json::Kind::kInteger && rewritten(text) == text);
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "1e3", "1.0", "123456789012345678901234567890"})
    CHECK(Json::parse(text).kind() == Json::Kind::kFloat);
}

TEST(json_numbers_come_back) {
  CHECK(rewritten("[1.0,-0.0,0.5,1e3,1E+3,1e-3]") == "[1.0,-0.0,0.5,1000.0,1000.0,0.001]");
  CHECK(Json(0.1).text() == "0.1" && Json(static_cast<double>(0.1f)).text() == "0.100000001");
  CHECK(Json(1e300).text() == "1e+300" && Json(0.1 + 0.2).text() == "0.30000000000000004");
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint32_t bits = static_cast<uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const double back = Json::parse(Json(static_cast<double>(value)).text()).number();
    CHECK(std::memcmp(std::array<float, 1>{static_cast<float>(back)}.data(), &value, sizeof value) == 0);
    const double wide = value * 3.141592653589793;
    CHECK_EQUAL(Json::parse(Json(wide).text()).number(), wide, "float64");
  }
  for (const double value : {double{kNan}, double{kInf}, -double{kInf}}) CHECK(throws([&] { Json(value).text(); }));
}

TEST(json_numbers_know_no_locale) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  CHECK(rewritten("[0.5,1234567.25,123456789]") == "[0.5,1234567.25,123456789]");
  CHECK(error_of("1.234.567") != "none" && error_of("0,5") != "none");
  std::locale::global(before);
}

TEST(json_strings) {
  CHECK(Json::parse(R"("\"\\\/\b\f\n\r\t")").string() == "\"\\/\b\f\n\r\t");
  CHECK(Json::parse(R"("\u0041\u00e9\u20AC\ud83d\ude00\uFFFF")").string() == "A\u00e9\u20ac\U0001F600\uFFFF");
  CHECK(Json::parse("\"\u00e9\u20ac\U0001F600\u007f\"").text() == "\"\u00e9\u20ac\U0001F600\u007f\"");
  CHECK(Json::parse(R"("a\u0000b")").string() == std::string("a\0b", 3));
  CHECK(Json(std::string("\0\x1f\"\\/\n", 6)).text() == R"("\u0000\u001f\"\\/\u000a")");
  for (uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 97) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char escaped[16];
    const uint32_t high = 0xD800 + ((c - 0x10000) >> 10), low = 0xDC00 + (c & 0x3FF);
    std::snprintf(escaped, sizeof escaped, c < 0x10000 ? "\"\\u%04x\"" : "\"\\u%04x\\u%04x\"", c < 0x10000 ? c : high,
                  low);
    const Json value = Json::parse(escaped);
    CHECK(Json::parse(value.text()) == value);
  }
}

TEST(json_refuses_bytes_that_are_not_utf8) {
  for (const std::string bytes :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\xAF", "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xEF\xBF", "\xF0\x80\x80\xAF", "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    CHECK(error_of("\"" + bytes + "\"").find("UTF-8") != std::string::npos);
    CHECK(error_of("{\"" + bytes + "\":1}").find("UTF-8") != std::string::npos);
    CHECK(throws([&] { Json(bytes).text(); }));
  }
}

TEST(json_refuses_malformed_text) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "True",
                           "tru",
                           "NaN",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "1.e5",
                           "0x10",
                           "1 2",
                           "--1",
                           "[",
                           "]",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[1;2]",
                           "{",
                           "}",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:2}",
                           "{\"a\" 1}",
                           "{'a':1}",
                           "\"",
                           "\"a",
                           "'a'",
                           "\"\\x\"",
                           "\"\\\"",
                           "\"\\u12\"",
                           "\"\\u12G4\"",
                           "\"\\ud800\"",
                           "\"\\ud800x\"",
                           "\"\\ud800\\n\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "\"\t\"",
                           "/* */1",
                           "1//",
                           "\xEF\xBB\xBF"
                           "1",
                           "[1]x",
                           "1e400",
                           "-1e400",
                           "\v1",
                           "{\"a\":}"})
    CHECK(error_of(text).rfind("JSON, byte ", 0) == 0);
  CHECK(error_of(std::string("\0", 1)).rfind("JSON, byte 0", 0) == 0);
  CHECK(error_of("[1, x]") == "JSON, byte 4 of 6: expected a value");
  CHECK(error_of(R"({"a":1,"b":2,"a":3})").find("the key 'a' twice") != std::string::npos);
}

TEST(json_limits_the_depth) {
  CHECK(error_of(nested(Json::kMaxDepth)) == "none");
  CHECK(error_of(nested(Json::kMaxDepth + 1)).find("128 deep") != std::string::npos);
  CHECK(error_of(std::string(1 << 20, '[')).find("128 deep") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK(error_of(objects).find("128 deep") != std::string::npos);
}

// Whatever is cut off or changed gives a value or the one kind of error.
TEST(json_survives_damage) {
  const std::string text = R"({"name":"\u00e9\ud83d\ude00","list":[1,-2.5e3,true,null,{"k":[[]]}],"s":"\"\\"})";
  for (size_t length = 0; length < text.size(); ++length) CHECK(error_of(text.substr(0, length)) != "none");
  for (size_t i = 0; i < text.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(byte);
      const std::string error = error_of(damaged);
      if (error == "none") CHECK(Json::parse(rewritten(damaged)) == Json::parse(damaged));
    }
  }
}

}  // namespace pycnn::testing
