/* pycnn for C programs that use a trained model: a file that Python's model.save("digits.safetensors") wrote.
 *
 *   pycnn_model* model;
 *   if (pycnn_load("digits.safetensors", &model) != PYCNN_OK) return fail(pycnn_last_error());
 *   pycnn_prediction best[3];
 *   int64_t count;
 *   if (pycnn_classify(model, PYCNN_UINT8, pixels, 3, best, &count) != PYCNN_OK) return fail(pycnn_last_error());
 *   printf("%s %f\n", best[0].name, best[0].probability);
 *   pycnn_free(model);
 *
 * Every function may be called from any thread. Those that return a pycnn_status give PYCNN_OK, or what went wrong,
 * whose text pycnn_last_error() has. Null pointers and numbers out of range are errors, but arrays are trusted to be as
 * long as said, and handles to be alive.
 *
 * Arrays are dense, samples first, in the order of Python's: images are (samples, height, width, channels). */
#ifndef PYCNN_PYCNN_C_H
#define PYCNN_PYCNN_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pycnn_status {
  PYCNN_OK = 0,
  PYCNN_INVALID_ARGUMENT = 1, /* an argument is wrong */
  PYCNN_ERROR = 2,            /* a file cannot be read or is no model, or the CPU lacks what pycnn needs */
  PYCNN_OUT_OF_MEMORY = 3
} pycnn_status;

/* What a model's inputs are read from: float, or uint8_t, whose values are taken as the numbers 0 to 255. An integer,
 * so that a wrong one is an error that can be told. */
typedef int32_t pycnn_dtype;
enum { PYCNN_FLOAT32 = 0, PYCNN_UINT8 = 1 };

typedef struct pycnn_model pycnn_model;
typedef struct pycnn_call pycnn_call;

/* An input or an output. The pointers live as long as the model. */
typedef struct pycnn_tensor_info {
  const char* name;
  const char* dtype;    /* "float32" */
  const int64_t* shape; /* of one sample: `rank` numbers, without the batch axis */
  int64_t rank;
  int64_t size; /* values of one sample */
} pycnn_tensor_info;

typedef struct pycnn_prediction {
  int64_t label;     /* the number of the class */
  const char* name;  /* "" where the model has no names of its classes; lives as long as the model */
  float probability; /* the model's output for it */
} pycnn_prediction;

const char* pycnn_version(void);

/* What the last function that failed in this thread complained about; "" where none has. It is overwritten by the next
 * one that fails. */
const char* pycnn_last_error(void);

/* Threads that a call may use: at first OMP_NUM_THREADS, or the cores that this process may use. */
pycnn_status pycnn_set_num_threads(int threads);
int pycnn_num_threads(void);

/* Reads a model from a file, or from the bytes of a file, which are copied. *model is to be freed; after an error
 * it is null. */
pycnn_status pycnn_load(const char* path, pycnn_model** model);
/* The same, but most weights stay in the file, and memory has them once, in the form that kernels read. The file stays
 * open; it may be replaced or deleted, but not written in place: a call that then needs weights anew, as it has another
 * batch size, fails. */
pycnn_status pycnn_load_lazily(const char* path, pycnn_model** model);
pycnn_status pycnn_load_bytes(const void* file, size_t bytes, pycnn_model** model);
void pycnn_free(pycnn_model* model); /* null is allowed; calls that were prepared stay usable */

/* What the model takes and gives. Of a null model there are 0. */
int64_t pycnn_input_count(const pycnn_model* model);
int64_t pycnn_output_count(const pycnn_model* model);
pycnn_status pycnn_input_info(const pycnn_model* model, int64_t index, pycnn_tensor_info* info);
pycnn_status pycnn_output_info(const pycnn_model* model, int64_t index, pycnn_tensor_info* info);

/* The names of the classes, which a file may lack: then there are 0. pycnn_class_name() gives null for a number out of
 * range; names live as long as the model. */
int64_t pycnn_class_count(const pycnn_model* model);
const char* pycnn_class_name(const pycnn_model* model, int64_t label);

/* The outputs for `samples` samples, at least 1. `inputs` and `outputs` have as many arrays as the model. */
pycnn_status pycnn_predict(const pycnn_model* model, pycnn_dtype dtype, const void* const* inputs, int64_t samples,
                           float* const* outputs);

/* The `top` classes of one sample with the largest outputs, largest first, to predictions[0] to predictions[*count -
 * 1]: *count is `top`, or less where there are fewer classes. Needs a model with one input and one output. */
pycnn_status pycnn_classify(const pycnn_model* model, pycnn_dtype dtype, const void* x, int64_t top,
                            pycnn_prediction* predictions, int64_t* count);

/* A model and its arrays for batches of one size, for the least time a call. *call is to be freed; after
 * an error it is null. Its arrays live as long
 * as it does; their functions give null for an index out of range. Only one thread at a time may run a call. */
pycnn_status pycnn_prepare(const pycnn_model* model, pycnn_dtype dtype, int64_t samples, pycnn_call** call);
void* pycnn_call_input(const pycnn_call* call, int64_t index);
float* pycnn_call_output(const pycnn_call* call, int64_t index);
pycnn_status pycnn_call_run(const pycnn_call* call);
void pycnn_call_free(pycnn_call* call); /* null is allowed */

#ifdef __cplusplus
}
#endif

#endif
