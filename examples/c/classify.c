/* Classifies a picture of 28x28 grey pixels:
 *
 *   classify pycnn-out/deck.safetensors picture.pgm      an 8-bit PGM ("P5") */
#include <pycnn/pycnn_c.h>
#include <stdio.h>

static int read_pgm(const char* path, uint8_t pixels[28 * 28]) {
  FILE* file = fopen(path, "rb");
  int width = 0, height = 0, largest = 0, ok;
  if (!file) return 0;
  ok = fscanf(file, "P5 %d %d %d", &width, &height, &largest) == 3 && width == 28 && height == 28 && largest == 255;
  fgetc(file); /* the one white space after the numbers */
  ok = ok && fread(pixels, 1, 28 * 28, file) == 28 * 28;
  fclose(file);
  return ok;
}

static int failed(const char* message) {
  fprintf(stderr, "%s\n", message);
  return 1;
}

int main(int argc, char** argv) {
  uint8_t pixels[28 * 28];
  pycnn_model* model;
  pycnn_tensor_info input;
  pycnn_prediction best[3];
  int64_t count = 0, i;

  if (argc != 3) return failed("usage: classify MODEL.safetensors PICTURE.pgm");
  if (!read_pgm(argv[2], pixels)) return failed("the picture is no 8-bit PGM file of 28x28 pixels");
  if (pycnn_load(argv[1], &model) != PYCNN_OK) return failed(pycnn_last_error());
  if (pycnn_input_info(model, 0, &input) != PYCNN_OK || input.size != 28 * 28) {
    pycnn_free(model);
    return failed("the model takes no pictures of 28x28 pixels");
  }
  if (pycnn_classify(model, PYCNN_UINT8, pixels, 3, best, &count) != PYCNN_OK) {
    pycnn_free(model);
    return failed(pycnn_last_error());
  }
  for (i = 0; i < count; ++i)
    printf("%5.1f %%  %d %s\n", 100.0 * best[i].probability, (int)best[i].label, best[i].name);
  pycnn_free(model);
  return 0;
}
