// How many threads a small call pays for. It is measured, since no model of the work knows what other processes do with
// the cores; results do not depend on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pycnn {

struct ThreadTime {
  int threads;
  double seconds;  // of a call, in the mean
};

// For calls that do the same work again and again. A round is some milliseconds of calls on one number of threads: most
// rounds are on the fastest one known, a look at another one now and then. Means are compared, not medians: a thread
// that loses its core in the middle of its work holds up one call in hundreds, but for as long as all of them take.
class ThreadChoice {
 public:
  // Among 1, 2, 4, … and `most`, with which it begins.
  explicit ThreadChoice(int most);

  int threads() const { return candidates_[active_].threads; }  // of the next call
  void took(double seconds);                                    // by that call
  int chosen() const { return candidates_[chosen_].threads; }   // the fastest known
  std::vector<ThreadTime> times() const;                        // of all that were tried, as they were last seen

 private:
  // Times are of calls only, not of what the caller does between them.
  struct Candidate {
    int threads;
    double seconds = 0, calls = 0;  // of late: what is older weighs less and less
    double round = 0, ended = 0;    // the length of its last round, and when that was over
    double pause = 0;               // until the next look, where that is not cheap

    double mean() const { return seconds / calls; }
    void forget_beyond(double most);
    void lengthen_pause();
  };

  void end_round();
  void choose();
  size_t next() const;
  bool is_due(const Candidate& candidate) const;

  std::vector<Candidate> candidates_;  // most threads first
  size_t chosen_ = 0, active_ = 0;
  bool switched_ = false;       // before this round
  double round_ = 0;            // this one's length
  int64_t round_calls_ = 0;     // and calls
  double now_ = 0, since_ = 0;  // the latter: when the chosen one became that
};

// What calls of one plan have in common where their times may be compared.
struct CallKind {
  int64_t samples;
  int most_threads;
  bool packs;    // weights that have changed
  bool updates;  // by an optimizer

  bool operator==(const CallKind& o) const {
    return samples == o.samples && most_threads == o.most_threads && packs == o.packs && updates == o.updates;
  }
};

// The choices for the kinds of calls that a plan has had of late.
class ThreadChoices {
 public:
  ThreadChoice& of(const CallKind& kind);  // valid until the next call

 private:
  std::vector<std::pair<CallKind, ThreadChoice>> recent_;  // the last one first
};

}  // namespace pycnn
