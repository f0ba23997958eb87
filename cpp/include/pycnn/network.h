// pycnn for C++ programs that build and train networks: graph, network and what runs it. examples/cpp/deck.cpp is a
// whole program. What only uses a trained model includes <pycnn/pycnn.h>, whose interface changes less.
//
//   pycnn::Graph graph;                                    // what the network is: shapes are checked as it grows
//   int x = graph.add("pixels", pycnn::InputNode{}, {}, {{28, 28, 1}});
//   x = graph.add("flat", pycnn::ReshapeNode{}, {x}, {{784}});
//   x = pycnn::add_dense(graph, "scores", x, 10);          // with a kernel and a bias of its own
//   x = graph.add("classes", pycnn::SoftmaxNode{}, {x});
//
//   pycnn::Network network(graph, {x});                    // all weights are zero: write to parameters(), then touch()
//   network.compile(objective, optimizer);                 // losses, metrics and optimizer
//   network.train_step(batch, learning_rate);              // images and labels in, loss and accuracy out
//   network.predict(batch);                                // to batch.outputs
//   pycnn::Inference one(network, 1);                      // with arrays of its own, for calls with least overhead:
//   one();                                                 // one.input() to one.output()
//
// Images are NHWC, kernels HWIO, dense kernels (inputs, units). Mistakes in a graph or a call are std::invalid_argument
// with a message that names the node. A Batch is trusted: its arrays must hold `samples` samples of the network's
// shapes (or those that `index` picks), and labels must lie in [0, classes).
//
// A Network may be shared by threads, which then wait for each other. A program that forks calls install_fork_handler()
// before its first Network.
#pragma once

#include "engine/inference.h"  // Inference
#include "engine/network.h"    // Network, Batch, Objective, OptimizerSpec, StepResult
#include "graph/graph.h"       // Graph and its nodes
#include "graph/layers.h"      // add_conv2d, add_dense, add_batch_norm, ...
#include "runtime/dispatch.h"  // available_isas, set_active_isa
#include "runtime/exact.h"     // exact, set_exact
#include "runtime/fork.h"      // install_fork_handler
#include "runtime/threads.h"   // num_threads, set_num_threads
