#include "engine/thread_choice.h"

#include <algorithm>

namespace pycnn {
namespace {

// Seconds.
constexpr double kRound = 0.01;         // the system's scheduler takes a core away and gives it back within it
constexpr double kMemory = 6 * kRound;  // that a mean is made of: a disturbance of one round does not decide
constexpr double kStopped = 0.1;        // a small call that takes longer was stopped with its process
constexpr double kSoon = 5 * kRound;    // the pause after a defeat: what disturbs may be over
constexpr double kLongestPause = 5;

constexpr double kLookShare = 0.005;  // of all time that looks may cost
constexpr double kLeastLoss = 0.1;  // of a round's time, where the next look is put off: an equal is no reason for many
constexpr double kBetter = 0.97;    // of the time: less of a difference is noise
constexpr int64_t kRoundCalls = 4;  // at least
constexpr int64_t kWakingCalls = 2;  // that do not count: threads that sleep are about to wake
constexpr size_t kKinds = 8;

}  // namespace

void ThreadChoice::Candidate::forget_beyond(double most) {
  if (seconds <= most) return;
  calls *= most / seconds;
  seconds = most;
}

void ThreadChoice::Candidate::lengthen_pause() { pause = std::min(2 * pause, kLongestPause); }

ThreadChoice::ThreadChoice(int most) {
  candidates_.push_back({most});
  int power = 1;
  while (power < most - power) power *= 2;
  for (; power > 0 && most > 1; power /= 2) candidates_.push_back({power});
  for (Candidate& candidate : candidates_) candidate.pause = kSoon;
}

void ThreadChoice::took(double seconds) {
  seconds = std::min(seconds, kStopped);
  round_ += seconds;
  if (++round_calls_ > kWakingCalls || !switched_) {
    candidates_[active_].seconds += seconds;
    candidates_[active_].calls += 1;
  }
  if (round_ >= kRound && round_calls_ >= kRoundCalls) end_round();
}

void ThreadChoice::end_round() {
  now_ += round_;
  const size_t before = active_;
  Candidate& candidate = candidates_[before];
  candidate.round = round_;
  candidate.ended = now_;
  const bool was_look = before != chosen_;
  choose();
  if (was_look && before != chosen_) candidate.lengthen_pause();

  active_ = next();
  switched_ = active_ != before;
  candidates_[active_].forget_beyond(switched_ ? kRound : kMemory);
  round_ = 0;
  round_calls_ = 0;
}

void ThreadChoice::choose() {
  const auto is_faster = [](const Candidate& a, const Candidate& b) {
    return a.calls > 0 && (b.calls == 0 || a.mean() < b.mean());
  };
  const auto fastest = std::min_element(candidates_.begin(), candidates_.end(), is_faster);
  Candidate& chosen = candidates_[chosen_];
  if (fastest->mean() >= kBetter * chosen.mean()) return;
  // Who was the fastest for long may soon be that again; who won by chance will not.
  if (now_ - since_ > chosen.pause) chosen.pause = kSoon;
  else chosen.lengthen_pause();
  chosen_ = static_cast<size_t>(fastest - candidates_.begin());
  since_ = now_;
}

// Whose round is next: one that is to be looked at, or the chosen one.
size_t ThreadChoice::next() const {
  for (size_t i = 0; i < candidates_.size(); ++i)
    if (i != chosen_ && is_due(candidates_[i])) return i;
  return chosen_;
}

bool ThreadChoice::is_due(const Candidate& candidate) const {
  if (candidate.calls == 0) return true;
  const double loss = candidate.round * std::max(1 - candidates_[chosen_].mean() / candidate.mean(), kLeastLoss);
  const double share = kLookShare / static_cast<double>(candidates_.size() - 1);
  return now_ - candidate.ended >= std::min(candidate.pause, loss / share);
}

std::vector<ThreadTime> ThreadChoice::times() const {
  std::vector<ThreadTime> times;
  for (const Candidate& candidate : candidates_)
    if (candidate.calls > 0) times.push_back({candidate.threads, candidate.mean()});
  std::reverse(times.begin(), times.end());
  return times;
}

ThreadChoice& ThreadChoices::of(const CallKind& kind) {
  const auto is_kind = [&](const auto& each) { return each.first == kind; };
  auto found = std::find_if(recent_.begin(), recent_.end(), is_kind);
  if (found == recent_.end()) {
    if (recent_.size() == kKinds) recent_.pop_back();
    recent_.emplace_back(kind, ThreadChoice(kind.most_threads));
    found = recent_.end() - 1;
  }
  std::rotate(recent_.begin(), found, found + 1);
  return recent_.front().second;
}

}  // namespace pycnn
