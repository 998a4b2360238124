// @ts-check
// Names that filters understand: aliases of columns, and values of settings. A test of the program compares this file
// with its own lists, and prints what it must be.

export const NAMES = {
  "aliases": {
    "acc": "val_accuracy",
    "act": "activation",
    "best_val_accuracy": "val_accuracy",
    "bs": "batch_size",
    "created": "started",
    "eps": "epsilon",
    "hidden_layer_size": "hidden_size",
    "hidden_layer_sizes": "hidden_size",
    "hidden_layers": "num_layers",
    "hidden_sizes": "hidden_size",
    "id": "run",
    "initialisation": "weight_init",
    "initialization": "weight_init",
    "l2": "weight_decay",
    "layer_size": "hidden_size",
    "lr": "learning_rate",
    "n_epochs": "epochs",
    "n_layers": "num_layers",
    "note": "notes",
    "num_epochs": "epochs",
    "num_hidden_layers": "num_layers",
    "opt": "optimizer",
    "optimiser": "optimizer",
    "state": "status",
    "tag": "tags",
    "test_acc": "test_accuracy",
    "time": "seconds",
    "train_acc": "train_accuracy",
    "val_acc": "val_accuracy",
    "wd": "weight_decay",
    "weights_init": "weight_init"
  },
  "values": {
    "activation": {
      "elu": "elu",
      "gelu": "gelu",
      "identity": "identity",
      "leaky_relu": "leaky_relu",
      "leakyrelu": "leaky_relu",
      "linear": "identity",
      "logistic": "sigmoid",
      "none": "identity",
      "relu": "relu",
      "sigmoid": "sigmoid",
      "silu": "silu",
      "softplus": "softplus",
      "swish": "silu",
      "tanh": "tanh"
    },
    "loss": {
      "ce": "cross_entropy",
      "cross_entropy": "cross_entropy",
      "crossentropy": "cross_entropy",
      "mean_squared_error": "mean_squared_error",
      "mse": "mean_squared_error",
      "squared_error": "mean_squared_error"
    },
    "optimizer": {
      "adadelta": "adadelta",
      "adagrad": "adagrad",
      "adam": "adam",
      "adamax": "adamax",
      "adamw": "adamw",
      "amsgrad": "amsgrad",
      "eve": "eve",
      "lion": "lion",
      "momentum": "momentum",
      "muon": "muon",
      "nadam": "nadam",
      "nag": "nag",
      "nesterov": "nag",
      "radam": "radam",
      "rmsprop": "rmsprop",
      "sgd": "sgd"
    },
    "status": {
      "diverged": "diverged",
      "failed": "failed",
      "finished": "finished",
      "killed": "killed",
      "pruned": "pruned",
      "running": "running",
      "stopped": "stopped"
    },
    "weight_init": {
      "glorot": "xavier",
      "he": "he",
      "kaiming": "he",
      "lecun": "lecun",
      "normal": "random",
      "orthogonal": "orthogonal",
      "random": "random",
      "xavier": "xavier",
      "zero": "zeros",
      "zeros": "zeros"
    },
    "weights": {
      "best": "best",
      "last": "last"
    }
  },
  "datasets": {
    "digits": "mnist",
    "fashion": "fashion_mnist",
    "fashion_mnist": "fashion_mnist",
    "fashionmnist": "fashion_mnist",
    "mnist": "mnist"
  }
};
